#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::http1::{FIELDS_CEILING, HEAD_BYTES_CEILING, LEADING_BLANK_LINES_MAX, TargetForm};

const SMALL: &str = "POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n";

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

/// A request with `fields` after a valid Host is refused with `refusal`.
fn check_fields(fields: &[u8], refusal: HeadRefusal) {
    let head = [b"POST / HTTP/1.1\r\nHost: a\r\n", fields, b"\r\n\r\n"].concat();
    check_refused(&head, refusal);
}

/// A request line, with a valid Host after it, is refused with `refusal`.
fn check_line(line: &[u8], refusal: HeadRefusal) {
    check_refused(&[line, b"\r\nHost: a\r\n\r\n"].concat(), refusal);
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
        SMALL.as_bytes(),
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
fn line_ends_other_than_crlf_are_refused() {
    use HeadRefusal::*;
    for (head, refusal) in [
        (&b"GET / HTTP/1.1\nHost: a\r\n\r\n"[..], BareLineFeed),
        (b"GET / HTTP/1.1\r\nHost: a\n\r\n", BareLineFeed),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\n", BareLineFeed),
        (b"GET / HTTP/1.1\nHost: a\n\n", BareLineFeed),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nX: b\nY: c\r\n\r\n",
            BareLineFeed,
        ),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nX:\nY: c\r\n\r\n",
            BareLineFeed,
        ),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nX: \nY: c\r\n\r\n",
            BareLineFeed,
        ),
        (b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", BareLineFeed),
        (b"\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", BareLineFeed),
        (b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", BareCarriageReturn),
        (b"GET / HTTP/1.1\rHost: a\r\n\r\n", BareCarriageReturn),
        (
            b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
            BareCarriageReturn,
        ),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\r\n\r\n",
            BareCarriageReturn,
        ),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\n\rX: b\r\n\r\n",
            BareCarriageReturn,
        ),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nX\r: b\r\n\r\n",
            BareCarriageReturn,
        ),
        (b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", Nul),
        (b"GET / HTTP/1.1\r\nHo\0st: a\r\n\r\n", Nul),
        (b"GET / HTTP/1.1\r\nHost: a\0\r\n\r\n", Nul),
    ] {
        check_refused(head, refusal);
    }
}

#[test]
fn bad_line_ends_are_refused_before_the_head_is_whole() {
    for (partial, scanned) in [
        (&b"GET / HTTP/1.1\r\nHost: a\n"[..], 0),
        (b"GET / HTTP/1.1\r\nHost: a\n", 23),
        (b"GET / HTTP/1.1\r\nHost: a\rb", 24),
        (b"GET / HTTP/1.1\r\nHost: \0", 20),
    ] {
        let mut index = HeadIndex::new();
        let verdict = parse_request(partial, scanned, &HeadLimits::default(), &mut index);
        assert!(verdict.is_err(), "{verdict:?} for {partial:?}");
    }
}

#[test]
fn other_protocols_are_refused_at_their_first_bytes() {
    for hello in [&b"\x16\x03\x01\x02\x00"[..], b"\x80\x2e", b"\0\0\0\0"] {
        assert!(parse(hello).is_err(), "{hello:?}");
    }
    let http2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    check_refused(http2, HeadRefusal::UnsupportedVersion);
}

#[test]
fn request_lines_with_another_reading_are_refused() {
    use HeadRefusal::*;
    for (line, refusal) in [
        (&b"GET  / HTTP/1.1"[..], MalformedRequestLine),
        (b"GET /  HTTP/1.1", MalformedRequestLine),
        (b"GET / HTTP/1.1 ", MalformedRequestLine),
        (b"GET / a HTTP/1.1", MalformedRequestLine),
        (b"GET /", MalformedRequestLine),
        (b"GET", MalformedRequestLine),
        (b" GET / HTTP/1.1", InvalidMethod),
        (b"GET\t/ HTTP/1.1", InvalidMethod),
        (b"G@T / HTTP/1.1", InvalidMethod),
        (b"GET: / HTTP/1.1", InvalidMethod),
        (b"CONNECT a:80 HTTP/1.1", Connect),
        (b"CONNECT / HTTP/1.1", Connect),
        (b"GET / HTTP/2.0", UnsupportedVersion),
        (b"GET / HTTP/1.2", UnsupportedVersion),
        (b"GET / HTTP/0.9", UnsupportedVersion),
        (b"GET / HTTP/1.10", MalformedRequestLine),
        (b"GET / HTTP/11", MalformedRequestLine),
        (b"GET / http/1.1", MalformedRequestLine),
        (b"GET / HTTP/1,1", MalformedRequestLine),
        (b"GET / HTTPS/1.1", MalformedRequestLine),
    ] {
        check_line(line, refusal);
    }
}

#[test]
fn targets_that_readers_split_differently_are_refused() {
    use HeadRefusal::*;
    for (target, refusal) in [
        (&b"/a#b"[..], FragmentInTarget),
        (b"/a?b#c", FragmentInTarget),
        (b"/a\\b", InvalidTarget),
        (b"/a\"b", InvalidTarget),
        (b"/a{b}", InvalidTarget),
        (b"/a\tb", InvalidTarget),
        (b"/a\x7f", InvalidTarget),
        (b"/a?\x01", InvalidTarget),
        (b"/\xc3\xa9", InvalidTarget),
        (b"/\xff", InvalidTarget),
        (b"*", AsteriskTarget),
        (b"*/a", UnsupportedTargetForm),
        (b"a", UnsupportedTargetForm),
        (b"a:80", UnsupportedTargetForm),
        (b"?a", UnsupportedTargetForm),
        (b"ftp://a/", UnsupportedTargetForm),
        (b"http:/a", UnsupportedTargetForm),
        (b"http:a", UnsupportedTargetForm),
        (b"http:///a", InvalidHost),
        (b"http://", InvalidHost),
        (b"http://u@a/", InvalidHost),
        (b"http://a\\@b/", InvalidHost),
        (b"http://b/", HostMismatch),
        (b"http://a:80/", HostMismatch),
    ] {
        check_line(&[b"GET ", target, b" HTTP/1.1"].concat(), refusal);
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
fn field_lines_with_another_reading_are_refused() {
    use HeadRefusal::*;
    for (fields, refusal) in [
        (&b"X: a\r\n b"[..], ObsoleteFold),
        (b"X: a\r\n\tb", ObsoleteFold),
        (b"X: a\r\n b: c", ObsoleteFold),
        (b"X:\r\n Content-Length: 5", ObsoleteFold),
        (b"Transfer-Encoding : chunked", SpaceBeforeColon),
        (b"Transfer-Encoding\t: chunked", SpaceBeforeColon),
        (b"Content-Length : 5", SpaceBeforeColon),
        (b": a", EmptyFieldName),
        (b":", EmptyFieldName),
        (b"no colon", InvalidFieldName),
        (b"nocolon", InvalidFieldName),
        (b"Transfer-Encoding\x0b: chunked", InvalidFieldName),
        (b"Transfer Encoding: chunked", InvalidFieldName),
        (b"\xc2\xa0X: a", InvalidFieldName),
        (b"X(a): b", InvalidFieldName),
        (b"X\x7f: b", InvalidFieldName),
        (b"X: a\x0bb", InvalidFieldValue),
        (b"X: a\x08", InvalidFieldValue),
        (b"X: \x7f", InvalidFieldValue),
        (b"Transfer-Encoding: \x0bchunked", InvalidFieldValue),
        (b"Transfer-Encoding: chunked\x0c", InvalidFieldValue),
    ] {
        check_fields(fields, refusal);
    }
    check_refused(b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", ObsoleteFold);
}

#[test]
fn framing_with_another_reading_is_refused() {
    use HeadRefusal::*;
    for (fields, refusal) in [
        (
            &b"Content-Length: 5\r\nTransfer-Encoding: chunked"[..],
            ContentLengthWithTransferEncoding,
        ),
        (
            b"Transfer-Encoding: chunked\r\nContent-Length: 5",
            ContentLengthWithTransferEncoding,
        ),
        (
            b"Transfer-Encoding: chunked\r\nContent-Length: 0",
            ContentLengthWithTransferEncoding,
        ),
        (
            b"Content-Length: 5\r\nContent-Length: 5",
            RepeatedContentLength,
        ),
        (
            b"Content-Length: 5\r\ncontent-length: 6",
            RepeatedContentLength,
        ),
        (b"Content-Length:", InvalidContentLength),
        (b"Content-Length: +5", InvalidContentLength),
        (b"Content-Length: -5", InvalidContentLength),
        (b"Content-Length: 0x5", InvalidContentLength),
        (b"Content-Length: 5,5", InvalidContentLength),
        (b"Content-Length: 5, 5", InvalidContentLength),
        (b"Content-Length: 5 5", InvalidContentLength),
        (b"Content-Length: 5.0", InvalidContentLength),
        (b"Content-Length: 5e0", InvalidContentLength),
        (b"Content-Length: 5;", InvalidContentLength),
        (b"Content-Length: \"5\"", InvalidContentLength),
        (b"Content-Length: \xd9\xa5", InvalidContentLength),
        (b"Content-Length: \xa05", InvalidContentLength),
        (
            b"Content-Length: 18446744073709551616",
            ContentLengthOverflow,
        ),
        (
            b"Content-Length: 99999999999999999999999999",
            ContentLengthOverflow,
        ),
        (b"Transfer-Encoding:", UnsupportedTransferEncoding),
        (b"Transfer-Encoding: gzip", UnsupportedTransferEncoding),
        (b"Transfer-Encoding: identity", UnsupportedTransferEncoding),
        (
            b"Transfer-Encoding: gzip, chunked",
            UnsupportedTransferEncoding,
        ),
        (
            b"Transfer-Encoding: chunked, identity",
            UnsupportedTransferEncoding,
        ),
        (b"Transfer-Encoding: chunked,", UnsupportedTransferEncoding),
        (b"Transfer-Encoding: ,chunked", UnsupportedTransferEncoding),
        (
            b"Transfer-Encoding: chunked, chunked",
            UnsupportedTransferEncoding,
        ),
        (
            b"Transfer-Encoding: chunked;q=1",
            UnsupportedTransferEncoding,
        ),
        (
            b"Transfer-Encoding: \"chunked\"",
            UnsupportedTransferEncoding,
        ),
        (b"Transfer-Encoding: xchunked", UnsupportedTransferEncoding),
        (
            b"Transfer-Encoding: chunke\xc4\x8f",
            UnsupportedTransferEncoding,
        ),
        (
            b"Transfer-Encoding: chunked\x85",
            UnsupportedTransferEncoding,
        ),
        (
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            RepeatedTransferEncoding,
        ),
        (
            b"Transfer-Encoding: chunked\r\ntransfer-encoding: identity",
            RepeatedTransferEncoding,
        ),
        (
            b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
            UnsupportedTransferEncoding,
        ),
        (b"Expect: 200-ok", UnsupportedExpectation),
        (b"Expect: 100-continue\r\nExpect: x", UnsupportedExpectation),
        (b"Expect: x\r\nExpect: 100-continue", UnsupportedExpectation),
    ] {
        check_fields(fields, refusal);
    }
    check_refused(
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        TransferEncodingInHttp10,
    );
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
fn a_request_names_one_valid_host() {
    use HeadRefusal::*;
    for (fields, refusal) in [
        (&b"X: a"[..], MissingHost),
        (b"Host:", InvalidHost),
        (b"Host: a b", InvalidHost),
        (b"Host: a, b", InvalidHost),
        (b"Host: u@a", InvalidHost),
        (b"Host: a/b", InvalidHost),
        (b"Host: a:99999", InvalidHost),
        (b"Host: \xe9", InvalidHost),
        (b"Host: a\r\nHost: a", RepeatedHost),
        (b"Host: a\r\nhost: b", RepeatedHost),
    ] {
        check_refused(
            &[b"GET / HTTP/1.1\r\n", fields, b"\r\n\r\n"].concat(),
            refusal,
        );
    }
    check_refused(b"GET / HTTP/1.1\r\n\r\n", MissingHost);
    check_refused(
        b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n",
        RepeatedHost,
    );
    check_refused(b"GET / HTTP/1.0\r\nHost: @\r\n\r\n", InvalidHost);
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

#[test]
fn head_bytes_are_bounded_on_both_sides() {
    let exact = |head_bytes_max| HeadLimits {
        head_bytes_max,
        ..HeadLimits::default()
    };
    let with_body = format!("{SMALL}xx");
    let fits = exact(SMALL.len());
    let short = exact(SMALL.len() - 1);
    let too_large = Err(HeadRefusal::HeadTooLarge {
        bytes_max: SMALL.len() - 1,
    });
    for bytes in [SMALL.as_bytes(), with_body.as_bytes()] {
        for parse in [parse_with, parse_bytewise] {
            assert!(matches!(parse(bytes, &fits), Ok(Progress::Complete(_))));
            assert_eq!(parse(bytes, &short), too_large);
        }
    }
    let open = &SMALL.as_bytes()[..SMALL.len() - 2];
    assert_eq!(
        parse_with(open, &exact(open.len() + 1)),
        Ok(Progress::Partial)
    );
    assert!(parse_with(open, &exact(open.len())).is_err());
}

#[test]
fn request_line_bytes_are_bounded_on_both_sides() {
    let line = b"GET /abc HTTP/1.1";
    let head = [&b"\r\n"[..], line, b"\r\nHost: a\r\n\r\n"].concat();
    let exact = |request_line_bytes_max| HeadLimits {
        request_line_bytes_max,
        ..HeadLimits::default()
    };
    let too_long = Err(HeadRefusal::RequestLineTooLong {
        bytes_max: line.len() - 1,
    });
    for parse in [parse_with, parse_bytewise] {
        let fits = parse(&head, &exact(line.len()));
        assert!(matches!(fits, Ok(Progress::Complete(_))), "{fits:?}");
        assert_eq!(parse(&head, &exact(line.len() - 1)), too_long);
    }
    // An endless first line is a long request line, whichever bound it meets.
    let endless = [b'A'; 64];
    let limits = HeadLimits {
        head_bytes_max: 64,
        ..HeadLimits::default()
    };
    assert!(matches!(
        parse_with(&endless, &limits),
        Err(HeadRefusal::RequestLineTooLong { .. })
    ));
}

#[test]
fn field_lines_are_bounded_on_both_sides() {
    let head = |fields: usize| {
        let more = "X: a\r\n".repeat(fields - 1);
        format!("GET / HTTP/1.1\r\nHost: a\r\n{more}\r\n")
    };
    let limits = |headers_max| HeadLimits {
        headers_max,
        ..HeadLimits::default()
    };
    for (configured, effective) in [(1, 1), (100, 100), (usize::MAX, FIELDS_CEILING)] {
        let limits = limits(configured);
        let fits = parse_with(head(effective).as_bytes(), &limits);
        assert!(matches!(fits, Ok(Progress::Complete(_))), "{fits:?}");
        let refusal = HeadRefusal::TooManyFields {
            fields_max: effective,
        };
        let over = parse_with(head(effective + 1).as_bytes(), &limits);
        assert_eq!(over, Err(refusal));
    }
}

#[test]
fn the_ceiling_holds_whatever_is_configured() {
    let limits = HeadLimits {
        head_bytes_max: usize::MAX,
        request_line_bytes_max: usize::MAX - 1,
        headers_max: usize::MAX,
    };
    let mut head = b"GET / HTTP/1.1\r\nHost: a\r\nX: ".to_vec();
    head.resize(HEAD_BYTES_CEILING, b'a');
    assert!(parse_with(&head, &limits).is_err());
}

#[test]
fn leading_empty_lines_are_bounded_on_both_sides() {
    let head = |lines: usize| format!("{}{SMALL}", "\r\n".repeat(lines));
    let fits = head(LEADING_BLANK_LINES_MAX);
    assert_eq!(accepted(fits.as_bytes()).head_len, fits.len());
    let refusal = HeadRefusal::LeadingBlankLines {
        lines_max: LEADING_BLANK_LINES_MAX,
    };
    check_refused(head(LEADING_BLANK_LINES_MAX + 1).as_bytes(), refusal);
}

/// The tokeniser scans with vector instructions: each byte must be judged alike at each place of a vector.
#[test]
fn every_byte_is_judged_alike_at_every_place() {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let value = |byte: u8| byte == b'\t' || (0x20..0x7f).contains(&byte) || byte >= 0x80;
    for place in 0..70 {
        for byte in 0..=u8::MAX {
            let mut text = [b'x'; 70];
            text[place] = byte;
            let name = [b"GET / HTTP/1.1\r\nHost: a\r\n", &text[..], b": v\r\n\r\n"].concat();
            let colon_within = byte == b':' && place > 0;
            assert_eq!(
                parse(&name).is_ok(),
                token(byte) || colon_within,
                "name {byte:#x}"
            );
            let line = [b"GET / HTTP/1.1\r\nHost: a\r\nN: ", &text[..], b"\r\n\r\n"].concat();
            assert_eq!(
                parse(&line).is_ok(),
                value(byte),
                "value {byte:#x} at {place}"
            );
        }
    }
}
