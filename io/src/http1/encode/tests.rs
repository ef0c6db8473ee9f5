#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::http1::{
    HeadIndex, HeadLimits, Method, Progress, ResponseProgress, parse_request, parse_response,
};

fn head(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_request_head_is_written() {
    let written = head(|out| {
        let mut head = HeadWriter::request(out, b"POST", b"/mcp?a").unwrap();
        head.field(b"Host", b"a:1").unwrap();
        head.field(b"X-Tab", b"a\tb \xc3\xa9").unwrap();
        head.number(b"Max", u64::MAX).unwrap();
        head.finish(BodyFraming::Length(10));
    });
    let expected = "POST /mcp?a HTTP/1.1\r\nHost: a:1\r\nX-Tab: a\tb \u{e9}\r\n\
         Max: 18446744073709551615\r\nContent-Length: 10\r\n\r\n";
    assert_eq!(written, expected);
}

#[test]
fn a_response_head_is_written() {
    let written = head(|out| {
        let mut head = HeadWriter::response(out, 429);
        head.number(b"Retry-After", 0).unwrap();
        head.close();
        head.finish(BodyFraming::Chunked);
    });
    let expected = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\n\r\n";
    assert_eq!(written, expected);
    let bare = |status| head(|out| HeadWriter::response(out, status).finish(BodyFraming::Unsaid));
    assert_eq!(bare(299), "HTTP/1.1 299 \r\n\r\n");
    assert_eq!(bare(99), bare(500));
    assert_eq!(bare(600), bare(500));
}

#[test]
fn no_byte_of_a_refused_part_is_written() {
    use EncodeRefusal::*;
    for (method, target, refusal) in [
        (&b""[..], &b"/"[..], Method),
        (b"GET /x HTTP/1.1\r\n", b"/", Method),
        (b"GET", b"", Target),
        (b"GET", b"/ HTTP/1.1\r\nX: y", Target),
        (b"GET", b"/a b", Target),
        (b"GET", b"/\xe9", Target),
    ] {
        let mut out = Vec::new();
        assert_eq!(
            HeadWriter::request(&mut out, method, target).err(),
            Some(refusal)
        );
        assert!(out.is_empty());
    }
    for (name, value, refusal) in [
        (&b""[..], &b"a"[..], FieldName),
        (b"a b", b"a", FieldName),
        (b"a:", b"a", FieldName),
        (b"a\r\nb", b"a", FieldName),
        (b"a", b"b\r\nc: d", FieldValue),
        (b"a", b"b\rc", FieldValue),
        (b"a", b"b\n", FieldValue),
        (b"a", b"\0", FieldValue),
        (b"a", b"\x7f", FieldValue),
        (b"content-length", b"1", ReservedField),
        (b"Transfer-Encoding", b"chunked", ReservedField),
        (b"CONNECTION", b"close", ReservedField),
    ] {
        let mut out = Vec::new();
        let mut head = HeadWriter::response(&mut out, 200);
        assert_eq!(head.field(name, value).err(), Some(refusal));
        head.finish(BodyFraming::Unsaid);
        assert_eq!(out, b"HTTP/1.1 200 OK\r\n\r\n");
    }
}

#[test]
fn chunks_are_written_in_hexadecimal_and_never_end_the_body() {
    for (bytes, expected) in [
        (0, ""),
        (1, "1\r\n"),
        (0xa0, "a0\r\n"),
        (usize::MAX, "ffffffffffffffff\r\n"),
    ] {
        assert_eq!(head(|out| chunk_header(out, bytes)), expected);
    }
}

#[test]
fn what_is_written_can_be_read() {
    let limits = HeadLimits::default();
    let mut out = Vec::new();
    let mut request = HeadWriter::request(&mut out, b"GET", b"/").unwrap();
    request.field(b"Host", b"a").unwrap();
    request.finish(BodyFraming::Chunked);
    let read = parse_request(&out, 0, &limits, &mut HeadIndex::new());
    assert!(matches!(read, Ok(Progress::Complete(_))), "{read:?}");
    out.clear();
    HeadWriter::response(&mut out, 200).finish(BodyFraming::Length(0));
    for bytes in [&out[..], CONTINUE] {
        let read = parse_response(bytes, 0, Method::Get, &limits, &mut HeadIndex::new());
        assert!(
            !matches!(read, Ok(ResponseProgress::Partial) | Err(_)),
            "{read:?}"
        );
    }
}

#[test]
fn what_an_answer_can_be_has_a_reason() {
    use crate::http1::{ChunkRefusal, HeadRefusal};
    for status in [
        HeadRefusal::Nul.status(),
        HeadRefusal::Connect.status(),
        HeadRefusal::ContentLengthOverflow.status(),
        HeadRefusal::RequestLineTooLong { bytes_max: 0 }.status(),
        HeadRefusal::UnsupportedExpectation.status(),
        HeadRefusal::TooManyFields { fields_max: 0 }.status(),
        HeadRefusal::UnsupportedVersion.status(),
        ChunkRefusal::SizeOverflow.status(),
    ] {
        assert_ne!(reason(status), "", "{status}");
    }
}
