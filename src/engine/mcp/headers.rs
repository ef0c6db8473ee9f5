//! The request headers that decide something, found in one pass.
//!
//! The digest holds spans into the head, so it outlives an `await` beside the buffer. A field that must occur once and occurs
//! twice is refused here, because the next reader might pick the other one (RFC 9110 §5.3). `Mcp-Method` and `Mcp-Name` are
//! the exception: they decide nothing before 2026-07-28, so their repetition is noted and judged with the body
//! ([`agree`](super::agreement::agree)).

mod certificate;

use std::fmt;

use super::limits::SESSION_ID_BYTES_MAX;
use crate::engine::span::Span;

pub use certificate::{CertificateField, CertificateFields, CertificateHeaders, RepeatedField};

/// What the head says, as spans into it. Values are without surrounding white space.
#[derive(Clone, Debug, Default)]
pub struct HeaderDigest {
    /// `Authorization`.
    pub authorization: Option<Span>,
    /// `Host`.
    pub host: Option<Span>,
    /// `Origin`.
    pub origin: Option<Span>,
    /// `Content-Type`.
    pub content_type: Option<Span>,
    /// Whether `Content-Type` is `application/json`, in UTF-8 where it names a charset.
    pub is_json: bool,
    /// Whether `Content-Encoding` names anything but `identity`.
    pub is_encoded: bool,
    /// `Accept`, the first.
    pub accept: Option<Span>,
    /// `MCP-Protocol-Version`.
    pub protocol_version: Option<Span>,
    /// `Mcp-Session-Id`, visible ASCII.
    pub session_id: Option<Span>,
    /// `Last-Event-ID`.
    pub last_event_id: Option<Span>,
    /// `Mcp-Method`.
    pub method: Mirror,
    /// `Mcp-Name`.
    pub name: Mirror,
    /// `Mcp-Param-*` fields seen.
    pub params: u16,
    /// `traceparent`. Absent where it is repeated (W3C Trace Context §3.2.1).
    pub traceparent: Option<Span>,
    /// `tracestate`, the first.
    pub tracestate: Option<Span>,
    /// `User-Agent`, the first.
    pub user_agent: Option<Span>,
    /// `X-Request-Id`, the first.
    pub request_id: Option<Span>,
    /// Fields with `_` in their name, which are never forwarded.
    pub underscored: u16,
    /// Fields by which a proxy may tell of a client certificate. Whoever may not is not believed, and none is forwarded.
    pub certificate: CertificateFields,
    traceparent_repeated: bool,
}

/// A header that mirrors a member of the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mirror {
    /// Not sent.
    #[default]
    Absent,
    /// Sent once.
    Once(Span),
    /// Sent several times: no value can be relied on.
    Repeated,
}

impl Mirror {
    fn add(&mut self, value: Span) {
        *self = match self {
            Self::Absent => Self::Once(value),
            Self::Once(_) | Self::Repeated => Self::Repeated,
        };
    }
}

/// Why a head is refused for what its fields say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderRefusal {
    /// A field that may occur once occurs twice.
    Repeated {
        /// Its name in lower case.
        field: &'static str,
    },
    /// `Mcp-Session-Id` is empty, too long, or holds a byte outside 0x21–0x7E.
    SessionIdMalformed,
}

impl HeaderRefusal {
    /// HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        400
    }
}

impl fmt::Display for HeaderRefusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeated { field } => {
                write!(out, "header {field} is repeated; it may occur once")
            }
            Self::SessionIdMalformed => {
                write!(
                    out,
                    "header mcp-session-id is not 1 to {SESSION_ID_BYTES_MAX} bytes of visible ascii"
                )
            }
        }
    }
}

impl std::error::Error for HeaderRefusal {}

impl HeaderDigest {
    /// Reads `fields` (name, value) of the head in `base`, once.
    ///
    /// Values must lie within `base`. Allocates nothing. Errors: see [`HeaderRefusal`].
    pub fn read<'h>(
        base: &[u8],
        fields: impl IntoIterator<Item = (&'h [u8], &'h [u8])>,
    ) -> Result<Self, HeaderRefusal> {
        let mut digest = Self::default();
        for (name, value) in fields {
            digest.add(base, name, value.trim_ascii())?;
        }
        Ok(digest)
    }

    fn add(&mut self, base: &[u8], name: &[u8], value: &[u8]) -> Result<(), HeaderRefusal> {
        // An empty value may lie anywhere; it is present all the same, and empty.
        let span = Span::within(base, value).unwrap_or_default();
        match name.len() {
            4 if is(name, "host") => once(&mut self.host, span, "host")?,
            6 if is(name, "origin") => once(&mut self.origin, span, "origin")?,
            6 if is(name, "accept") => first(&mut self.accept, span),
            8 if is(name, "mcp-name") => self.name.add(span),
            10 if is(name, "user-agent") => first(&mut self.user_agent, span),
            10 if is(name, "mcp-method") => self.method.add(span),
            10 if is(name, "tracestate") => first(&mut self.tracestate, span),
            11 if is(name, "traceparent") => self.add_traceparent(span),
            12 if is(name, "content-type") => {
                once(&mut self.content_type, span, "content-type")?;
                self.is_json = is_json(value);
            }
            12 if is(name, "x-request-id") => first(&mut self.request_id, span),
            13 if is(name, "authorization") => {
                once(&mut self.authorization, span, "authorization")?
            }
            13 if is(name, "last-event-id") => {
                once(&mut self.last_event_id, span, "last-event-id")?
            }
            14 if is(name, "mcp-session-id") => {
                once(&mut self.session_id, span, "mcp-session-id")?;
                check_session_id(value)?;
            }
            16 if is(name, "content-encoding") => self.is_encoded |= !is(value, "identity"),
            20 if is(name, "mcp-protocol-version") => {
                once(&mut self.protocol_version, span, "mcp-protocol-version")?;
            }
            _ => self.count(name, span),
        }
        Ok(())
    }

    fn add_traceparent(&mut self, span: Span) {
        self.traceparent_repeated |= self.traceparent.is_some();
        self.traceparent = (!self.traceparent_repeated).then_some(span);
    }

    fn count(&mut self, name: &[u8], value: Span) {
        if name.contains(&b'_') {
            self.underscored = self.underscored.saturating_add(1);
        } else if is_param(name) {
            self.params = self.params.saturating_add(1);
        } else if certificate::may_be_of_family(name) {
            self.certificate.add(name, value);
        }
    }
}

/// Whether `name` is one of the open family `Mcp-Param-*` (2026-07-28, Custom Headers).
pub(super) fn is_param(name: &[u8]) -> bool {
    const PREFIX: &[u8] = b"mcp-param-";
    name.len() > PREFIX.len() && name[..PREFIX.len()].eq_ignore_ascii_case(PREFIX)
}

fn is(name: &[u8], lower: &str) -> bool {
    name.eq_ignore_ascii_case(lower.as_bytes())
}

fn once(slot: &mut Option<Span>, value: Span, field: &'static str) -> Result<(), HeaderRefusal> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(HeaderRefusal::Repeated { field }),
    }
}

fn first(slot: &mut Option<Span>, value: Span) {
    slot.get_or_insert(value);
}

fn check_session_id(value: &[u8]) -> Result<(), HeaderRefusal> {
    let fits = (1..=SESSION_ID_BYTES_MAX).contains(&value.len());
    if fits && value.iter().all(u8::is_ascii_graphic) {
        Ok(())
    } else {
        Err(HeaderRefusal::SessionIdMalformed)
    }
}

/// `application/json`, with no charset or UTF-8: RFC 8259 §8.1 allows no other.
fn is_json(value: &[u8]) -> bool {
    is_content_type(value, "application/json")
}

/// Whether `value` of Content-Type is `essence`, in UTF-8 where it names a charset.
#[must_use]
pub fn is_content_type(value: &[u8], essence: &str) -> bool {
    let mut parts = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    parts.next().is_some_and(|named| is(named, essence)) && parts.all(is_harmless_parameter)
}

fn is_harmless_parameter(parameter: &[u8]) -> bool {
    let charset = parameter.get(..8).filter(|name| is(name, "charset="));
    charset.is_none_or(|_| {
        let value = &parameter[8..];
        is(value, "utf-8") || is(value, "\"utf-8\"") || is(value, "utf8")
    })
}

#[cfg(test)]
mod tests;
