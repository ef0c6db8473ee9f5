//! Line ends of a head: the strict scan for its end, and the name of what the tokeniser could not read.

use super::grammar::{self, TOKEN};
use super::{HeadRefusal, LEADING_BLANK_LINES_MAX};

/// Whether the blank line that ends a head is there, given that the first `scanned` bytes were searched before.
///
/// Refuses NUL, bare CR and bare LF as soon as they are there. A CR that is the last byte is left for the next call, which
/// therefore goes one byte back.
pub(super) fn is_whole(window: &[u8], scanned: usize) -> Result<bool, HeadRefusal> {
    let from = scanned.saturating_sub(1).min(window.len());
    for offset in memchr::memchr3_iter(b'\r', b'\n', 0, &window[from..]) {
        let at = from + offset;
        match window[at] {
            0 => return Err(HeadRefusal::Nul),
            b'\r' if window.get(at + 1).is_some_and(|&next| next != b'\n') => {
                return Err(HeadRefusal::BareCarriageReturn);
            }
            b'\n' if !window[..at].ends_with(b"\r") => return Err(HeadRefusal::BareLineFeed),
            b'\n' if window[..at].ends_with(b"\r\n\r") => return Ok(true),
            _ => {}
        }
    }
    Ok(false)
}

/// Number of bytes of empty lines before the request line. Source: RFC 9112 §2.2.
#[inline]
pub(super) fn leading_blank_bytes(window: &[u8]) -> Result<usize, HeadRefusal> {
    let mut at = 0;
    while window[at..].starts_with(b"\r\n") {
        at += 2;
        if at > 2 * LEADING_BLANK_LINES_MAX {
            return Err(HeadRefusal::LeadingBlankLines {
                lines_max: LEADING_BLANK_LINES_MAX,
            });
        }
    }
    // The tokeniser would skip it.
    if window[at..].starts_with(b"\n") {
        return Err(HeadRefusal::BareLineFeed);
    }
    Ok(at)
}

/// Which side's start line opens the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StartLine {
    /// `method SP target SP version`.
    Request,
    /// `version SP status SP reason`.
    Status,
}

impl StartLine {
    pub(super) const fn malformed(self) -> HeadRefusal {
        match self {
            Self::Request => HeadRefusal::MalformedRequestLine,
            Self::Status => HeadRefusal::MalformedStatusLine,
        }
    }
}

/// Names what the tokeniser refused in `head`, which begins at its start line and may lack its end. Not on the hot path.
#[cold]
pub(super) fn diagnose(
    head: &[u8],
    error: httparse::Error,
    start: StartLine,
    fields_max: usize,
) -> HeadRefusal {
    if let Err(line_end) = is_whole(head, 0) {
        return line_end;
    }
    match error {
        httparse::Error::TooManyHeaders => HeadRefusal::TooManyFields { fields_max },
        httparse::Error::HeaderName => field_name(head),
        httparse::Error::HeaderValue => HeadRefusal::InvalidFieldValue,
        httparse::Error::Version => version(first_line(head), start),
        httparse::Error::Token => request_token(first_line(head)),
        _ => start.malformed(),
    }
}

fn first_line(head: &[u8]) -> &[u8] {
    head.split(|&byte| byte == b'\r').next().unwrap_or_default()
}

/// The tokeniser names method and target alike.
fn request_token(line: &[u8]) -> HeadRefusal {
    let mut words = line.split(|&byte| byte == b' ');
    let method = words.next().unwrap_or_default();
    if method.is_empty() || !grammar::all(method, TOKEN) {
        return HeadRefusal::InvalidMethod;
    }
    let target = words.next().unwrap_or_default();
    if target.iter().any(|byte| !byte.is_ascii_graphic()) {
        return HeadRefusal::InvalidTarget;
    }
    HeadRefusal::MalformedRequestLine
}

fn version(line: &[u8], start: StartLine) -> HeadRefusal {
    let mut words = line.split(|&byte| byte == b' ');
    let word = match start {
        StartLine::Request => words.nth(2),
        StartLine::Status => words.next(),
    };
    match word {
        Some([b'H', b'T', b'T', b'P', b'/', major, b'.', minor])
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            HeadRefusal::UnsupportedVersion
        }
        _ => start.malformed(),
    }
}

fn field_name(head: &[u8]) -> HeadRefusal {
    head.split(|&byte| byte == b'\n')
        .skip(1)
        .find_map(field_line)
        .unwrap_or(HeadRefusal::InvalidFieldName)
}

fn field_line(line: &[u8]) -> Option<HeadRefusal> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let name = &line[..memchr::memchr(b':', line).unwrap_or(line.len())];
    match (line, name) {
        ([], _) => None,
        ([b' ' | b'\t', ..], _) => Some(HeadRefusal::ObsoleteFold),
        (_, []) => Some(HeadRefusal::EmptyFieldName),
        (_, [token @ .., b' ' | b'\t']) if is_token_then_space(token) => {
            Some(HeadRefusal::SpaceBeforeColon)
        }
        _ if !grammar::all(name, TOKEN) || name.len() == line.len() => {
            Some(HeadRefusal::InvalidFieldName)
        }
        _ => None,
    }
}

fn is_token_then_space(name: &[u8]) -> bool {
    grammar::all(grammar::trim_ows(name), TOKEN)
}
