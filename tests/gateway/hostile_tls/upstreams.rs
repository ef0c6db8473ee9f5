//! Upstreams behind `https` that cut, forge and leave.

use crate::harness::client::{Answer, bearer, call, post};
use crate::harness::eventually;
use crate::harness::gateway::{READER, Setup};
use crate::harness::pki::Authority;
use crate::harness::site::Site;
use crate::harness::upstream::{Recorded, Step, Upstream, plain_server};

/// In front of `upstream`, which speaks TLS as `localhost`, with the certificate of `site`.
fn secured(site: &Site, upstream: &Upstream, keys: &str) -> Setup {
    let mut setup = Setup::in_front_of("");
    setup.config = format!(
        "[upstream]\nurl = \"{}\"\nera = \"both\"\ntls_ca_path = {:?}\n{keys}\n",
        upstream.url_as("localhost"),
        site.shelf.path("servers.pem"),
    );
    setup
}

/// An upstream under TLS that answers by `script`.
fn upstream_of(
    site: &Site,
    script: impl Fn(&Recorded) -> Vec<Step> + Send + Sync + 'static,
) -> Upstream {
    let server = site.authority.server(&["localhost"]);
    Upstream::start_tls(Authority::host(&server, None), script)
}

const RESULT: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;

/// Whether a client would take `answer` for the server's whole result.
fn looks_whole(answer: &Answer) -> bool {
    answer.status == 200 && answer.is_complete && answer.text().contains("\"result\"")
}

/// Only what was framed whole, or whose end was announced, may look whole, whatever the client asked for.
#[test]
fn an_answer_that_was_cut_never_looks_whole() {
    let ends = [
        ("cut", Step::Cut),
        ("said", Step::Close),
        ("reset", Step::Reset),
    ];
    let chunked = "HTTP/1.1 200 OK\r\nContent-Type: TYPE\r\nTransfer-Encoding: chunked\r\n\r\n";
    let length = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: TYPE\r\nContent-Length: {}\r\n\r\n{RESULT}",
        RESULT.len() + 30
    );
    let until = format!("HTTP/1.1 200 OK\r\nContent-Type: TYPE\r\n\r\n{RESULT}");
    let bodies = [
        ("length", length, false),
        (
            "chunks",
            format!("{chunked}{:x}\r\n{RESULT}\r\n", RESULT.len()),
            false,
        ),
        (
            "inside a chunk",
            format!("{chunked}{:x}\r\n{RESULT}", RESULT.len() + 30),
            false,
        ),
        (
            "before the last blank line",
            format!("{chunked}{:x}\r\n{RESULT}\r\n0\r\n", RESULT.len()),
            false,
        ),
        ("until close", until, true),
        ("no head", "HTTP/1.1 200 OK\r\nContent-".to_owned(), false),
    ];
    for (framing, wire, whole_when_said) in &bodies {
        for (end, last) in &ends {
            let site = Site::new();
            let (wire, last) = (wire.replace("TYPE", "application/json"), last.clone());
            let upstream = upstream_of(&site, move |_| {
                vec![Step::Send(wire.clone().into_bytes()), last.clone()]
            });
            let mut setup = secured(&site, &upstream, "");
            setup.config.push_str(&site.section(""));
            let gateway = setup.start();
            for tool in ["read_a", "read_b"] {
                let answer = site.post(&gateway, READER, &call(1, tool));
                let may = *whole_when_said && *end == "said";
                assert_eq!(looks_whole(&answer), may, "{framing}, {end}: {answer:?}");
            }
        }
    }
}

/// A client of HTTP/1.0 knows the end of an answer by that of the connection alone.
#[test]
fn the_end_of_the_connection_is_no_end_of_an_answer_that_was_cut() {
    let body = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"{}",
        "r".repeat(200_000)
    );
    let wire = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{body}");
    for last in [Step::Cut, Step::Reset, Step::Close] {
        let site = Site::new();
        let (wire, end) = (wire.clone(), last.clone());
        let upstream = upstream_of(&site, move |_| {
            vec![Step::Send(wire.clone().into_bytes()), end.clone()]
        });
        let mut setup = secured(&site, &upstream, "");
        setup.config.push_str(&site.section(""));
        let gateway = setup.start();
        let mut client = site.client(&gateway);
        let request = post("/mcp", &bearer(READER), &call(1, "read_a"));
        client.send(request.replace("HTTP/1.1", "HTTP/1.0"));
        let head = client.head();
        let _ = client.rest();
        let is_whole = head.contains(" 200 ") && client.cut().is_none();
        let was_announced = matches!(last, Step::Close);
        assert_eq!(
            is_whole,
            was_announced,
            "{last:?}: {head} {:?}",
            client.cut()
        );
    }
}

/// Whatever lies behind an answer is nobody's: not that of the next request.
#[test]
fn an_answer_that_nobody_asked_for_is_given_to_nobody() {
    let forged =
        r#"{"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"forged"}]}}"#;
    let forged = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{forged}",
        forged.len()
    );
    let site = Site::new();
    let upstream = upstream_of(&site, move |request: &Recorded| {
        let mut steps = plain_server(request);
        // In one record with the answer, so that it is decrypted with it.
        if let Step::Send(bytes) = &mut steps[0] {
            bytes.extend_from_slice(forged.as_bytes());
        }
        steps
    });
    let mut setup = secured(&site, &upstream, "");
    setup.args = vec!["--workers".into(), "1".into()];
    let gateway = setup.start();
    let mut client = gateway.client();
    for id in 1..20 {
        let answer = client.exchange(post("/mcp", &bearer(READER), &call(id, "read_a")));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(!answer.text().contains("forged"), "{answer:?}");
        assert_eq!(answer.json()["id"], id);
    }
}

/// A pooled connection that ended while it idled, in any way, costs no request.
#[test]
fn pooled_connections_that_ended_are_not_used() {
    for last in [Step::Close, Step::Cut] {
        let site = Site::new();
        let end = last.clone();
        let upstream = upstream_of(&site, move |request: &Recorded| {
            let mut steps = plain_server(request);
            steps.push(end.clone());
            steps
        });
        let mut setup = secured(&site, &upstream, "");
        setup.args = vec!["--workers".into(), "1".into()];
        let gateway = setup.start();
        let mut client = gateway.client();
        for id in 1..10 {
            let served = client.exchange(post("/mcp", &bearer(READER), &call(id, "read_a")));
            assert_eq!(served.status, 200, "{last:?}: {served:?}");
            eventually("the upstream has closed", || {
                (upstream.open() == 0).then_some(())
            });
        }
        assert_eq!(upstream.count(), 9, "nothing was sent twice");
    }
}
