//! Children that do not work.

use super::*;

/// Opens until the back-off says no, at most `max` times; returns how often a child was started or tried.
async fn tries(bench: &Bench, max: usize) -> usize {
    for tried in 0..max {
        match bench.try_open().await {
            Err(ConnectError::BackingOff) => return tried,
            Err(ConnectError::Unreachable(_)) => {}
            Err(other) => panic!("{other}"),
            Ok(mut link) => {
                assert_eq!(next_end(&mut link).await, LinkEnd::Exited);
                drop(link);
                bench.all_ended().await;
            }
        }
    }
    max
}

#[tokio::test(flavor = "current_thread")]
async fn a_command_that_is_missing_is_said_and_not_tried_again_at_once() {
    let mut child = shell("");
    child.command = "no-such-program".into();
    let bench = Bench::new(child);
    let error = bench.try_open().await.unwrap_err();
    assert!(
        matches!(&error, ConnectError::Unreachable(why) if why.contains("is not found")),
        "{error}"
    );
    assert_eq!(
        bench.try_open().await.unwrap_err(),
        ConnectError::BackingOff
    );
    assert_eq!(bench.state.reach(), Reach::Down);
    assert_eq!(bench.rooms.children(), 0);
    assert_eq!(bench.state.children.starts(ChildStart::Failed), 1);
    assert_eq!(bench.state.children.starts(ChildStart::BackingOff), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn a_child_that_ends_before_it_answers_is_a_failed_start() {
    let bench = Bench::new(shell("echo sorry >&2; echo no message; exit 1"));
    assert_eq!(tries(&bench, 5).await, 1);
    assert_eq!(bench.state.reach(), Reach::Down);
    assert_eq!(bench.ends(ChildEnd::Exited), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn a_child_that_has_answered_may_crash_without_delay_for_the_next() {
    let bench = Bench::new(shell("echo '{}'; exit 1"));
    for _ in 0..5 {
        let mut link = bench.open().await;
        assert_eq!(next_text(&mut link).await, "{}");
        assert_eq!(next_end(&mut link).await, LinkEnd::Exited);
    }
    assert_eq!(bench.state.reach(), Reach::Up);
}

#[tokio::test(flavor = "current_thread")]
async fn a_session_that_is_given_up_before_the_child_answers_is_no_failure() {
    let bench = Bench::new(stdio_server(&["--slow-start", "300"]));
    for _ in 0..3 {
        drop(bench.open().await);
    }
    bench.all_ended().await;
    let mut link = bench.open().await;
    pid(&mut link).await;
    assert_eq!(bench.state.reach(), Reach::Up);
}

#[tokio::test(flavor = "current_thread")]
async fn a_server_that_works_again_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = shell("echo '{}'; cat");
    child.cwd = Some(folder.path().join("later"));
    let bench = Bench::new(child);
    assert_eq!(tries(&bench, 5).await, 1);
    std::fs::create_dir(folder.path().join("later")).unwrap();
    let mut link = within_deadline(async {
        loop {
            match bench.try_open().await {
                Ok(link) => break link,
                Err(error) => assert_eq!(error, ConnectError::BackingOff),
            }
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(next_text(&mut link).await, "{}");
    assert_eq!(bench.state.reach(), Reach::Up);
    assert!(bench.try_open().await.is_ok() && bench.try_open().await.is_ok());
}

#[tokio::test(flavor = "current_thread")]
async fn a_probe_finds_out_whether_children_work_and_leaves_none() {
    let short = Duration::from_millis(200);
    let rows = [
        (stdio_server(&[]), DEADLINE, Reach::Up),
        (stdio_server(&["--era", "legacy"]), DEADLINE, Reach::Up),
        (stdio_server(&["--no-answer"]), short, Reach::Up),
        (shell("exit 1"), DEADLINE, Reach::Down),
        (shell("no-such-program"), DEADLINE, Reach::Down),
    ];
    for (child, patience, found) in rows {
        let bench = Bench::new(child);
        let command = Arc::clone(&bench.command);
        let probed = probe_child(
            Arc::clone(&bench.state),
            command,
            &Limits::DEFAULT,
            patience,
        );
        within_deadline(probed).await;
        assert_eq!(bench.state.reach(), found, "{:?}", bench.command.args);
        until("the child is gone", || {
            bench.state.children.alive.value() == 0
        })
        .await;
    }
}
