//! HTTP that two parsers could frame differently never gets through.

use crate::harness::client::{bearer, call, post};
use crate::harness::gateway::{ADMIN, Setup};
use crate::harness::upstream::{Upstream, plain_server};

fn with_body(fields: &str, body: &str) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\n{}Content-Type: application/json\r\n{fields}\r\n{body}",
        bearer(ADMIN)
    )
}

#[test]
fn ambiguous_requests_are_refused_and_smuggle_nothing() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let body = call(1, "read_a");
    let length = format!("Content-Length: {}\r\n", body.len());
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let smuggled = post("/mcp", &bearer(ADMIN), &call(666, "smuggled"));
    for request in [
        with_body(&format!("{length}Transfer-Encoding: chunked\r\n"), &chunked),
        with_body(&format!("{length}{length}"), &body),
        with_body("Content-Length: 5\r\nContent-Length: 6\r\n", &body),
        with_body("Content-Length: +5\r\n", &body),
        with_body("Content-Length: 0x5\r\n", &body),
        with_body("Content-Length: 5,5\r\n", &body),
        with_body("Content-Length: 99999999999999999999\r\n", &body),
        with_body("Transfer-Encoding: gzip, chunked\r\n", &chunked),
        with_body(
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            &chunked,
        ),
        with_body("Transfer-Encoding : chunked\r\n", &chunked),
        with_body("Transfer-Encoding: \x0bchunked\r\n", &chunked),
        with_body(" Transfer-Encoding: chunked\r\n", &chunked),
        with_body(
            "Transfer-Encoding: chunked\r\n",
            &format!("\r\n{body}\r\n0\r\n\r\n"),
        ),
        with_body(
            "Transfer-Encoding: chunked\r\n",
            &format!("{:x}\n{body}\r\n0\r\n\r\n", body.len()),
        ),
        with_body(
            "Transfer-Encoding: chunked\r\n",
            &format!("-1\r\n{body}\r\n0\r\n\r\n"),
        ),
        with_body(
            "Transfer-Encoding: chunked\r\n",
            &format!("fffffffffffffffff\r\n{body}\r\n0\r\n\r\n"),
        ),
        with_body(&format!("X: a\r\n folded\r\n{length}"), &body),
        with_body(&format!("X: a\nY: b\r\n{length}"), &body),
        with_body(&format!("X: a\0b\r\n{length}"), &body),
        with_body(&format!("Host: other\r\n{length}"), &body),
        with_body(&format!("Content-Encoding: gzip\r\n{length}"), &body),
        format!("POST /mcp HTTP/1.1\r\n{}{length}\r\n{body}", bearer(ADMIN)),
        format!("POST /mcp HTTP/2.0\r\nHost: localhost\r\n{length}\r\n{body}"),
        format!(
            "POST /mcp HTTP/1.0\r\nHost: localhost\r\n{}Transfer-Encoding: chunked\r\n\r\n{chunked}",
            bearer(ADMIN)
        ),
        "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n".to_owned(),
        "GARBAGE\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{0}\u{5}".to_owned() + "\r\n\r\n",
    ] {
        let mut client = gateway.client();
        client.send(&request).send(&smuggled);
        client.half_close();
        let text = String::from_utf8_lossy(&client.rest()).into_owned();
        assert!(
            text.starts_with("HTTP/1.1 4") || text.starts_with("HTTP/1.1 5"),
            "{request:?} got {text:?}"
        );
        assert_eq!(
            text.matches("HTTP/1.1 ").count(),
            1,
            "one answer, then the end: {request:?} got {text:?}"
        );
        assert_eq!(upstream.count(), 0, "{request:?}");
    }
    assert_eq!(gateway.post(ADMIN, &call(1, "read_a")).status, 200);
}

#[test]
fn bodies_may_come_in_any_pieces() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let body = call(5, "read_a");
    let mut request = with_body("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n", "");
    for byte in body.bytes() {
        request.push_str(&format!("1;ext=\"x\"\r\n{}\r\n", char::from(byte)));
    }
    request.push_str("0\r\nTrailer: dropped\r\n\r\n");
    let mut client = gateway.client();
    for piece in request.as_bytes().chunks(37) {
        client.send(piece);
    }
    assert_eq!(client.answer().status, 200);
    let seen = &upstream.requests()[0];
    assert_eq!(seen.body, body);
    assert_eq!(
        seen.header("content-length"),
        Some(body.len().to_string().as_str())
    );
    assert!(!seen.head.to_lowercase().contains("expect"));
}

#[test]
fn pipelined_requests_are_answered_in_order_on_one_connection() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let mut client = gateway.client();
    let requests: String = (1..=20)
        .map(|id| post("/mcp", &bearer(ADMIN), &call(id, &format!("tool_{id}"))))
        .collect();
    client.send(requests);
    for id in 1..=20 {
        let answer = client.answer();
        assert_eq!(answer.json()["id"], id);
        assert!(answer.text().contains(&format!("tool_{id}\"")));
    }
    assert_eq!(
        upstream.connections(),
        1,
        "and the upstream connection is kept"
    );
}

#[test]
fn bounds_are_answered_by_name() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url())
        .server("max_request_size = 2000\n[server.limits]\nhead_bytes = 4096\nheaders = 20")
        .start();
    let big = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"pad":"{}"}}}}"#,
        "x".repeat(3000)
    );
    assert_eq!(gateway.post(ADMIN, &big).status, 413);
    let chunked = with_body(
        "Transfer-Encoding: chunked\r\n",
        &format!("{:x}\r\n{big}\r\n0\r\n\r\n", big.len()),
    );
    assert_eq!(gateway.client().exchange(chunked).status, 413);
    let long = format!("X-Long: {}\r\n", "y".repeat(5000));
    assert_eq!(gateway.client().exchange(with_body(&long, "")).status, 431);
    let many: String = (0..40).map(|n| format!("X-{n}: z\r\n")).collect();
    assert_eq!(gateway.client().exchange(with_body(&many, "")).status, 431);
    let text =
        post("/mcp", &bearer(ADMIN), &call(1, "read_a")).replace("application/json", "text/plain");
    assert_eq!(gateway.client().exchange(text).status, 415);
    assert_eq!(upstream.count(), 0);
}

#[test]
fn slow_heads_and_bodies_are_ended() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url())
        .server("[server.limits]\nheader_timeout = \"1s\"\nbody_timeout = \"1s\"\nidle_timeout = \"1s\"")
        .start();
    let mut slow_head = gateway.client();
    let head = slow_head.send("POST /mcp HTTP/1.1\r\nHost: lo").rest();
    assert!(
        head.is_empty() || head.starts_with(b"HTTP/1.1 408"),
        "{}",
        String::from_utf8_lossy(&head)
    );
    let mut slow_body = gateway.client();
    let body = slow_body
        .send(with_body("Content-Length: 100\r\n", "{"))
        .rest();
    assert!(
        body.is_empty() || body.starts_with(b"HTTP/1.1 408"),
        "{}",
        String::from_utf8_lossy(&body)
    );
    let mut idle = gateway.client();
    assert_eq!(
        idle.exchange(post("/mcp", &bearer(ADMIN), &call(1, "read_a")))
            .status,
        200
    );
    assert!(idle.is_closed());
    assert_eq!(upstream.count(), 1);
}

#[test]
fn http_1_0_gets_a_plain_answer_and_a_close() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let mut client = gateway.client();
    let request = post("/mcp", &bearer(ADMIN), &call(1, "read_a")).replace("HTTP/1.1", "HTTP/1.0");
    let text = String::from_utf8(client.send(request).rest()).unwrap();
    assert!(
        text.starts_with("HTTP/1.1 200") && text.contains("called read_a"),
        "{text}"
    );
    assert!(!text.to_lowercase().contains("transfer-encoding"), "{text}");
}
