//! Answers flow as they come, sessions pass, and who leaves is noticed.

use std::time::{Duration, Instant};

use crate::harness::client::{bearer, call, modern, post};
use crate::harness::eventually;
use crate::harness::gateway::{ADMIN, READER, Setup};
use crate::harness::upstream::{
    Recorded, Step, Upstream, answer, chunk, json, last_chunk, plain_server, sse_head,
};

fn get(fields: &str) -> String {
    format!("GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{fields}\r\n")
}

fn event(data: &str) -> Step {
    chunk(&format!("event: message\ndata: {data}\n\n"))
}

const PROGRESS: &str = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#;
const RESULT: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;

#[test]
fn each_event_arrives_before_the_next_one_is_sent() {
    let upstream = Upstream::start(|_| {
        vec![
            sse_head(""),
            event(PROGRESS),
            Step::AwaitRelease,
            event(RESULT),
            last_chunk(),
        ]
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let mut client = gateway.client();
    let head = client
        .send(post("/mcp", &bearer(READER), &call(1, "read_a")))
        .head();
    assert!(
        head.contains("text/event-stream") && head.to_lowercase().contains("x-accel-buffering: no"),
        "{head}"
    );
    client.stream_until("notifications/progress");
    upstream.release();
    client.stream_until("\"result\"");
    assert_eq!(client.chunk(), Some(Vec::new()), "the stream ends cleanly");
}

#[test]
fn sessions_and_resumption_pass_through() {
    let upstream = Upstream::start(|request: &Recorded| {
        if request.body.contains("initialize\"") {
            return answer(
                200,
                "Content-Type: application/json\r\nMcp-Session-Id: s-1\r\nSet-Cookie: a=b\r\nServer: x\r\n",
                r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            );
        }
        match request.head.split(' ').next() {
            Some("GET") => vec![sse_head(""), event(PROGRESS), last_chunk()],
            _ => plain_server(request),
        }
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    let opened = gateway.post(READER, initialize);
    let sealed = opened.header("mcp-session-id").unwrap();
    assert!(!sealed.contains("s-1"));
    assert!(opened.header("set-cookie").is_none() && opened.header("server").is_none());
    let session = format!(
        "{}Mcp-Session-Id: {sealed}\r\nMCP-Protocol-Version: 2025-11-25\r\n",
        bearer(READER)
    );
    let notified = gateway.client().exchange(post(
        "/mcp",
        &session,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    ));
    assert_eq!((notified.status, notified.body.len()), (202, 0));
    let resumed = gateway
        .client()
        .exchange(get(&format!("{session}Last-Event-ID: e-7\r\n")));
    assert!(resumed.text().contains("progress"));
    let ended = gateway.client().exchange(format!(
        "DELETE /mcp HTTP/1.1\r\nHost: localhost\r\n{session}\r\n"
    ));
    assert_eq!(ended.status, 200);
    let seen = upstream.requests();
    assert_eq!(seen[2].header("last-event-id"), Some("e-7"));
    assert_eq!(seen[2].header("accept"), Some("text/event-stream"));
    assert!(
        seen[1..]
            .iter()
            .all(|request| request.header("mcp-session-id") == Some("s-1"))
    );
    assert_eq!(gateway.client().exchange(get("")).status, 401);
}

#[test]
fn a_list_on_a_get_stream_is_filtered_too() {
    let upstream = Upstream::start(|_| {
        vec![
            sse_head(""),
            event(&crate::harness::upstream::tools_list("9")),
            last_chunk(),
        ]
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let text = gateway.client().exchange(get(&bearer(READER))).text();
    assert!(
        text.contains("read_a") && !text.contains("delete_all"),
        "{text}"
    );
}

fn waits(request: &Recorded) -> Vec<Step> {
    if request.body.contains("tools/call") || request.head.starts_with("GET") {
        vec![sse_head(""), event(PROGRESS), Step::AwaitClose]
    } else {
        plain_server(request)
    }
}

#[test]
fn a_modern_client_that_leaves_cancels_its_request() {
    let upstream = Upstream::start(waits);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let (fields, body) = modern(1, "tools/call", Some("read_a"));
    let mut client = gateway.client();
    client.send(post("/mcp", &format!("{}{fields}", bearer(READER)), &body));
    client.stream_until_head_and("progress");
    let left = Instant::now();
    drop(client);
    eventually("the upstream connection is closed", || {
        (upstream.closed_by_gateway() == 1).then_some(())
    });
    assert!(left.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_modern_client_that_leaves_before_the_first_byte_cancels_too() {
    let upstream = Upstream::start(|_| vec![Step::AwaitClose]);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let (fields, body) = modern(1, "tools/call", Some("read_a"));
    let mut client = gateway.client();
    client.send(post("/mcp", &format!("{}{fields}", bearer(READER)), &body));
    upstream.wait_for(1);
    drop(client);
    eventually("the upstream connection is closed", || {
        (upstream.closed_by_gateway() == 1).then_some(())
    });
}

#[test]
fn a_legacy_client_that_leaves_does_not_cancel() {
    let upstream = Upstream::start(|_| {
        vec![
            Step::AwaitRelease,
            Step::Send(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
                    .to_vec(),
            ),
        ]
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let mut client = gateway.client();
    client.send(post("/mcp", &bearer(READER), &call(1, "read_a")));
    upstream.wait_for(1);
    drop(client);
    assert_eq!(
        gateway
            .client()
            .exchange("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .status,
        200
    );
    assert_eq!(upstream.open(), 1, "the request goes on");
    upstream.release();
    gateway.record("the call is recorded", |record| {
        record["event_type"] == "tool_call"
    });
}

#[test]
fn an_idle_stream_that_its_client_left_gives_its_descriptors_back() {
    let upstream = Upstream::start(waits);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let before = gateway.descriptors();
    let mut clients: Vec<_> = (0..20).map(|_| gateway.client()).collect();
    for client in &mut clients {
        client.send(get(&bearer(READER)));
        client.stream_until_head_and("progress");
    }
    assert!(gateway.descriptors() >= before + 40);
    drop(clients);
    eventually("all descriptors are back", || {
        (gateway.descriptors() <= before + 2 && upstream.open() == 0).then_some(())
    });
}

#[test]
fn comments_keep_an_idle_stream_alive() {
    let upstream = Upstream::start(waits);
    let gateway = Setup::in_front_of(&upstream.url())
        .server("[server.limits]\nsse_keepalive = \"1s\"")
        .start();
    let mut client = gateway.client();
    client.send(get(&bearer(READER)));
    let text = client.stream_until_head_and("progress");
    assert!(!text.contains("\n:"), "{text}");
    client.stream_until(":");
    client.stream_until(":");
}

#[test]
fn a_large_answer_flows_through_without_being_held() {
    const SIZE: usize = 64 << 20;
    let upstream = Upstream::start(|_| {
        let mut body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":"{}"#,
            "x".repeat(SIZE)
        );
        body.push_str("\"}]}}");
        json(&body)
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let mut clients: Vec<_> = (0..2).map(|_| gateway.client()).collect();
    for client in &mut clients {
        client.send(post("/mcp", &bearer(READER), &call(1, "read_a")));
        client.head();
    }
    let resident = resident_kib(gateway.pid());
    assert!(
        resident < 40 << 10,
        "two stalled readers of 64 MiB hold {resident} KiB"
    );
    drop(clients);
    let answer = gateway.post(READER, &call(1, "read_a"));
    assert!(answer.is_complete && answer.body.len() > SIZE);
}

fn resident_kib(pid: i32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn interleaved_clients_get_their_own_answers() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let gateway = &gateway;
            scope.spawn(move || {
                let mut client = gateway.client();
                for round in 0..200 {
                    let nonce = format!("t{thread}r{round}");
                    let answer = client.exchange(post("/mcp", &bearer(ADMIN), &call(1, &nonce)));
                    assert_eq!(
                        answer.json()["result"]["content"][0]["text"],
                        format!("called {nonce}")
                    );
                }
            });
        }
    });
}
