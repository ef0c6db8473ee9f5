#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

fn parse_to(method: Method, bytes: &[u8]) -> Result<ResponseProgress, HeadRefusal> {
    let mut index = HeadIndex::new();
    parse_response(bytes, 0, method, &HeadLimits::default(), &mut index)
}

fn parse_bytewise(bytes: &[u8]) -> Result<ResponseProgress, HeadRefusal> {
    let mut index = HeadIndex::new();
    let limits = HeadLimits::default();
    let mut scanned = 0;
    for end in 1..=bytes.len() {
        match parse_response(&bytes[..end], scanned, Method::Post, &limits, &mut index)? {
            ResponseProgress::Partial => scanned = end,
            other => return Ok(other),
        }
    }
    Ok(ResponseProgress::Partial)
}

fn accepted(method: Method, head: &str) -> ResponseHead {
    match parse_to(method, head.as_bytes()) {
        Ok(ResponseProgress::Complete(head)) => head,
        other => panic!("{other:?} for {head:?}"),
    }
}

fn check_refused(head: &[u8], refusal: HeadRefusal) {
    let shown = String::from_utf8_lossy(head);
    assert_eq!(parse_to(Method::Post, head), Err(refusal), "{shown:?}");
    let bytewise = parse_bytewise(head);
    assert!(bytewise.is_err(), "{bytewise:?} for {shown:?}");
}

#[test]
fn a_plain_response_is_read_whole_and_in_every_split() {
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Type: a/b \r\nContent-Length: 2\r\n\r\n{}";
    let whole = parse_to(Method::Post, bytes);
    let Ok(ResponseProgress::Complete(head)) = whole else {
        panic!("{whole:?}");
    };
    assert_eq!(&bytes[head.head_len..], b"{}");
    assert_eq!(head.status, 200);
    assert_eq!(head.framing, ResponseFraming::Length(2));
    assert!(head.keep_alive);
    assert_eq!(parse_bytewise(bytes), whole);
    let limits = HeadLimits::default();
    for split in 0..head.head_len {
        let mut index = HeadIndex::new();
        let first = parse_response(&bytes[..split], 0, Method::Post, &limits, &mut index);
        assert_eq!(first, Ok(ResponseProgress::Partial), "split {split}");
        let second = parse_response(bytes, split, Method::Post, &limits, &mut index);
        assert_eq!(second, whole, "split {split}");
        assert_eq!(index.first(bytes, b"content-type"), Some(&b"a/b"[..]));
    }
}

#[test]
fn a_body_ends_where_status_method_and_fields_say() {
    use ResponseFraming::*;
    for (method, head, framing, keep_alive) in [
        (Method::Post, "200 OK\r\n", UntilClose, false),
        (
            Method::Post,
            "200\r\nContent-Length: 0\r\n",
            Length(0),
            true,
        ),
        (
            Method::Post,
            "200 \r\nTransfer-Encoding: Chunked\r\n",
            Chunked,
            true,
        ),
        (
            Method::Post,
            "200 OK\r\nContent-Length: 1\r\nConnection: close\r\n",
            Length(1),
            false,
        ),
        (Method::Head, "200 OK\r\n", None, true),
        (Method::Head, "200 OK\r\nContent-Length: 9\r\n", None, true),
        (
            Method::Head,
            "200 OK\r\nTransfer-Encoding: chunked\r\n",
            None,
            true,
        ),
        (
            Method::Get,
            "304 Not Modified\r\nContent-Length: 9\r\n",
            None,
            true,
        ),
        (Method::Post, "204 No Content\r\n", None, true),
        (
            Method::Post,
            "204 No Content\r\nContent-Length: 0\r\n",
            None,
            true,
        ),
        (
            Method::Post,
            "205 Reset Content\r\nContent-Length: 0\r\n",
            Length(0),
            true,
        ),
        (
            Method::Post,
            "599 \u{e9}\r\nContent-Length: 1\r\n",
            Length(1),
            true,
        ),
    ] {
        let found = accepted(method, &format!("HTTP/1.1 {head}\r\n"));
        assert_eq!(
            (found.framing, found.keep_alive),
            (framing, keep_alive),
            "{head}"
        );
    }
}

#[test]
fn http_10_closes_unless_it_says_otherwise() {
    for (fields, keep_alive) in [
        ("Content-Length: 1\r\n", false),
        ("Content-Length: 1\r\nConnection: keep-alive\r\n", true),
        ("Connection: keep-alive\r\n", false),
    ] {
        let head = format!("HTTP/1.0 200 OK\r\n{fields}\r\n");
        assert_eq!(
            accepted(Method::Post, &head).keep_alive,
            keep_alive,
            "{fields}"
        );
    }
}

#[test]
fn interim_responses_are_reported_and_101_is_refused() {
    let head = b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    let interim = ResponseProgress::Interim {
        head_len: 37,
        status: 103,
    };
    assert_eq!(parse_to(Method::Post, head), Ok(interim));
    assert_eq!(parse_bytewise(head), Ok(interim));
    check_refused(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        HeadRefusal::SwitchingProtocols,
    );
}

#[test]
fn responses_with_another_reading_are_refused() {
    use HeadRefusal::*;
    for (head, refusal) in [
        (&b"\r\nHTTP/1.1 200 OK\r\n\r\n"[..], MalformedStatusLine),
        (b"\nHTTP/1.1 200 OK\r\n\r\n", MalformedStatusLine),
        (b"{}HTTP/1.1 200 OK\r\n\r\n", MalformedStatusLine),
        (b"HTTP/1.1 200 OK\nA: b\r\n\r\n", BareLineFeed),
        (b"HTTP/1.1 200\nA: b\r\n\r\n", BareLineFeed),
        (b"HTTP/1.1 200 OK\r\nA: b\n\n", BareLineFeed),
        (b"HTTP/1.1 200 OK\r\n\n", BareLineFeed),
        (b"HTTP/1.1 200 O\rK\r\n\r\n", BareCarriageReturn),
        (b"HTTP/1.1 200 O\0K\r\n\r\n", Nul),
        (b"HTTP/1.1 200 O\x01K\r\n\r\n", MalformedStatusLine),
        (b"HTTP/2.0 200 OK\r\n\r\n", UnsupportedVersion),
        (b"HTTP/1.1  200 OK\r\n\r\n", MalformedStatusLine),
        (b"HTTP/1.1 20 OK\r\n\r\n", MalformedStatusLine),
        (b"HTTP/1.1 2000 OK\r\n\r\n", MalformedStatusLine),
        (b"HTTP/1.1 +20 OK\r\n\r\n", MalformedStatusLine),
        (b"ICY 200 OK\r\n\r\n", MalformedStatusLine),
        (b"HTTP/1.1 099 A\r\n\r\n", InvalidStatus),
        (b"HTTP/1.1 600 A\r\n\r\n", InvalidStatus),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", ObsoleteFold),
        (b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", SpaceBeforeColon),
        (b"HTTP/1.1 200 OK\r\nA: \x01\r\n\r\n", InvalidFieldValue),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            RepeatedContentLength,
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1,1\r\n\r\n",
            InvalidContentLength,
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            ContentLengthWithTransferEncoding,
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            UnsupportedTransferEncoding,
        ),
        (
            b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            TransferEncodingInHttp10,
        ),
        (
            b"HTTP/1.1 204 A\r\nContent-Length: 1\r\n\r\n",
            BodyOnBodilessStatus,
        ),
        (
            b"HTTP/1.1 204 A\r\nTransfer-Encoding: chunked\r\n\r\n",
            BodyOnBodilessStatus,
        ),
        (
            b"HTTP/1.1 100 A\r\nContent-Length: 1\r\n\r\n",
            BodyOnBodilessStatus,
        ),
    ] {
        check_refused(head, refusal);
    }
}

#[test]
fn bad_line_ends_are_refused_before_the_head_is_whole() {
    for partial in [
        &b"HTTP/1.1 200 OK\r\nA: b\n"[..],
        b"HTTP/1.1 200 OK\nA",
        b"HTTP/1.1 200 OK\r\nA: \0",
    ] {
        check_refused(partial, parse_to(Method::Get, partial).unwrap_err());
    }
}

#[test]
fn head_bytes_are_bounded_on_both_sides() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n";
    let with_body = [&head[..], b"x"].concat();
    let parse = |bytes: &[u8], head_bytes_max| {
        let limits = HeadLimits {
            head_bytes_max,
            ..HeadLimits::default()
        };
        parse_response(bytes, 0, Method::Get, &limits, &mut HeadIndex::new())
    };
    for bytes in [&head[..], &with_body] {
        let fits = parse(bytes, head.len());
        assert!(
            matches!(fits, Ok(ResponseProgress::Complete(_))),
            "{fits:?}"
        );
        let refusal = HeadRefusal::HeadTooLarge {
            bytes_max: head.len() - 1,
        };
        assert_eq!(parse(bytes, head.len() - 1), Err(refusal));
    }
}

#[test]
fn fields_that_bind_clients_only_mean_nothing_here() {
    let head = "HTTP/1.1 200 OK\r\nHost: a\r\nHost: b\r\nExpect: x\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(
        accepted(Method::Post, head).framing,
        ResponseFraming::Length(0)
    );
}
