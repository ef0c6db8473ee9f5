//! How children end.

use super::*;

const AT_ONCE: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "current_thread")]
async fn a_dropped_link_closes_the_input_and_the_child_ends() {
    let bench = Bench::new(stdio_server(&[]));
    let mut link = bench.open().await;
    let pid = pid(&mut link).await;
    assert_eq!(bench.rooms.children(), 1);
    drop(link);
    bench.all_ended().await;
    assert!(!is_known(&pid));
    assert_eq!(bench.ends(ChildEnd::Closed), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn what_was_sent_before_the_link_was_dropped_arrives() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let bench = Bench::new(shell(&format!("cat > {}", file.path().display())));
    let link = bench.open().await;
    for number in 0..10 {
        send(&link, &format!("[{number}]")).await;
    }
    drop(link);
    bench.all_ended().await;
    let text = std::fs::read_to_string(file.path()).unwrap();
    assert_eq!(text.lines().count(), 10, "{text}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_child_that_ignores_its_input_is_terminated() {
    let bench = Bench::new(shell(r#"echo '{}'; exec sleep 1000"#)).patient(AT_ONCE, DEADLINE);
    let mut link = bench.open().await;
    next_text(&mut link).await;
    drop(link);
    bench.all_ended().await;
    assert_eq!(bench.ends(ChildEnd::Terminated), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn a_child_that_ignores_sigterm_is_killed() {
    let bench = Bench::new(stdio_server(&["--blind-to-eof"])).patient(AT_ONCE, AT_ONCE);
    let mut link = bench.open().await;
    let pid = pid(&mut link).await;
    drop(link);
    bench.all_ended().await;
    assert!(!is_known(&pid));
    assert_eq!(bench.ends(ChildEnd::Killed), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn a_child_that_does_not_read_is_stopped_all_the_same() {
    let bench = Bench::new(shell("exec sleep 1000")).patient(AT_ONCE, DEADLINE);
    let link = bench.open().await;
    let large = format!("[\"{}\"]", "x".repeat(300_000));
    while link.to_server.try_send(large.clone().into_bytes()).is_ok() {
        tokio::task::yield_now().await;
    }
    drop(link);
    bench.all_ended().await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_child_that_writes_for_ever_is_stopped_all_the_same() {
    let bench = Bench::new(shell("while :; do echo '{}'; done")).patient(AT_ONCE, DEADLINE);
    let mut link = bench.open().await;
    next_text(&mut link).await;
    drop(link);
    bench.all_ended().await;
}

#[tokio::test(flavor = "current_thread")]
async fn grandchildren_go_with_the_session() {
    let bench = Bench::new(stdio_server(&[]));
    let mut link = bench.open().await;
    let grandchild = call(&mut link, "spawn", json!({})).await;
    assert!(is_known(&grandchild));
    drop(link);
    bench.all_ended().await;
    until("grandchild is gone", || !is_known(&grandchild)).await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_crash_is_told_at_once_though_a_grandchild_holds_the_pipe() {
    let bench = Bench::new(stdio_server(&[]));
    let mut link = bench.open().await;
    let grandchild = call(&mut link, "spawn", json!({})).await;
    send_call(&link, "crash", json!({ "partial": true })).await;
    assert_eq!(next_end(&mut link).await, LinkEnd::Exited);
    assert!(
        link.from_server.recv().await.is_none(),
        "the end is the last"
    );
    bench.all_ended().await;
    until("grandchild is gone", || !is_known(&grandchild)).await;
    assert_eq!(bench.ends(ChildEnd::Exited), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn a_process_outside_the_group_that_holds_the_pipe_delays_nothing() {
    let bench = Bench::new(stdio_server(&[]));
    let mut link = bench.open().await;
    let stranger = call(&mut link, "spawn", json!({ "detached": true })).await;
    send_call(&link, "crash", json!({})).await;
    assert_eq!(next_end(&mut link).await, LinkEnd::Exited);
    // It detached itself, and its parent ended by itself: it may stay until the gateway ends.
    bench.all_ended().await;
    until("stranger is gone", || has_ended(&stranger)).await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_child_that_is_killed_takes_along_what_it_detached() {
    let bench = Bench::new(stdio_server(&["--blind-to-eof"])).patient(AT_ONCE, AT_ONCE);
    let mut link = bench.open().await;
    let detached = call(&mut link, "spawn", json!({ "detached": true })).await;
    assert!(is_known(&detached));
    drop(link);
    until("the child is gone", || bench.rooms.children() == 0).await;
    assert!(!is_known(&detached));
}

#[tokio::test(flavor = "current_thread")]
async fn lines_written_before_the_end_are_delivered_before_it() {
    // More than queue and buffer hold, less than the pipe does besides: the child ends with most of it unread.
    const LINES: usize = 2_500;
    let script = format!("seq -f '[1%014.0f]' {LINES}; sleep 1000 & exit 3");
    let bench = Bench::new(shell(&script));
    let mut link = bench.open().await;
    until("the child is gone", || bench.rooms.children() == 0).await;
    for number in 1..=LINES {
        assert_eq!(next_text(&mut link).await, format!("[1{number:014}]"));
    }
    assert_eq!(next_end(&mut link).await, LinkEnd::Exited);
}

#[tokio::test(flavor = "current_thread")]
async fn a_child_that_closes_its_output_or_input_is_done() {
    for script in [
        "echo '{}'; exec >&-; exec sleep 1000",
        "exec <&-; echo '{}'; exec sleep 1000",
    ] {
        let bench = Bench::new(shell(script)).patient(AT_ONCE, DEADLINE);
        let mut link = bench.open().await;
        assert_eq!(next_text(&mut link).await, "{}", "{script}");
        let _ = link.to_server.send(b"{}".to_vec()).await;
        assert_eq!(next_end(&mut link).await, LinkEnd::Exited, "{script}");
        bench.all_ended().await;
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_line_beyond_the_bound_ends_the_child() {
    let limits = Limits {
        line_bytes: 1_000,
        ..Limits::DEFAULT
    };
    let bench = Bench::within(stdio_server(&["--blind-to-eof"]), &limits);
    let mut link = bench.open().await;
    assert_eq!(
        call(&mut link, "big", json!({ "bytes": 800 })).await.len(),
        800
    );
    send_call(&link, "big", json!({ "bytes": 3_000_000 })).await;
    assert_eq!(next_end(&mut link).await, LinkEnd::TooLarge);
    bench.all_ended().await;
    assert_eq!(bench.ends(ChildEnd::LineTooLarge), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn a_drain_can_be_cut_short() {
    for is_held in [false, true] {
        let bench =
            Bench::new(stdio_server(&["--blind-to-eof"])).patient(DEADLINE * 9, DEADLINE * 9);
        let mut link = bench.open().await;
        pid(&mut link).await;
        let held = is_held.then_some(link);
        sleep(AT_ONCE).await;
        assert_eq!(bench.rooms.children(), 1);
        bench.rooms.kill_all();
        bench.all_ended().await;
        drop(held);
    }
}

#[test]
fn a_runtime_that_ends_takes_its_children_along() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (pid, grandchild) = runtime.block_on(async {
        let bench = Bench::new(stdio_server(&["--blind-to-eof"]));
        let mut link = bench.open().await;
        let numbers = (
            pid(&mut link).await,
            call(&mut link, "spawn", json!({})).await,
        );
        std::mem::forget(link);
        numbers
    });
    drop(runtime);
    assert!(!is_known(&pid));
    let gone = std::time::Instant::now() + DEADLINE;
    while is_known(&grandchild) {
        assert!(std::time::Instant::now() < gone);
        std::thread::sleep(Duration::from_millis(2));
    }
}
