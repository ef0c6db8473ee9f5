//! What a head says about where its body ends and whether the connection goes on. Source: RFC 9112 §6 and §9.3.

use super::grammar::trim_ows;
use super::{ByteSpan, HeadRefusal, Version};

/// The fields that decide framing, host and persistence, collected in one pass over a head.
#[derive(Debug, Default)]
pub(super) struct FieldFacts {
    content_length: Option<u64>,
    chunked: bool,
    host: Option<ByteSpan>,
    host_repeated: bool,
    connection: ConnectionOptions,
    expectation: Expectation,
}

/// What all Connection fields of a head say together.
#[derive(Clone, Copy, Debug, Default)]
struct ConnectionOptions {
    close: bool,
    keep_alive: bool,
    others: bool,
}

/// What the Expect fields of a head say together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Expectation {
    #[default]
    None,
    Continue,
    Unknown,
}

/// How the fields alone delimit a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldFraming {
    /// Neither Content-Length nor Transfer-Encoding.
    Unsaid,
    /// Content-Length, in bytes.
    Length(u64),
    /// Transfer-Encoding: chunked.
    Chunked,
}

impl FieldFacts {
    /// Takes note of one field line. Refuses what no message may say about its framing.
    #[inline]
    pub(super) fn observe(
        &mut self,
        name: &[u8],
        value: &[u8],
        span: ByteSpan,
    ) -> Result<(), HeadRefusal> {
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.observe_host(span),
            6 if name.eq_ignore_ascii_case(b"expect") => self.observe_expect(value),
            10 if name.eq_ignore_ascii_case(b"connection") => self.connection.observe(value),
            14 if name.eq_ignore_ascii_case(b"content-length") => self.observe_length(value)?,
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.observe_coding(value)?,
            _ => {}
        }
        Ok(())
    }

    fn observe_host(&mut self, span: ByteSpan) {
        self.host_repeated |= self.host.is_some();
        self.host = Some(span);
    }

    fn observe_expect(&mut self, value: &[u8]) {
        self.expectation = if value.eq_ignore_ascii_case(b"100-continue")
            && self.expectation != Expectation::Unknown
        {
            Expectation::Continue
        } else {
            Expectation::Unknown
        };
    }

    fn observe_length(&mut self, value: &[u8]) -> Result<(), HeadRefusal> {
        let length = content_length(value)?;
        match self.content_length.replace(length) {
            None => Ok(()),
            Some(_) => Err(HeadRefusal::RepeatedContentLength),
        }
    }

    /// `chunked` alone, in any case. Every list, parameter and other coding is refused: what one hop skips, the next may honour.
    fn observe_coding(&mut self, value: &[u8]) -> Result<(), HeadRefusal> {
        if self.chunked {
            return Err(HeadRefusal::RepeatedTransferEncoding);
        }
        self.chunked = value.eq_ignore_ascii_case(b"chunked");
        if self.chunked {
            Ok(())
        } else {
            Err(HeadRefusal::UnsupportedTransferEncoding)
        }
    }

    /// The body's delimitation. Source: RFC 9112 §6.1, whose permission to let Transfer-Encoding win is not used.
    #[inline]
    pub(super) fn framing(&self, version: Version) -> Result<FieldFraming, HeadRefusal> {
        match (self.chunked, self.content_length) {
            (false, None) => Ok(FieldFraming::Unsaid),
            (false, Some(length)) => Ok(FieldFraming::Length(length)),
            (true, Some(_)) => Err(HeadRefusal::ContentLengthWithTransferEncoding),
            (true, None) if version == Version::Http10 => {
                Err(HeadRefusal::TransferEncodingInHttp10)
            }
            (true, None) => Ok(FieldFraming::Chunked),
        }
    }

    /// The one Host value; `None` where there is none.
    #[inline]
    pub(super) fn host(&self) -> Result<Option<ByteSpan>, HeadRefusal> {
        if self.host_repeated {
            return Err(HeadRefusal::RepeatedHost);
        }
        Ok(self.host)
    }

    /// Whether the sender waits for a 100. HTTP/1.0 has no such expectation (RFC 9110 §10.1.1).
    #[inline]
    pub(super) fn expects_continue(&self, version: Version) -> Result<bool, HeadRefusal> {
        match self.expectation {
            _ if version == Version::Http10 => Ok(false),
            Expectation::None => Ok(false),
            Expectation::Continue => Ok(true),
            Expectation::Unknown => Err(HeadRefusal::UnsupportedExpectation),
        }
    }

    /// Whether the sender keeps the connection. `close` wins over `keep-alive`. Source: RFC 9112 §9.3.
    #[inline]
    pub(super) fn keep_alive(&self, version: Version) -> bool {
        let asked = version == Version::Http11 || self.connection.keep_alive;
        asked && !self.connection.close
    }

    /// Whether Connection names anything besides `close` and `keep-alive`.
    #[inline]
    pub(super) fn nominates(&self) -> bool {
        self.connection.others
    }
}

impl ConnectionOptions {
    fn observe(&mut self, value: &[u8]) {
        for option in value.split(|&byte| byte == b',').map(trim_ows) {
            if option.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            } else {
                self.others |= !option.is_empty();
            }
        }
    }
}

/// `1*DIGIT` within 64 bits: no sign, list, fraction or prefix. Source: RFC 9110 §8.6.
fn content_length(value: &[u8]) -> Result<u64, HeadRefusal> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(HeadRefusal::InvalidContentLength);
    }
    value
        .iter()
        .try_fold(0_u64, |sum, digit| {
            sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        })
        .ok_or(HeadRefusal::ContentLengthOverflow)
}
