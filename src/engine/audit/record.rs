//! One record.

use std::net::IpAddr;

use super::SessionTag;
use super::json::{write_string, write_u64};
use super::timestamp::{TIMESTAMP_BYTES, write_timestamp};
use crate::engine::limits::{AUDIT_RECORD_BYTES_MAX, AUDIT_TEXT_BYTES_MAX, AUDIT_WORD_BYTES_MAX};

/// What happened. One record a JSON-RPC message, with its most specific event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// A credential was accepted and there is no message to record.
    AuthSuccess,
    /// A credential was missing or refused.
    AuthFailure,
    /// Policy refused.
    AuthzDenied,
    /// A quota refused.
    RateLimited,
    /// A tool was called.
    ToolCall,
    /// Any other message, and requests refused before they were one.
    Request,
    /// A session or a stream began or ended.
    Session,
    /// A configuration was taken or refused.
    Config,
    /// The gateway started or stopped.
    Lifecycle,
}

impl EventType {
    /// Every event.
    pub const ALL: [Self; 9] = [
        Self::AuthSuccess,
        Self::AuthFailure,
        Self::AuthzDenied,
        Self::RateLimited,
        Self::ToolCall,
        Self::Request,
        Self::Session,
        Self::Config,
        Self::Lifecycle,
    ];

    /// The value of `event_type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthSuccess => "auth_success",
            Self::AuthFailure => "auth_failure",
            Self::AuthzDenied => "authz_denied",
            Self::RateLimited => "rate_limited",
            Self::ToolCall => "tool_call",
            Self::Request => "request",
            Self::Session => "session",
            Self::Config => "config",
            Self::Lifecycle => "lifecycle",
        }
    }
}

/// What the gateway decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// The message went to the upstream, or was answered as asked.
    Allowed,
    /// Policy refused it.
    Denied,
    /// A quota refused it.
    RateLimited,
    /// Nobody was authenticated.
    Unauthenticated,
    /// The request broke a rule of the protocol, or a bound.
    Refused,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 5] = [
        Self::Allowed,
        Self::Denied,
        Self::RateLimited,
        Self::Unauthenticated,
        Self::Refused,
    ];

    /// The value of `decision`, and of the label of `mcp_guard_decisions_total`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::RateLimited => "rate_limited",
            Self::Unauthenticated => "unauthenticated",
            Self::Refused => "refused",
        }
    }
}

/// Names of the fields, in the order in which they are written.
pub const FIELDS: [&str; 22] = [
    "timestamp",
    "event_type",
    "request_id",
    "trace_id",
    "identity_id",
    "auth_provider",
    "peer",
    "server",
    "method",
    "tool",
    "prompt",
    "resource",
    "decision",
    "rule",
    "success",
    "status",
    "duration_ms",
    "upstream_ms",
    "request_bytes",
    "response_bytes",
    "session",
    "message",
];

/// One record, borrowed from the exchange that it describes. Absent fields are left out of the line.
///
/// Texts may hold any bytes: they are escaped, and cut to [`AUDIT_TEXT_BYTES_MAX`] bytes each, ids and methods to
/// [`AUDIT_WORD_BYTES_MAX`].
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// When, in microseconds of Unix time.
    pub timestamp_us: u64,
    /// What happened.
    pub event: EventType,
    /// The gateway's id of the request, as in `x-request-id`.
    pub request_id: Option<&'a [u8]>,
    /// W3C trace id, 32 hexadecimal digits.
    pub trace_id: Option<&'a [u8]>,
    /// Namespaced identity, such as `key:full`.
    pub identity_id: Option<&'a [u8]>,
    /// How it was proven.
    pub auth_provider: Option<&'a str>,
    /// Address of the client.
    pub peer: Option<IpAddr>,
    /// Name of the upstream server.
    pub server: Option<&'a str>,
    /// JSON-RPC method, as the client wrote it, or the HTTP method where there is no message.
    pub method: Option<&'a [u8]>,
    /// Name of the tool called.
    pub tool: Option<&'a [u8]>,
    /// Name of the prompt asked for.
    pub prompt: Option<&'a [u8]>,
    /// URI of the resource asked for.
    pub resource: Option<&'a [u8]>,
    /// What the gateway decided.
    pub decision: Option<Decision>,
    /// Which rule decided.
    pub rule: Option<&'a str>,
    /// Whether the answer was a result rather than an error.
    pub success: Option<bool>,
    /// HTTP status of the answer.
    pub status: Option<u16>,
    /// Time from the request's first byte to the answer's last, in microseconds; written in milliseconds.
    pub duration_us: Option<u64>,
    /// Time from the request's last byte sent to the upstream to its answer's head, in microseconds.
    pub upstream_us: Option<u64>,
    /// Bytes of the request body.
    pub request_bytes: Option<u64>,
    /// Bytes of the answer's body.
    pub response_bytes: Option<u64>,
    /// Which session, by tag.
    pub session: Option<SessionTag>,
    /// What an operator should know besides: why a credential was refused, what a configuration changed.
    pub message: Option<&'a [u8]>,
}

impl Record<'_> {
    /// A record of `event` with nothing else known.
    #[must_use]
    pub const fn new(event: EventType, timestamp_us: u64) -> Self {
        Self {
            timestamp_us,
            event,
            request_id: None,
            trace_id: None,
            identity_id: None,
            auth_provider: None,
            peer: None,
            server: None,
            method: None,
            tool: None,
            prompt: None,
            resource: None,
            decision: None,
            rule: None,
            success: None,
            status: None,
            duration_us: None,
            upstream_us: None,
            request_bytes: None,
            response_bytes: None,
            session: None,
            message: None,
        }
    }

    /// Appends the record to `out` as one line of JSON, newline included: at most [`AUDIT_RECORD_BYTES_MAX`] bytes.
    ///
    /// Allocates nothing where `out` has that much room.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"timestamp\":\"");
        write_timestamp(self.timestamp_us, out);
        out.extend_from_slice(b"\"");
        own(",\"event_type\":", Some(self.event.as_str()), out);
        word(",\"request_id\":", self.request_id, out);
        word(",\"trace_id\":", self.trace_id, out);
        text(",\"identity_id\":", self.identity_id, out);
        own(",\"auth_provider\":", self.auth_provider, out);
        address(",\"peer\":", self.peer, out);
        word(",\"server\":", self.server.map(str::as_bytes), out);
        word(",\"method\":", self.method, out);
        text(",\"tool\":", self.tool, out);
        text(",\"prompt\":", self.prompt, out);
        text(",\"resource\":", self.resource, out);
        own(",\"decision\":", self.decision.map(Decision::as_str), out);
        text(",\"rule\":", self.rule.map(str::as_bytes), out);
        flag(",\"success\":", self.success, out);
        number(",\"status\":", self.status.map(u64::from), out);
        millis(",\"duration_ms\":", self.duration_us, out);
        millis(",\"upstream_ms\":", self.upstream_us, out);
        number(",\"request_bytes\":", self.request_bytes, out);
        number(",\"response_bytes\":", self.response_bytes, out);
        word(
            ",\"session\":",
            self.session.as_ref().map(SessionTag::as_bytes),
            out,
        );
        text(",\"message\":", self.message, out);
        out.extend_from_slice(b"}\n");
    }
}

/// A text that somebody else may have chosen.
fn text(key: &str, value: Option<&[u8]>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        out.extend_from_slice(key.as_bytes());
        write_string(value, AUDIT_TEXT_BYTES_MAX, out);
    }
}

/// A text that is short where nobody plays tricks: an id, a method, a name of the configuration.
fn word(key: &str, value: Option<&[u8]>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        out.extend_from_slice(key.as_bytes());
        write_string(value, AUDIT_WORD_BYTES_MAX, out);
    }
}

/// A word of the gateway's own.
fn own(key: &str, value: Option<&str>, out: &mut Vec<u8>) {
    word(key, value.map(str::as_bytes), out);
}

fn number(key: &str, value: Option<u64>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        out.extend_from_slice(key.as_bytes());
        write_u64(value, out);
    }
}

/// Microseconds as milliseconds with three decimals.
fn millis(key: &str, micros: Option<u64>, out: &mut Vec<u8>) {
    number(key, micros.map(|micros| micros / 1_000), out);
    if let Some(micros) = micros {
        let rest = micros % 1_000;
        let digit = |unit: u64| b'0' + (rest / unit % 10) as u8;
        out.extend_from_slice(&[b'.', digit(100), digit(10), digit(1)]);
    }
}

fn flag(key: &str, value: Option<bool>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(if value { b"true" } else { b"false" });
    }
}

fn address(key: &str, value: Option<IpAddr>, out: &mut Vec<u8>) {
    use std::io::Write as _;
    match value.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(v4)) => {
            out.extend_from_slice(key.as_bytes());
            write_dotted(v4.octets(), out);
        }
        Some(IpAddr::V6(v6)) => {
            out.extend_from_slice(key.as_bytes());
            // Writing to a vector cannot fail.
            let _ = write!(out, "\"{v6}\"");
        }
        None => {}
    }
}

fn write_dotted(octets: [u8; 4], out: &mut Vec<u8>) {
    for (index, octet) in octets.into_iter().enumerate() {
        out.push(if index == 0 { b'"' } else { b'.' });
        write_u64(u64::from(octet), out);
    }
    out.push(b'"');
}

/// The longest line: every text at its bound, every number at its widest, and the keys.
const RECORD_BYTES_WORST: usize = {
    const QUOTES: usize = 2;
    const NUMBER_BYTES: usize = "18446744073709551615.000".len();
    let mut keys = 0;
    let mut index = 0;
    while index < FIELDS.len() {
        keys += FIELDS[index].len() + "\"\":,".len();
        index += 1;
    }
    let texts = 6 * (AUDIT_TEXT_BYTES_MAX + QUOTES);
    let words = 8 * (AUDIT_WORD_BYTES_MAX + QUOTES)
        + "\"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255\"".len();
    let numbers = 7 * NUMBER_BYTES;
    keys + texts + words + numbers + TIMESTAMP_BYTES + QUOTES + "{}\n".len()
};

const _: () = assert!(
    RECORD_BYTES_WORST <= AUDIT_RECORD_BYTES_MAX,
    "a record must fit in its bound"
);

#[cfg(test)]
#[path = "record/tests.rs"]
mod tests;
