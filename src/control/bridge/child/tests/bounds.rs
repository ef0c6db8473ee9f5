//! How many there may be.

use super::*;

const CHURN: usize = 1_000;

#[tokio::test(flavor = "current_thread")]
async fn each_scope_is_refused_by_its_name_and_makes_room_again() {
    let limits = Limits {
        children: 3,
        children_per_principal: 2,
        ..Limits::DEFAULT
    };
    let mut child = shell("cat");
    child.max_children = 3;
    let bench = Bench::within(child, &limits);
    let connect = |digit| bench.connector.connect(owner(digit));
    let first = connect('a').await.unwrap();
    let _second = connect('a').await.unwrap();
    let refused = |outcome: Result<Link, ConnectError>| outcome.unwrap_err();
    assert_eq!(
        refused(connect('a').await),
        ConnectError::Full(FullScope::Owner)
    );
    let _third = connect('b').await.unwrap();
    assert_eq!(
        refused(connect('b').await),
        ConnectError::Full(FullScope::Server)
    );
    let freed = bench.rooms.freed();
    drop(first);
    within_deadline(freed).await;
    assert!(connect('b').await.is_ok());
}

#[tokio::test(flavor = "current_thread")]
async fn a_child_that_is_being_stopped_still_counts() {
    let mut child = stdio_server(&["--blind-to-eof"]);
    child.max_children = 1;
    let bench = Bench::new(child).patient(Duration::from_millis(50), Duration::from_millis(50));
    let mut link = bench.open().await;
    let pid = pid(&mut link).await;
    drop(link);
    let freed = bench.rooms.freed();
    assert_eq!(
        bench.try_open().await.unwrap_err(),
        ConnectError::Full(FullScope::Server)
    );
    within_deadline(freed).await;
    assert!(!is_known(&pid));
    assert!(bench.try_open().await.is_ok());
}

/// Descriptors of this process that children account for: pipes and process descriptors. Other tests run beside this one, so
/// the number is taken while none of ours lives, before and after.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Processes, zombies too, whose session is led by one of `leaders`.
fn of_sessions(leaders: &[String]) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let stat = std::fs::read_to_string(entry.ok()?.path().join("stat")).ok()?;
        // pid (name) state ppid pgrp session …
        let session = stat.rsplit_once(") ")?.1.split(' ').nth(3)?.to_owned();
        Some((session, stat))
    });
    processes
        .filter(|(session, _)| leaders.contains(session))
        .map(|(_, stat)| stat)
        .collect()
}

/// Runs alone in a process of its own, so that descriptors can be counted.
#[test]
fn a_thousand_abandoned_sessions_leave_no_process_and_no_descriptor() {
    const ALONE: &str = "MCP_GUARD_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return churn();
    }
    let name = std::thread::current().name().unwrap().to_owned();
    let outcome = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &name, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&outcome.stdout);
    assert!(
        outcome.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&outcome.stderr)
    );
}

#[tokio::main(flavor = "current_thread")]
async fn churn() {
    let mut child = stdio_server(&[]);
    child.max_children = 8;
    let bench = Bench::new(child);
    // The first child opens what stays open for all.
    let mut link = bench.open().await;
    pid(&mut link).await;
    drop(link);
    bench.all_ended().await;
    let (before, mut leaders) = (descriptors(), Vec::new());
    for number in 0..CHURN {
        let mut link = within_deadline(next_room(&bench)).await;
        match number % 10 {
            // Left before the child has begun to read, in the middle of a call, after a call, with a grandchild, by a crash.
            0..=5 => {}
            6 => send_call(&link, "sleep", json!({ "ms": 60_000 })).await,
            7 => leaders.push(pid(&mut link).await),
            8 => {
                leaders.push(pid(&mut link).await);
                call(&mut link, "spawn", json!({})).await;
            }
            _ => send_call(&link, "crash", json!({})).await,
        }
        assert!(bench.rooms.children() <= 8);
        assert!(
            descriptors() <= before + 8 * 4,
            "stdin, stdout, stderr and the watch of each"
        );
    }
    bench.all_ended().await;
    assert_eq!(descriptors(), before);
    assert_eq!(leaders.len(), CHURN / 5);
    assert_eq!(of_sessions(&leaders), Vec::<String>::new());
    let started = bench.state.children.starts(ChildStart::Started);
    assert_eq!(started, CHURN as u64 + 1);
    let children =
        std::fs::read_to_string(format!("/proc/self/task/{}/children", std::process::id()));
    assert_eq!(children.unwrap_or_default(), "");
}

/// A child as soon as there is room for one.
async fn next_room(bench: &Bench) -> Link {
    loop {
        let freed = bench.rooms.freed();
        match bench.try_open().await {
            Ok(link) => return link,
            Err(ConnectError::Full(FullScope::Server)) => freed.await,
            // A crash before the first answer is a failed start.
            Err(ConnectError::BackingOff) => sleep(Duration::from_millis(1)).await,
            Err(other) => panic!("{other}"),
        }
    }
}
