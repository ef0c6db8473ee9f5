//! Upstreams that fail, in every way that matters.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::harness::client::{bearer, call, post};
use crate::harness::gateway::{READER, Setup};
use crate::harness::upstream::{Step, Upstream, answer, chunk, json, plain_server, sse_head};

#[test]
fn an_upstream_that_is_down_is_502_at_once_and_served_again_when_back() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let gateway = Setup::in_front_of(&format!("http://{address}/mcp")).start();
    let asked = Instant::now();
    let down = gateway.post(READER, &call(4, "read_a"));
    assert_eq!(
        (down.status, down.code(), down.json()["id"].as_i64()),
        (502, -32603, Some(4))
    );
    assert!(asked.elapsed() < Duration::from_secs(1));
    assert!(
        !down.text().contains(&address.port().to_string()),
        "no upstream detail: {down:?}"
    );
    let _upstream = Upstream::start_on(TcpListener::bind(address).unwrap(), plain_server);
    assert_eq!(gateway.post(READER, &call(4, "read_a")).status, 200);
}

#[test]
fn answers_that_are_broken_or_ambiguous_are_502_and_their_connection_is_not_reused() {
    let raw = |text: &'static str| move || vec![Step::Send(text.as_bytes().to_vec())];
    type Script = Box<dyn Fn() -> Vec<Step> + Send + Sync>;
    let cases: Vec<(&str, Script)> = vec![
        (
            "both framings",
            Box::new(raw(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            )),
        ),
        (
            "two lengths",
            Box::new(raw(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
            )),
        ),
        (
            "switching protocols",
            Box::new(raw(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
            )),
        ),
        ("no http", Box::new(raw("SSH-2.0-x\r\n\r\n"))),
        (
            "bare line feeds",
            Box::new(raw("HTTP/1.1 200 OK\nContent-Length: 2\n\n{}")),
        ),
        ("reset", Box::new(|| vec![Step::Reset])),
        ("close", Box::new(|| vec![Step::Close])),
        (
            "compressed",
            Box::new(|| {
                answer(
                    200,
                    "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
                    "{}",
                )
            }),
        ),
        (
            "redirect",
            Box::new(|| answer(307, "Location: http://169.254.169.254/\r\n", "")),
        ),
        (
            "our credentials refused",
            Box::new(|| {
                answer(
                    401,
                    "WWW-Authenticate: Bearer resource_metadata=\"http://internal/\"\r\nContent-Type: application/json\r\n",
                    "{}",
                )
            }),
        ),
        (
            "html",
            Box::new(|| answer(200, "Content-Type: text/html\r\n", "<script>")),
        ),
    ];
    for (name, script) in cases {
        let upstream = Upstream::start(move |request| {
            if request.body.contains("read_ok") {
                plain_server(request)
            } else {
                script()
            }
        });
        let gateway = Setup::in_front_of(&upstream.url()).start();
        let mut client = gateway.client();
        let broken = client.exchange(post("/mcp", &bearer(READER), &call(1, "read_a")));
        assert_eq!(
            (broken.status, broken.code()),
            (502, -32603),
            "{name}: {broken:?}"
        );
        assert!(broken.header("www-authenticate").is_none() && broken.header("location").is_none());
        assert_eq!(upstream.count(), 1, "{name}: never sent twice");
        let next = client.exchange(post("/mcp", &bearer(READER), &call(2, "read_ok")));
        assert_eq!(
            next.json()["result"]["content"][0]["text"],
            "called read_ok",
            "{name}"
        );
    }
}

#[test]
fn an_upstream_that_breaks_mid_stream_looks_broken() {
    let half = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"jsonrpc\"";
    let upstream = Upstream::start(move |request| match request.json()["id"].as_i64() {
        Some(1) => vec![Step::Send(half.as_bytes().to_vec()), Step::Close],
        _ => vec![
            sse_head(""),
            chunk(
                "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n",
            ),
            Step::Close,
        ],
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let plain = gateway.post(READER, &call(1, "read_a"));
    assert!(!plain.is_complete, "{plain:?}");
    let stream = gateway.post(READER, &call(2, "read_a"));
    let text = stream.text();
    assert!(
        !stream.is_complete || (text.contains("-32603") && text.contains("\"id\":2")),
        "{stream:?}"
    );
    assert_eq!(upstream.count(), 2);
}

#[test]
fn a_silent_upstream_is_504_after_its_timeout() {
    let upstream = Upstream::start(|_| vec![Step::AwaitClose]);
    let mut setup = Setup::in_front_of(&upstream.url());
    setup.config.push_str("timeout = \"500ms\"\n");
    let gateway = setup.start();
    let answer = gateway.post(READER, &call(1, "read_a"));
    assert_eq!((answer.status, answer.code()), (504, -32603));
    assert_eq!(upstream.count(), 1);
}

#[test]
fn a_connection_that_went_stale_in_the_pool_costs_no_request() {
    let upstream = Upstream::start(|request| {
        let mut steps = plain_server(request);
        steps.push(Step::Close);
        steps
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let mut client = gateway.client();
    for id in 1..=10 {
        let answer = client.exchange(post("/mcp", &bearer(READER), &call(id, "read_a")));
        assert_eq!(answer.status, 200, "{id}: {answer:?}");
        crate::harness::eventually("the upstream has closed", || {
            (upstream.open() == 0).then_some(())
        });
    }
    assert_eq!(upstream.count(), 10);
}

#[test]
fn surplus_bytes_poison_their_connection() {
    let upstream = Upstream::start(|request| {
        let mut steps = plain_server(request);
        if request.body.contains("read_evil") {
            steps.extend(json(r#"{"jsonrpc":"2.0","id":2,"result":{"stolen":true}}"#));
        }
        let sent = |step: Step| match step {
            Step::Send(bytes) => bytes,
            _ => Vec::new(),
        };
        vec![Step::Send(steps.into_iter().flat_map(sent).collect())]
    });
    let mut setup = Setup::in_front_of(&upstream.url());
    setup.args = vec!["--workers".into(), "1".into()];
    let gateway = setup.start();
    let mut client = gateway.client();
    for id in 1..=20 {
        let answer = client.exchange(post(
            "/mcp",
            &bearer(READER),
            &call(id, if id % 2 == 1 { "read_evil" } else { "read_a" }),
        ));
        assert!(!answer.text().contains("stolen"), "{answer:?}");
    }
}

#[test]
fn unix_sockets_are_upstreams_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mcp.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for mut stream in listener.incoming().flatten() {
            let mut bytes = [0; 4096];
            let read = stream.read(&mut bytes).unwrap_or(0);
            let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
            assert!(text.starts_with("POST / HTTP/1.1\r\n"), "{text}");
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 36\r\nConnection: close\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
        }
    });
    let gateway = Setup::in_front_of(&format!("unix:{}", path.display())).start();
    assert_eq!(
        gateway.post(READER, &call(1, "read_a")).json()["result"],
        serde_json::json!({})
    );
}
