//! Heads that two readers would read differently: request smuggling and its relatives.

use super::*;

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

#[test]
fn each_refusal_has_its_status() {
    use HeadRefusal::*;
    for (refusal, status) in [
        (BareLineFeed, 400),
        (ContentLengthWithTransferEncoding, 400),
        (UnsupportedTransferEncoding, 400),
        (HostMismatch, 400),
        (Connect, 405),
        (ContentLengthOverflow, 413),
        (RequestLineTooLong { bytes_max: 1 }, 414),
        (UnsupportedExpectation, 417),
        (HeadTooLarge { bytes_max: 1 }, 431),
        (TooManyFields { fields_max: 1 }, 431),
        (UnsupportedVersion, 505),
    ] {
        assert_eq!(refusal.status(), status, "{refusal}");
    }
}
