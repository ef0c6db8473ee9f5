//! Heads and chunks, written to a byte vector so that no value can add a line.

use std::fmt;

use super::RequestFraming;
use super::grammar::{self, TOKEN};

/// The interim response that a client with `Expect: 100-continue` waits for.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
/// What follows the data of each chunk.
pub const CHUNK_END: &[u8] = b"\r\n";
/// The last chunk, with no trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Digits of the largest chunk size and of the largest decimal number.
const DIGITS_MAX: usize = 20;

/// Writes one HTTP/1.1 head. The start line comes with the constructor, framing and end with [`finish`](Self::finish), so a
/// head has exactly one of each.
#[derive(Debug)]
#[must_use = "a head is incomplete until it is finished"]
pub struct HeadWriter<'out> {
    out: &'out mut Vec<u8>,
}

/// How the body of a written head is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// No framing field: no body, or, in a response with `Connection: close`, one that lasts until close.
    Unsaid,
    /// Content-Length, in bytes.
    Length(u64),
    /// Transfer-Encoding: chunked.
    Chunked,
}

/// Why nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeRefusal {
    /// The method is not a token.
    Method,
    /// The target is empty or holds a byte that is not visible ASCII.
    Target,
    /// The field name is not a token.
    FieldName,
    /// The field delimits the body or names the connection's options, which only the writer does.
    ReservedField,
    /// The field value holds a control byte: CR, LF, NUL or another, tab excepted.
    FieldValue,
}

impl<'out> HeadWriter<'out> {
    /// Begins a request with `method` and `target` in the form that the caller chose.
    pub fn request(
        out: &'out mut Vec<u8>,
        method: &[u8],
        target: &[u8],
    ) -> Result<Self, EncodeRefusal> {
        if method.is_empty() || !grammar::all(method, TOKEN) {
            return Err(EncodeRefusal::Method);
        }
        if target.is_empty() || !target.iter().all(u8::is_ascii_graphic) {
            return Err(EncodeRefusal::Target);
        }
        append(out, &[method, b" ", target, b" HTTP/1.1\r\n"]);
        Ok(Self { out })
    }

    /// Begins a response. A status outside 100 to 599, which no caller has reason to send, is written as 500.
    pub fn response(out: &'out mut Vec<u8>, status: u16) -> Self {
        let status = match status {
            100..=599 => status,
            _ => 500,
        };
        out.extend_from_slice(b"HTTP/1.1 ");
        append_decimal(out, u64::from(status));
        append(out, &[b" ", reason(status).as_bytes(), b"\r\n"]);
        Self { out }
    }

    /// Writes one field; `value` as it is, without white space added or removed.
    ///
    /// Errors: [`EncodeRefusal::FieldName`], [`EncodeRefusal::ReservedField`] and [`EncodeRefusal::FieldValue`]; then not a
    /// byte of the field is written, and the caller may go on without it.
    #[inline]
    pub fn field(&mut self, name: &[u8], value: &[u8]) -> Result<&mut Self, EncodeRefusal> {
        if name.is_empty() || !grammar::all(name, TOKEN) {
            return Err(EncodeRefusal::FieldName);
        }
        if is_reserved(name) {
            return Err(EncodeRefusal::ReservedField);
        }
        if value
            .iter()
            .fold(false, |bad, &byte| bad | is_control(byte))
        {
            return Err(EncodeRefusal::FieldValue);
        }
        append(self.out, &[name, b": ", value, b"\r\n"]);
        Ok(self)
    }

    /// Writes one field with a decimal value.
    pub fn number(&mut self, name: &[u8], value: u64) -> Result<&mut Self, EncodeRefusal> {
        let mut digits = [0; DIGITS_MAX];
        self.field(name, decimal(&mut digits, value))
    }

    /// Writes `Connection: close`.
    pub fn close(&mut self) -> &mut Self {
        self.out.extend_from_slice(b"Connection: close\r\n");
        self
    }

    /// Writes `Connection: keep-alive`, which an HTTP/1.0 client needs to hear.
    pub fn keep_alive(&mut self) -> &mut Self {
        self.out.extend_from_slice(b"Connection: keep-alive\r\n");
        self
    }

    /// Writes the framing field and the blank line.
    pub fn finish(self, framing: BodyFraming) {
        match framing {
            BodyFraming::Unsaid => {}
            BodyFraming::Length(length) => {
                self.out.extend_from_slice(b"Content-Length: ");
                append_decimal(self.out, length);
                self.out.extend_from_slice(b"\r\n");
            }
            BodyFraming::Chunked => {
                self.out
                    .extend_from_slice(b"Transfer-Encoding: chunked\r\n");
            }
        }
        self.out.extend_from_slice(b"\r\n");
    }
}

/// The framing that passes a request's own on.
impl From<RequestFraming> for BodyFraming {
    fn from(framing: RequestFraming) -> Self {
        match framing {
            RequestFraming::None => Self::Unsaid,
            RequestFraming::Length(length) => Self::Length(length),
            RequestFraming::Chunked => Self::Chunked,
        }
    }
}

/// Writes the size line of a chunk of `data_bytes` bytes; the data and [`CHUNK_END`] follow. A size of 0 would end the body,
/// so nothing is written for it: leave the empty chunk out altogether.
#[inline]
pub fn chunk_header(out: &mut Vec<u8>, data_bytes: usize) {
    if data_bytes == 0 {
        return;
    }
    let mut digits = [0; DIGITS_MAX];
    out.extend_from_slice(hexadecimal(&mut digits, data_bytes as u64));
    out.extend_from_slice(b"\r\n");
}

/// The reason phrase of `status`, empty where it has none. Source: RFC 9110 §15, RFC 6585.
#[must_use]
pub const fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

fn is_reserved(name: &[u8]) -> bool {
    match name.len() {
        10 => name.eq_ignore_ascii_case(b"connection"),
        14 => name.eq_ignore_ascii_case(b"content-length"),
        17 => name.eq_ignore_ascii_case(b"transfer-encoding"),
        _ => false,
    }
}

#[inline]
const fn is_control(byte: u8) -> bool {
    (byte < 0x20 && byte != b'\t') || byte == 0x7f
}

#[inline]
fn append(out: &mut Vec<u8>, parts: &[&[u8]]) {
    out.reserve(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        out.extend_from_slice(part);
    }
}

fn append_decimal(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0; DIGITS_MAX];
    out.extend_from_slice(decimal(&mut digits, value));
}

fn decimal(digits: &mut [u8; DIGITS_MAX], value: u64) -> &[u8] {
    in_base::<10>(digits, value)
}

fn hexadecimal(digits: &mut [u8; DIGITS_MAX], value: u64) -> &[u8] {
    in_base::<16>(digits, value)
}

/// Writes `value` at the end of `digits`; 20 digits hold 64 bits in base 10 and 16.
#[inline]
fn in_base<const BASE: u64>(digits: &mut [u8; DIGITS_MAX], mut value: u64) -> &[u8] {
    let mut at = DIGITS_MAX;
    loop {
        at -= 1;
        digits[at] = b"0123456789abcdef"[(value % BASE) as usize];
        value /= BASE;
        if value == 0 {
            return &digits[at..];
        }
    }
}

impl fmt::Display for EncodeRefusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Method => "method is not a token",
            Self::Target => "target is empty or not visible ASCII",
            Self::FieldName => "field name is not a token",
            Self::ReservedField => "field belongs to the connection",
            Self::FieldValue => "field value has a control byte",
        })
    }
}

impl std::error::Error for EncodeRefusal {}

#[cfg(test)]
mod tests;
