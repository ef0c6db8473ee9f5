//! Requests as the fixture reads them.

use super::{HEAD_BYTES_MAX, decimal, field, head_len, lines};

/// One complete request at the start of a buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    /// The method, as sent.
    pub(crate) method: &'a [u8],
    /// The target, as sent.
    pub(crate) target: &'a [u8],
    /// The body; empty where there is none.
    pub(crate) body: &'a [u8],
    /// Bytes that head and body take.
    pub(crate) len: usize,
    /// The client asked that the connection end after the answer.
    pub(crate) close: bool,
}

/// What a buffer holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed<'a> {
    /// A whole request.
    Complete(Request<'a>),
    /// The beginning of one.
    Partial,
    /// Something that this fixture does not read: chunked bodies, heads without end.
    Refused,
}

/// Reads the request that `bytes` begins with.
pub(crate) fn parse(bytes: &[u8]) -> Parsed<'_> {
    let Some(head_len) = head_len(bytes) else {
        return if bytes.len() > HEAD_BYTES_MAX {
            Parsed::Refused
        } else {
            Parsed::Partial
        };
    };
    let (head, rest) = bytes.split_at(head_len);
    let Some((method, target)) = request_line(head) else {
        return Parsed::Refused;
    };
    let Some((body_len, close)) = framing(head) else {
        return Parsed::Refused;
    };
    let Some(body) = rest.get(..body_len) else {
        return Parsed::Partial;
    };
    Parsed::Complete(Request {
        method,
        target,
        body,
        len: head_len + body_len,
        close,
    })
}

fn request_line(head: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut words = lines(head).next()?.split(|&byte| byte == b' ');
    Some((words.next()?, words.next()?))
}

/// Body length and whether the connection ends, or `None` for a body of unknown length.
fn framing(head: &[u8]) -> Option<(usize, bool)> {
    let (mut body_len, mut close) = (0, false);
    for line in lines(head).skip(1) {
        match line.first().map(u8::to_ascii_lowercase) {
            Some(b't') if field(line, b"transfer-encoding").is_some() => return None,
            Some(b'c') => {
                body_len = field(line, b"content-length").map_or(Some(body_len), decimal)?;
                close |= field(line, b"connection")
                    .is_some_and(|value| value.eq_ignore_ascii_case(b"close"));
            }
            _ => {}
        }
    }
    Some((body_len, close))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_complete_only_with_its_last_byte() {
        let bytes = b"POST /mcp HTTP/1.1\r\nHost: x\r\ncontent-LENGTH: 4\r\nConnection: close\r\n\r\nbodyPOST";
        let len = bytes.len() - 4;
        for short in 0..len {
            assert_eq!(parse(&bytes[..short]), Parsed::Partial);
        }
        let whole = Request {
            method: b"POST",
            target: b"/mcp",
            body: b"body",
            len,
            close: true,
        };
        assert_eq!(parse(bytes), Parsed::Complete(whole));
    }

    #[test]
    fn a_body_of_unknown_length_is_refused() {
        assert_eq!(
            parse(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"),
            Parsed::Refused
        );
        assert_eq!(
            parse(b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"),
            Parsed::Refused
        );
        assert_eq!(parse(&[b'a'; HEAD_BYTES_MAX + 1]), Parsed::Refused);
    }
}
