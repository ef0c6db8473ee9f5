//! Reload and drain.

use crate::harness::client::{Client, bearer, call, post};
use crate::harness::eventually;
use crate::harness::gateway::{ADMIN, READER, Setup, key_entry};
use crate::harness::upstream::{Recorded, Step, Upstream, chunk, plain_server, sse_head};

#[test]
fn a_revoked_key_is_refused_on_the_next_request_and_a_bad_file_changes_nothing() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let mut kept = gateway.client();
    assert_eq!(
        kept.exchange(post("/mcp", &bearer(READER), &call(1, "read_a")))
            .status,
        200
    );
    let good = std::fs::read_to_string(gateway.config_path()).unwrap();
    std::fs::write(gateway.config_path(), format!("{good}\n[auht]\n")).unwrap();
    gateway.signal(libc::SIGHUP);
    gateway.log_line("auht");
    assert_eq!(
        kept.exchange(post("/mcp", &bearer(READER), &call(1, "read_a")))
            .status,
        200
    );
    let revoked = good.replace(
        &key_entry(
            "reader",
            READER,
            r#"["read_*", "prompt:p*", "resource:file:///docs/*"]"#,
        ),
        "",
    );
    assert_ne!(revoked, good);
    std::fs::write(gateway.config_path(), revoked).unwrap();
    let reload = Client::connect(gateway.admin).exchange(format!(
        "POST /reload HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n",
        gateway.admin
    ));
    assert_eq!(reload.status, 200, "{reload:?}");
    assert_eq!(
        kept.exchange(post("/mcp", &bearer(READER), &call(1, "read_a")))
            .status,
        401
    );
    assert_eq!(
        kept.exchange(post("/mcp", &bearer(ADMIN), &call(1, "read_a")))
            .status,
        200,
        "the connection itself stays"
    );
}

#[test]
fn a_drain_finishes_what_was_admitted_and_loses_no_record() {
    let upstream = Upstream::start(|request: &Recorded| {
        if request.body.contains("read_slow") {
            let mut steps = vec![Step::AwaitRelease];
            steps.extend(plain_server(request));
            return steps;
        }
        plain_server(request)
    });
    let mut gateway = Setup::in_front_of(&upstream.url()).start();
    let mut idle = gateway.client();
    assert_eq!(
        idle.exchange(post("/mcp", &bearer(READER), &call(1, "read_a")))
            .status,
        200
    );
    let mut slow: Vec<_> = (0..4).map(|_| gateway.client()).collect();
    for client in &mut slow {
        client.send(post("/mcp", &bearer(READER), &call(2, "read_slow")));
    }
    upstream.wait_for(5);
    gateway.signal(libc::SIGTERM);
    assert!(idle.is_closed(), "idle connections end at once");
    eventually("the listener is gone", || {
        std::net::TcpStream::connect(gateway.address)
            .is_err()
            .then_some(())
    });
    for _ in &slow {
        upstream.release();
    }
    for client in &mut slow {
        let answer = client.answer();
        assert_eq!(
            answer.json()["result"]["content"][0]["text"],
            "called read_slow"
        );
        assert_eq!(answer.header("connection"), Some("close"));
    }
    assert_eq!(gateway.wait().code(), Some(0));
    let calls = gateway
        .records()
        .into_iter()
        .filter(|record| record["event_type"] == "tool_call")
        .count();
    assert_eq!(calls, 5, "each admitted call has its record");
}

#[test]
fn a_drain_ends_streams_within_its_grace() {
    let upstream = Upstream::start(|_| vec![sse_head(""), chunk(": open\n\n"), Step::AwaitClose]);
    let mut gateway = Setup::in_front_of(&upstream.url())
        .server("drain_timeout = \"1s\"")
        .start();
    let mut client = gateway.client();
    client.send(format!(
        "GET /mcp HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
        bearer(READER)
    ));
    client.stream_until_head_and("open");
    let mut call_stream = gateway.client();
    call_stream.send(post("/mcp", &bearer(READER), &call(7, "read_a")));
    call_stream.stream_until_head_and("open");
    gateway.signal(libc::SIGTERM);
    let told = call_stream.stream_until("-32603");
    assert!(told.contains("\"id\":7"), "{told}");
    let _ = client.rest();
    assert_eq!(gateway.wait().code(), Some(0));
}

#[test]
fn the_audit_file_is_reopened_for_log_rotation() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    gateway.post(READER, &call(1, "read_a"));
    gateway.record("the first record", |record| {
        record["event_type"] == "tool_call"
    });
    let audit = gateway.config_path().with_file_name("audit.jsonl");
    std::fs::rename(&audit, audit.with_extension("1")).unwrap();
    gateway.signal(libc::SIGUSR1);
    eventually("the file is back", || audit.exists().then_some(()));
    gateway.post(READER, &call(1, "read_b"));
    gateway.record("the second record", |record| record["tool"] == "read_b");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(
        std::fs::metadata(&audit).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn a_request_on_its_way_as_a_drain_begins_is_served() {
    let upstream = Upstream::start(plain_server);
    for _ in 0..10 {
        let mut gateway = Setup::in_front_of(&upstream.url()).start();
        let mut clients: Vec<_> = (0..8).map(|_| gateway.client()).collect();
        for client in &mut clients {
            assert_eq!(
                client
                    .exchange(post("/mcp", &bearer(READER), &call(1, "read_a")))
                    .status,
                200
            );
        }
        gateway.signal(libc::SIGTERM);
        for client in &mut clients {
            let last = client.exchange(post("/mcp", &bearer(READER), &call(2, "read_b")));
            assert_eq!(last.status, 200);
        }
        assert_eq!(gateway.wait().code(), Some(0));
    }
}
