#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod attacks;
mod bounds;

use super::*;
use crate::http1::TargetForm;

fn parse(bytes: &[u8]) -> Result<Progress, HeadRefusal> {
    parse_with(bytes, &HeadLimits::default())
}

fn parse_with(bytes: &[u8], limits: &HeadLimits) -> Result<Progress, HeadRefusal> {
    parse_request(bytes, 0, limits, &mut HeadIndex::new())
}

fn accepted(bytes: &[u8]) -> RequestHead {
    match parse(bytes) {
        Ok(Progress::Complete(head)) => head,
        other => panic!("{other:?} for {:?}", String::from_utf8_lossy(bytes)),
    }
}

/// Feeds `bytes` one at a time, as a server would.
fn parse_bytewise(bytes: &[u8], limits: &HeadLimits) -> Result<Progress, HeadRefusal> {
    let mut index = HeadIndex::new();
    let mut scanned = 0;
    for end in 1..=bytes.len() {
        match parse_request(&bytes[..end], scanned, limits, &mut index)? {
            Progress::Partial => scanned = end,
            complete => return Ok(complete),
        }
    }
    Ok(Progress::Partial)
}

/// `head` is refused with `refusal` whole, and refused when it comes byte by byte.
fn check_refused(head: &[u8], refusal: HeadRefusal) {
    let shown = String::from_utf8_lossy(head);
    assert_eq!(parse(head), Err(refusal), "{shown:?}");
    let bytewise = parse_bytewise(head, &HeadLimits::default());
    assert!(bytewise.is_err(), "{bytewise:?} for {shown:?}");
}

#[test]
fn a_plain_request_is_read() {
    let bytes = b"POST /mcp?x=1 HTTP/1.1\r\nHost: a:80\r\nX-A: \t one two \t\r\nEmpty:\r\nContent-Length: 2\r\n\r\n{}GET";
    let mut index = HeadIndex::new();
    let progress = parse_request(bytes, 0, &HeadLimits::default(), &mut index);
    let Ok(Progress::Complete(head)) = progress else {
        panic!("{progress:?}");
    };
    assert_eq!(&bytes[head.head_len..], b"{}GET");
    assert_eq!(head.method, Method::Post);
    assert_eq!(head.target.form(), TargetForm::Origin);
    assert_eq!(head.target.whole(bytes), b"/mcp?x=1");
    assert_eq!(head.target.path(bytes), b"/mcp");
    assert_eq!(head.target.query(bytes), Some(&b"x=1"[..]));
    assert_eq!(
        head.authority.map(|span| span.of(bytes)),
        Some(&b"a:80"[..])
    );
    assert_eq!(head.framing, RequestFraming::Length(2));
    assert!(head.keep_alive && !head.expect_continue);
    let fields: Vec<_> = index.headers(bytes).collect();
    assert_eq!(
        fields,
        [
            (&b"Host"[..], &b"a:80"[..]),
            (b"X-A", b"one two"),
            (b"Empty", b""),
            (b"Content-Length", b"2"),
        ]
    );
    assert_eq!(index.first(bytes, b"x-a"), Some(&b"one two"[..]));
    assert_eq!(index.first(bytes, b"x-b"), None);
}

#[test]
fn an_index_is_cleared_before_it_is_used_again() {
    let mut index = HeadIndex::new();
    let first = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: x-gone\r\nX-Old: 1\r\n\r\n";
    let second = b"GET / HTTP/1.1\r\nHost: b\r\n\r\n";
    for bytes in [&first[..], second] {
        parse_request(bytes, 0, &HeadLimits::default(), &mut index).unwrap();
    }
    assert_eq!(index.len(), 1);
    assert!(!index.is_hop_by_hop(second, b"x-gone"));
}

#[test]
fn every_split_reads_like_the_whole() {
    let heads: [&[u8]; 5] = [
        b"POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\r\n\r\nDELETE http://a/b HTTP/1.1\r\nHost: A\r\nTransfer-Encoding: CHUNKED\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: [::1]:1\r\nExpect: 100-continue\r\nEmpty:\r\nX: \t\r\n\r\n",
    ];
    let limits = HeadLimits::default();
    for head in heads {
        let with_body = [head, b"\r\n\r\n\0body"].concat();
        let whole = parse(&with_body);
        assert!(matches!(whole, Ok(Progress::Complete(_))), "{whole:?}");
        assert_eq!(parse_bytewise(&with_body, &limits), whole);
        for split in 0..head.len() {
            let mut index = HeadIndex::new();
            let first = parse_request(&head[..split], 0, &limits, &mut index);
            assert_eq!(first, Ok(Progress::Partial), "split {split}");
            let second = parse_request(&with_body, split, &limits, &mut index);
            assert_eq!(second, whole, "split {split}");
        }
    }
}

#[test]
fn each_target_form_yields_its_path_and_query() {
    for (line, form, path, query) in [
        ("GET /", TargetForm::Origin, "/", None),
        (
            "GET //b/../c;d=%2e",
            TargetForm::Origin,
            "//b/../c;d=%2e",
            None,
        ),
        ("GET /?", TargetForm::Origin, "/", Some("")),
        (
            "GET /a?b?[c]|{d}",
            TargetForm::Origin,
            "/a",
            Some("b?[c]|{d}"),
        ),
        ("GET http://a", TargetForm::Absolute, "/", None),
        ("GET HTTPS://A?b", TargetForm::Absolute, "/", Some("b")),
        ("GET http://a/b?c", TargetForm::Absolute, "/b", Some("c")),
        ("OPTIONS *", TargetForm::Asterisk, "*", None),
    ] {
        let bytes = format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n");
        let bytes = bytes.as_bytes();
        let target = accepted(bytes).target;
        assert_eq!(target.form(), form, "{line}");
        assert_eq!(target.path(bytes), path.as_bytes(), "{line}");
        assert_eq!(target.query(bytes), query.map(str::as_bytes), "{line}");
    }
}

#[test]
fn methods_are_told_apart_by_case() {
    for (name, method) in [
        ("GET", Method::Get),
        ("HEAD", Method::Head),
        ("POST", Method::Post),
        ("DELETE", Method::Delete),
        ("OPTIONS", Method::Options),
    ] {
        let bytes = format!("{name} / HTTP/1.1\r\nHost: a\r\n\r\n");
        let found = accepted(bytes.as_bytes()).method;
        assert_eq!(found, method);
        assert_eq!(found.name(bytes.as_bytes()), name.as_bytes());
    }
    let bytes = b"get / HTTP/1.1\r\nHost: a\r\n\r\n";
    let found = accepted(bytes).method;
    assert!(matches!(found, Method::Other(_)));
    assert_eq!(found.name(bytes), b"get");
}

#[test]
fn framing_with_one_reading_is_read() {
    for (fields, framing) in [
        ("", RequestFraming::None),
        ("Content-Length: 0\r\n", RequestFraming::Length(0)),
        ("Content-Length:  5 \t\r\n", RequestFraming::Length(5)),
        ("CONTENT-LENGTH: 005\r\n", RequestFraming::Length(5)),
        (
            "Content-Length: 18446744073709551615\r\n",
            RequestFraming::Length(u64::MAX),
        ),
        ("Transfer-Encoding: chunked\r\n", RequestFraming::Chunked),
        ("transfer-encoding:\tChunked \r\n", RequestFraming::Chunked),
        ("Transfer_Encoding: chunked\r\n", RequestFraming::None),
        (
            "Upgrade: h2c\r\nConnection: Upgrade\r\n",
            RequestFraming::None,
        ),
    ] {
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        assert_eq!(accepted(head.as_bytes()).framing, framing, "{fields}");
    }
}

#[test]
fn http_10_takes_its_authority_from_wherever_it_stands() {
    for (head, authority) in [
        (&b"GET / HTTP/1.0\r\n\r\n"[..], None),
        (b"GET / HTTP/1.0\r\nHost: b\r\n\r\n", Some(&b"b"[..])),
        (b"GET http://c/ HTTP/1.0\r\n\r\n", Some(b"c")),
    ] {
        let found = accepted(head).authority;
        assert_eq!(found.map(|span| span.of(head)), authority);
    }
}

#[test]
fn persistence_follows_version_and_connection() {
    for (version, connection, keep_alive) in [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: x, CLOSE\r\n", false),
        (
            "1.1",
            "Connection: keep-alive\r\nConnection: close\r\n",
            false,
        ),
        ("1.1", "Connection: closed\r\n", true),
        ("1.0", "", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
        ("1.0", "Proxy-Connection: keep-alive\r\n", false),
    ] {
        let head = format!("GET / HTTP/{version}\r\nHost: a\r\n{connection}\r\n");
        let found = accepted(head.as_bytes()).keep_alive;
        assert_eq!(found, keep_alive, "{version} {connection}");
    }
}

#[test]
fn only_a_client_with_a_body_to_send_waits_for_100() {
    for (version, fields, expected) in [
        ("1.1", "Expect: 100-Continue\r\nContent-Length: 1\r\n", true),
        (
            "1.1",
            "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n",
            true,
        ),
        (
            "1.1",
            "Expect: 100-continue\r\nContent-Length: 0\r\n",
            false,
        ),
        ("1.1", "Expect: 100-continue\r\n", false),
        ("1.1", "Content-Length: 1\r\n", false),
        (
            "1.0",
            "Expect: 100-continue\r\nContent-Length: 1\r\n",
            false,
        ),
    ] {
        let head = format!("POST / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
        let found = accepted(head.as_bytes()).expect_continue;
        assert_eq!(found, expected, "{version} {fields}");
    }
}

#[test]
fn nominated_and_known_fields_are_hop_by_hop() {
    let head =
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Mine\r\nconnection: ,\ty\r\n\r\n";
    let mut index = HeadIndex::new();
    parse_request(head, 0, &HeadLimits::default(), &mut index).unwrap();
    for name in [
        "x-mine",
        "Y",
        "Connection",
        "TE",
        "upgrade",
        "Proxy-Connection",
        "Keep-Alive",
    ] {
        assert!(index.is_hop_by_hop(head, name.as_bytes()), "{name}");
    }
    for name in ["host", "x-min", "x", "content-length"] {
        assert!(!index.is_hop_by_hop(head, name.as_bytes()), "{name}");
    }
}
