//! What passes between link and child.

use super::*;

#[tokio::test(flavor = "current_thread")]
async fn messages_pass_both_ways_byte_for_byte() {
    let bench = Bench::new(shell("cat"));
    let mut link = bench.open().await;
    let messages = [
        r#"{"jsonrpc":"2.0","id":12345678901234567890123,"params":{"a":1.0,"b":"A\n","c":1E5}}"#,
        r#"[{"x": 1}]"#,
        "{ \"ü\" : \"\u{1f980}\" }",
    ];
    for message in messages {
        send(&link, message).await;
        assert_eq!(next_text(&mut link).await, message);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_message_never_becomes_two_lines() {
    let bench = Bench::new(shell("cat"));
    let mut link = bench.open().await;
    send(&link, "{\"a\":\r\n1,\n\"b\":2}").await;
    assert_eq!(next_text(&mut link).await, "{\"a\":  1, \"b\":2}");
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_no_message_is_skipped() {
    let bench = Bench::new(stdio_server(&[]));
    let mut link = bench.open().await;
    let text = call(&mut link, "garbage", json!({ "stderr_lines": 5_000 })).await;
    assert_eq!(text, "the last line counts\r");
    // A megabyte on standard error did not stop the child.
    assert_eq!(
        call(&mut link, "echo", json!({ "a": 1 })).await,
        r#"{"a":1}"#
    );
}

#[tokio::test(flavor = "current_thread")]
async fn carriage_returns_and_a_missing_last_line_feed_are_tolerated() {
    let bench = Bench::new(shell(r#"printf '{"a":1}\r\n\r\n\n{"b":\r2}\n{"c":3}'"#));
    let mut link = bench.open().await;
    assert_eq!(next_text(&mut link).await, r#"{"a":1}"#);
    assert_eq!(next_text(&mut link).await, r#"{"b": 2}"#);
    assert_eq!(next_text(&mut link).await, r#"{"c":3}"#);
    assert_eq!(next_end(&mut link).await, LinkEnd::Exited);
}

/// Writes `messages` of `bytes` each, and to `progress` how many it has written.
fn talkative(messages: usize, bytes: usize, progress: &std::path::Path) -> ChildCommand {
    shell(&format!(
        r#"i=0; while [ $i -lt {messages} ]; do i=$((i+1)); printf '{{"a":"%0{bytes}d"}}\n' $i; echo $i > {}; done; read end"#,
        progress.display()
    ))
}

#[tokio::test(flavor = "current_thread")]
async fn a_child_that_nobody_listens_to_waits() {
    // Pipe, buffer and queue hold about a hundred small messages, or three large ones; then the child stands still.
    for (messages, bytes, held_max) in [(400, 1_000, 200), (12, 300_000, 3)] {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bench = Bench::new(talkative(messages, bytes, file.path()));
        let mut link = bench.open().await;
        let written = || {
            let text = std::fs::read_to_string(file.path()).unwrap();
            text.trim().parse::<usize>().unwrap_or(0)
        };
        let (mut before, mut same) = (usize::MAX, 0);
        until("the child stands still", || {
            let now = written();
            same = if now > 0 && now == before {
                same + 1
            } else {
                0
            };
            before = now;
            same > 100
        })
        .await;
        assert!(before <= held_max, "{before} of {bytes} bytes");
        for number in 1..=messages {
            let number = number.to_string();
            let zeros = "0".repeat(bytes - number.len());
            assert_eq!(
                next_text(&mut link).await,
                format!(r#"{{"a":"{zeros}{number}"}}"#)
            );
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn environment_and_descriptors_of_the_gateway_stay_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = stdio_server(&[]);
    child.env = vec![("TOKEN".into(), "t".to_owned().into())];
    child.cwd = Some(folder.path().canonicalize().unwrap());
    let bench = Bench::new(child);
    let mut link = bench.open().await;
    let variables: Value = serde_json::from_str(&call(&mut link, "env", json!({})).await).unwrap();
    assert_eq!(variables["TOKEN"], "t");
    assert_eq!(variables["PATH"], std::env::var("PATH").unwrap());
    let ours = [
        "PATH", "HOME", "LANG", "TZ", "TMPDIR", "USER", "LOGNAME", "SHELL", "TOKEN",
    ];
    for name in variables.as_object().unwrap().keys() {
        assert!(
            ours.contains(&name.as_str()) || name.starts_with("LC_"),
            "{name}"
        );
    }
    let process: Value = serde_json::from_str(&call(&mut link, "pid", json!({})).await).unwrap();
    assert_eq!(process["fds"], json!([]));
    assert_eq!(process["cwd"], json!(folder.path().canonicalize().unwrap()));
}
