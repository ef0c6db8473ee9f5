//! The gateway under TLS, as clients meet it.

mod certificates;
mod names;
mod refused;
mod tools;
mod upstream;

use rustls::ProtocolVersion;
use rustls::version::{TLS12, TLS13};

use crate::harness::client::{Client, bearer, call, post};
use crate::harness::eventually;
use crate::harness::gateway::{ADMIN, READER};
use crate::harness::site::Site;
use crate::harness::upstream::{
    Recorded, Step, Upstream, answer, chunk, json, last_chunk, plain_server, sse_head,
};

const LIST: &str = r#"{"jsonrpc":"2.0","id":3,"method":"tools/list"}"#;

#[test]
fn requests_are_served_as_without_tls() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, "").start();
    let mut client = site.client(&gateway);
    let agreed = client.agreed();
    assert_eq!(agreed.version, ProtocolVersion::TLSv1_3);
    assert_eq!(agreed.protocol.as_deref(), Some(&b"http/1.1"[..]));
    for id in 1..20 {
        let called = client.exchange(post("/mcp", &bearer(READER), &call(id, "read_a")));
        assert_eq!(
            called.json()["result"]["content"][0]["text"],
            "called read_a"
        );
        assert_eq!(called.json()["id"], id);
    }
    let listed = client.exchange(post("/mcp", &bearer(READER), LIST)).text();
    assert!(
        listed.contains("read_b") && !listed.contains("delete_all"),
        "{listed}"
    );
    let refused = client.exchange(post("/mcp", "", LIST));
    assert_eq!(refused.status, 401);
    let health = site
        .client(&gateway)
        .exchange("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(health.status, 200);
    for result in ["full", "resumed"] {
        let sample = format!("mcp_guard_tls_handshakes_total{{result=\"{result}\"}}");
        assert_eq!(gateway.metric(&sample), 1.0, "{result}");
    }
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, "").start();
    let mut client = site.client(&gateway);
    let all: String = (1..=8)
        .map(|id| post("/mcp", &bearer(READER), &call(id, "read_a")))
        .collect();
    client.send(&all);
    for id in 1..=8 {
        assert_eq!(client.answer().json()["id"], id);
    }
    // Cut anywhere, over as many records.
    let request = post("/mcp", &bearer(READER), &call(9, "read_a"));
    for byte in request.as_bytes() {
        client.send([*byte]);
    }
    assert_eq!(client.answer().json()["id"], 9);
}

#[test]
fn an_old_client_gets_its_answer_and_the_end_of_the_connection() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, "").start();
    let mut client = site.client(&gateway);
    let body = call(1, "read_a");
    let answer = client.exchange(format!(
        "POST /mcp HTTP/1.0\r\nHost: localhost\r\n{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        bearer(READER),
        body.len()
    ));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(client.is_closed());
    assert_eq!(
        client.cut(),
        None,
        "the end is announced, so that nobody takes it for a cut"
    );
}

#[test]
fn large_bodies_pass_whole_both_ways() {
    let (site, upstream) = (
        Site::new(),
        Upstream::start(|request: &Recorded| {
            let id = &request.json()["id"];
            let text = "r".repeat(3 << 20);
            json(&format!(
                r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#
            ))
        }),
    );
    let gateway = site.setup(&upstream, "").start();
    let argument: String = (0..900_000)
        .map(|n| char::from(b'a' + (n % 26) as u8))
        .collect();
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"read_a","arguments":{{"x":"{argument}"}}}}}}"#
    );
    for version in [&TLS12, &TLS13] {
        let visitor = site.authority.visitor_with(None, &[version]);
        let mut client = gateway.tls_client(&visitor);
        for _ in 0..2 {
            let answer = client.exchange(post("/mcp", &bearer(READER), &body));
            assert_eq!(answer.status, 200);
            let text = &answer.json()["result"]["content"][0]["text"];
            assert_eq!(text.as_str().unwrap().len(), 3 << 20);
        }
    }
    for seen in upstream.requests() {
        assert!(seen.body == body, "as sent");
    }
}

#[test]
fn events_arrive_one_by_one_and_silence_is_broken_by_comments() {
    let progress = chunk(
        "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1,\"progress\":1}}\n\n",
    );
    let (site, upstream) = (
        Site::new(),
        Upstream::start(move |_| {
            let result =
                chunk("data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[]}}\n\n");
            vec![
                sse_head(""),
                progress.clone(),
                Step::AwaitRelease,
                result,
                last_chunk(),
            ]
        }),
    );
    let gateway = site.setup(&upstream, "").start();
    let mut client = site.client(&gateway);
    client.send(post("/mcp", &bearer(READER), &call(1, "read_a")));
    client.stream_until_head_and("notifications/progress");
    // 15 s of silence from the upstream.
    client.stream_until(":");
    upstream.release();
    client.stream_until("\"result\"");
    assert_eq!(client.chunk(), Some(Vec::new()), "the stream ends cleanly");
}

#[test]
fn a_client_that_leaves_is_noticed() {
    let (site, upstream) = (
        Site::new(),
        Upstream::start(|_| vec![sse_head(""), chunk(": open\n\n"), Step::AwaitClose]),
    );
    let gateway = site.setup(&upstream, "").start();
    let get = format!(
        "GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{}\r\n",
        bearer(READER)
    );
    // With a goodbye, and without.
    let mut polite = site.client(&gateway);
    polite.send(&get).stream_until_head_and("open");
    let mut rude = site.client(&gateway);
    rude.send(&get).stream_until_head_and("open");
    polite.close();
    eventually("the first upstream connection is closed", || {
        (upstream.closed_by_gateway() == 1).then_some(())
    });
    drop(rude);
    eventually("the second upstream connection is closed", || {
        (upstream.closed_by_gateway() == 2).then_some(())
    });
}

#[test]
fn a_resumed_session_is_as_good_as_a_new_one() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, "").start();
    for version in [&TLS12, &TLS13] {
        let visitor = site.authority.visitor_with(None, &[version]);
        let resumed: Vec<bool> = (0..4)
            .map(|_| {
                let mut client = gateway.tls_client(&visitor);
                let answer = client.exchange(post("/mcp", &bearer(READER), &call(1, "read_a")));
                assert_eq!(answer.status, 200);
                client.agreed().is_resumed
            })
            .collect();
        assert_eq!(resumed, [false, true, true, true], "{version:?}");
    }
}

#[test]
fn a_drain_finishes_what_was_admitted_and_says_goodbye() {
    let (site, upstream) = (
        Site::new(),
        Upstream::start(|request: &Recorded| {
            let mut steps = match request.body.contains("read_slow") {
                true => vec![Step::AwaitRelease],
                false => Vec::new(),
            };
            steps.extend(plain_server(request));
            steps
        }),
    );
    let mut gateway = site.setup(&upstream, "").start();
    let mut idle = site.client(&gateway);
    let first = idle.exchange(post("/mcp", &bearer(READER), &call(1, "read_a")));
    assert_eq!(first.status, 200);
    let mut slow = site.client(&gateway);
    slow.send(post("/mcp", &bearer(ADMIN), &call(2, "read_slow")));
    upstream.wait_for(2);
    // One that is still in its handshake holds nothing up.
    let silent = std::net::TcpStream::connect(gateway.address).unwrap();
    gateway.signal(libc::SIGTERM);
    assert!(idle.is_closed(), "idle connections end at once");
    assert_eq!(idle.cut(), None, "with a goodbye");
    upstream.release();
    let answer = slow.answer();
    assert_eq!(
        answer.json()["result"]["content"][0]["text"],
        "called read_slow"
    );
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(slow.is_closed() && slow.cut().is_none());
    assert_eq!(gateway.wait().code(), Some(0));
    drop(silent);
}

#[test]
fn an_upstream_that_breaks_off_leaves_no_answer_that_looks_whole() {
    let (site, upstream) = (
        Site::new(),
        Upstream::start(|request: &Recorded| match request.body.contains("read_a") {
            true => vec![sse_head(""), chunk(": open\n\n"), Step::Reset],
            false => answer(500, "", ""),
        }),
    );
    let gateway = site.setup(&upstream, "").start();
    let mut client = site.client(&gateway);
    let answer = client.exchange(post("/mcp", &bearer(READER), &call(1, "read_a")));
    let text = answer.text();
    assert!(
        !answer.is_complete || text.contains("-32603"),
        "told, or cut: {answer:?}"
    );
}

#[test]
fn the_oldest_version_is_what_was_configured() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, "min_version = \"1.3\"").start();
    let old = site.authority.visitor_with(None, &[&TLS12]);
    assert!(Client::try_tls(gateway.address, &old, "localhost").is_err());
    assert_eq!(
        site.client(&gateway).agreed().version,
        ProtocolVersion::TLSv1_3
    );
    let gateway = site.setup(&upstream, "min_version = \"1.2\"").start();
    let agreed = gateway.tls_client(&old).agreed();
    assert_eq!(agreed.version, ProtocolVersion::TLSv1_2);
    assert_eq!(agreed.protocol.as_deref(), Some(&b"http/1.1"[..]));
}
