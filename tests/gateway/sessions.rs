//! Sessions of revisions up to 2025-11-25: the client holds a seal, which opens for its owner, its server and its time.

use crate::harness::client::{Answer, Client, bearer, post};
use crate::harness::gateway::{ADMIN, Gateway, READER, Setup};
use crate::harness::upstream::{Recorded, Step, Upstream, answer, plain_server};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
const PING: &str = r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#;
const KEY: &str = "session_key = \"0123456789abcdef0123456789abcdef\"";

/// Opens session `upstream-1` at each `initialize`, and names it in each answer, as many servers do.
fn server(request: &Recorded) -> Vec<Step> {
    let session = "Content-Type: application/json\r\nMcp-Session-Id: upstream-1\r\n";
    match request.body.contains("initialize\"") || request.header("mcp-session-id").is_some() {
        true => answer(200, session, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
        false => plain_server(request),
    }
}

fn open(gateway: &Gateway, key: &str) -> String {
    let opened = gateway.post(key, INITIALIZE);
    opened.header("mcp-session-id").unwrap().to_owned()
}

fn with(method: &str, path: &str, key: &str, session: &str, body: &str) -> String {
    let fields = format!("{}Mcp-Session-Id: {session}\r\n", bearer(key));
    match method {
        "POST" => post(path, &fields, body),
        _ => format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"),
    }
}

fn ping(client: &mut Client, key: &str, session: &str) -> Answer {
    client.exchange(with("POST", "/mcp", key, session, PING))
}

#[test]
fn a_session_keeps_its_id_and_reaches_the_upstream_under_its_own() {
    let upstream = Upstream::start(server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let sealed = open(&gateway, READER);
    assert!(!sealed.contains("upstream-1") && sealed.bytes().all(|byte| byte.is_ascii_graphic()));
    let answer = ping(&mut gateway.client(), READER, &sealed);
    assert_eq!(
        (answer.status, answer.header("mcp-session-id")),
        (200, Some(&*sealed))
    );
    let seen = upstream.requests();
    assert_eq!(seen[0].header("mcp-session-id"), None);
    assert_eq!(seen[1].header("mcp-session-id"), Some("upstream-1"));
    assert_ne!(open(&gateway, READER), sealed, "no two seals are alike");
}

#[test]
fn nobody_but_its_owner_reaches_a_session() {
    let upstream = Upstream::start(server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let sealed = open(&gateway, READER);
    let mut altered = sealed.clone().into_bytes();
    altered[40] ^= 1;
    let altered = String::from_utf8(altered).unwrap();
    let before = upstream.count();
    for (key, session) in [
        (ADMIN, &*sealed),
        (READER, &*altered),
        (READER, "upstream-1"),
        (READER, "x"),
        (READER, &sealed[1..]),
    ] {
        for method in ["POST", "GET", "DELETE"] {
            let refused = gateway
                .client()
                .exchange(with(method, "/mcp", key, session, PING));
            assert_eq!((refused.status, refused.code()), (404, -32600), "{method}");
            assert!(refused.header("mcp-session-id").is_none());
        }
    }
    assert_eq!(
        upstream.count(),
        before,
        "nothing of it reached the upstream"
    );
    assert_eq!(ping(&mut gateway.client(), READER, &sealed).status, 200);
}

#[test]
fn a_session_is_of_one_server() {
    let (one, other) = (Upstream::start(server), Upstream::start(server));
    let mut setup = Setup::in_front_of("");
    let entry = |name: &str, url: &str| {
        format!("[[upstream.servers]]\nname = \"{name}\"\nurl = \"{url}\"\nera = \"both\"\n")
    };
    setup.config = entry("one", &one.url()) + &entry("other", &other.url());
    let gateway = setup.start();
    let sealed = open(&gateway, READER);
    let at = |path: &str| {
        let request = with("POST", path, READER, &sealed, PING);
        gateway.client().exchange(request).status
    };
    assert_eq!(
        (at("/mcp"), at("/mcp/one"), at("/mcp/other")),
        (200, 200, 404)
    );
    assert_eq!(other.count(), 0);
}

#[test]
fn replicas_with_one_key_open_each_others_sessions() {
    let upstream = Upstream::start(server);
    let start = |keys: &str| Setup::in_front_of(&upstream.url()).server(keys).start();
    let (first, second, alone) = (start(KEY), start(KEY), start(""));
    let sealed = open(&first, READER);
    for (gateway, status) in [(&first, 200), (&second, 200), (&alone, 404)] {
        assert_eq!(ping(&mut gateway.client(), READER, &sealed).status, status);
    }
    assert_eq!(ping(&mut second.client(), ADMIN, &sealed).status, 404);
}

#[test]
fn initialize_takes_no_session_over() {
    let upstream = Upstream::start(server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let sealed = open(&gateway, READER);
    for session in [&*sealed, "planted"] {
        let request = with("POST", "/mcp", READER, session, INITIALIZE);
        let opened = gateway.client().exchange(request);
        assert_eq!(opened.status, 200);
        assert_ne!(opened.header("mcp-session-id"), Some(session));
    }
    assert!(
        upstream
            .requests()
            .iter()
            .all(|seen| seen.header("mcp-session-id").is_none())
    );
}

#[test]
fn a_session_that_the_upstream_ended_is_404_for_its_client() {
    let upstream = Upstream::start(|request| match request.header("mcp-session-id") {
        Some(_) => answer(404, "Content-Type: text/plain\r\n", "gone"),
        None => server(request),
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let sealed = open(&gateway, READER);
    assert_eq!(ping(&mut gateway.client(), READER, &sealed).status, 404);
}

#[test]
fn an_id_that_no_client_could_hold_is_a_bad_answer() {
    let upstream = Upstream::start(|_| {
        let fields = format!(
            "Content-Type: application/json\r\nMcp-Session-Id: {}\r\n",
            "x".repeat(2_000)
        );
        answer(200, &fields, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#)
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let answer = gateway.post(READER, INITIALIZE);
    assert_eq!((answer.status, answer.code()), (502, -32603));
}

#[test]
fn records_name_a_session_without_telling_it() {
    let upstream = Upstream::start(server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let sealed = open(&gateway, READER);
    ping(&mut gateway.client(), READER, &sealed);
    let record = gateway.record("the ping", |record| record["method"] == "ping");
    let tag = record["session"].as_str().unwrap();
    assert!(!sealed.contains(tag) && !tag.contains("upstream"));
}
