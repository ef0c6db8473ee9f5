//! Request heads, as a server reads them.

use super::authority::is_authority;
use super::framing::{FieldFacts, FieldFraming};
use super::lines::{self, StartLine};
use super::target::{Target, parse_target};
use super::tokens;
use super::{ByteSpan, HeadIndex, HeadLimits, HeadRefusal};

/// How far the head has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More bytes are needed.
    Partial,
    /// The head is whole and has one meaning.
    Complete(RequestHead),
}

/// An accepted request head: what a server acts on. Field lines are in the [`HeadIndex`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// Bytes up to and with the blank line, empty lines before the request line included. The body begins here.
    pub head_len: usize,
    /// The method, case-sensitive.
    pub method: Method,
    /// The target.
    pub target: Target,
    /// The version.
    pub version: Version,
    /// Host, and the absolute form's authority, which agrees with it; `None` only in HTTP/1.0.
    pub authority: Option<ByteSpan>,
    /// Where the body ends.
    pub framing: RequestFraming,
    /// Whether the client expects the connection to go on after this exchange.
    pub keep_alive: bool,
    /// Whether the client waits for `100 Continue` before it sends a body.
    pub expect_continue: bool,
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// POST.
    Post,
    /// DELETE.
    Delete,
    /// OPTIONS.
    Options,
    /// Any other token except CONNECT.
    Other(ByteSpan),
}

/// The two versions that this codec speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0: no Transfer-Encoding, closes unless asked.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// Where a request's body ends. Source: RFC 9112 §6.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFraming {
    /// There is no body.
    None,
    /// After so many bytes.
    Length(u64),
    /// After the last chunk.
    Chunked,
}

impl Method {
    /// The method as received.
    #[must_use]
    pub fn name(self, buf: &[u8]) -> &[u8] {
        match self {
            Self::Get => b"GET",
            Self::Head => b"HEAD",
            Self::Post => b"POST",
            Self::Delete => b"DELETE",
            Self::Options => b"OPTIONS",
            Self::Other(span) => span.of(buf),
        }
    }

    fn read(head: &[u8], token: &[u8]) -> Result<Self, HeadRefusal> {
        Ok(match token {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"DELETE" => Self::Delete,
            b"OPTIONS" => Self::Options,
            b"CONNECT" => return Err(HeadRefusal::Connect),
            other => Self::Other(ByteSpan::within(head, other)),
        })
    }
}

impl Version {
    /// From the minor version, which the tokeniser restricts to 0 and 1.
    #[inline]
    pub(super) const fn from_minor(minor: u8) -> Self {
        match minor {
            0 => Self::Http10,
            _ => Self::Http11,
        }
    }
}

impl From<FieldFraming> for RequestFraming {
    fn from(framing: FieldFraming) -> Self {
        match framing {
            FieldFraming::Unsaid => Self::None,
            FieldFraming::Length(length) => Self::Length(length),
            FieldFraming::Chunked => Self::Chunked,
        }
    }
}

/// Reads the request head at the start of `buf`.
///
/// `scanned` is how many bytes of `buf` an earlier call answered [`Progress::Partial`] for, 0 at first; with it, a head that
/// arrives in pieces is searched once and tokenised at most twice. On `Complete`, `index` describes the fields of `buf`; on
/// anything else its content is unspecified. Bytes after the head are neither read nor needed.
///
/// Errors: a [`HeadRefusal`] as soon as the bytes decide it; the connection has then no further meaning. Cost: no allocation
/// once `index` has grown; O(new bytes). Source: RFC 9112 §2 to §7.
pub fn parse_request(
    buf: &[u8],
    scanned: usize,
    limits: &HeadLimits,
    index: &mut HeadIndex,
) -> Result<Progress, HeadRefusal> {
    index.clear();
    let window = tokens::window(buf, limits);
    let lead = lines::leading_blank_bytes(window)?;
    // A head that comes in one piece, the common case, is tokenised right away; one that comes in pieces only once it is whole.
    if scanned > 0 && !lines::is_whole(window, scanned)? {
        return partial(window, lead, limits);
    }
    match complete(window, lead, limits, index)? {
        Some(head) => Ok(Progress::Complete(head)),
        None => {
            lines::is_whole(&window[lead..], 0)?;
            partial(window, lead, limits)
        }
    }
}

/// Not whole yet: fine, unless the bounds leave no room for the rest.
fn partial(window: &[u8], lead: usize, limits: &HeadLimits) -> Result<Progress, HeadRefusal> {
    let line = &window[lead..];
    let line_end = memchr::memchr(b'\n', line);
    let full = window.len() >= tokens::head_bytes_max(limits);
    // The CR of the line end, come or to come, does not count.
    let line_bytes_max = limits.request_line_bytes_max.saturating_add(1);
    if (full && line_end.is_none()) || line_end.unwrap_or(line.len()) > line_bytes_max {
        return Err(request_line_too_long(limits));
    }
    if full {
        return Err(HeadRefusal::HeadTooLarge {
            bytes_max: tokens::head_bytes_max(limits),
        });
    }
    Ok(Progress::Partial)
}

fn complete(
    window: &[u8],
    lead: usize,
    limits: &HeadLimits,
    index: &mut HeadIndex,
) -> Result<Option<RequestHead>, HeadRefusal> {
    let mut table = tokens::field_table();
    let fields_max = tokens::fields_max(limits);
    let mut request = httparse::Request::new(&mut []);
    let status = request
        .parse_with_uninit_headers(&window[lead..], &mut table[..fields_max])
        .map_err(|error| lines::diagnose(&window[lead..], error, StartLine::Request, fields_max))?;
    let httparse::Status::Complete(len) = status else {
        return Ok(None);
    };
    let head = &window[..lead + len];
    let facts = tokens::index_fields(head, request.headers, index)?;
    judge(head, lead, &request, &facts, limits).map(Some)
}

/// The rules of a request, on top of those of its parts.
#[inline]
fn judge(
    head: &[u8],
    lead: usize,
    request: &httparse::Request<'_, '_>,
    facts: &FieldFacts,
    limits: &HeadLimits,
) -> Result<RequestHead, HeadRefusal> {
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version)
    else {
        return Err(HeadRefusal::MalformedRequestLine);
    };
    if request_line_bytes(head, lead, target) > limits.request_line_bytes_max {
        return Err(request_line_too_long(limits));
    }
    let version = Version::from_minor(minor);
    let method = Method::read(head, method.as_bytes())?;
    let target = parse_target(head, target.as_bytes(), method)?;
    let framing = RequestFraming::from(facts.framing(version)?);
    let has_body = !matches!(framing, RequestFraming::None | RequestFraming::Length(0));
    Ok(RequestHead {
        head_len: head.len(),
        method,
        target,
        version,
        authority: authority(head, facts.host()?, target, version)?,
        framing,
        keep_alive: facts.keep_alive(version),
        expect_continue: facts.expects_continue(version)? && has_body,
    })
}

/// The tokeniser accepts exactly ` HTTP/1.x` after the target.
fn request_line_bytes(head: &[u8], lead: usize, target: &str) -> usize {
    ByteSpan::within(head, target.as_bytes()).range().end + b" HTTP/1.1".len() - lead
}

fn request_line_too_long(limits: &HeadLimits) -> HeadRefusal {
    HeadRefusal::RequestLineTooLong {
        bytes_max: limits.request_line_bytes_max,
    }
}

/// The one authority of a request. RFC 9112 §3.2.2 lets an absolute form override Host; a request in which they differ is
/// refused instead, because an upstream may be asked with either.
fn authority(
    head: &[u8],
    host: Option<ByteSpan>,
    target: Target,
    version: Version,
) -> Result<Option<ByteSpan>, HeadRefusal> {
    let named = target.authority();
    match (host, named) {
        (None, _) if version == Version::Http11 => Err(HeadRefusal::MissingHost),
        (None, named) => Ok(named),
        (Some(host), _) if !is_authority(host.of(head)) => Err(HeadRefusal::InvalidHost),
        (Some(host), Some(named)) if !host.of(head).eq_ignore_ascii_case(named.of(head)) => {
            Err(HeadRefusal::HostMismatch)
        }
        (host, _) => Ok(host),
    }
}

#[cfg(test)]
mod tests;
