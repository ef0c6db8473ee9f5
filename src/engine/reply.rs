//! The one place where a failure becomes status, JSON-RPC error and challenge.
//!
//! What it never does: tell a client about policy, upstream addresses, or other
//! callers. Every 4xx and 5xx has a JSON-RPC body, since clients of two eras take a bare 400, 404 or 405 as a cue to try an
//! older transport.
//!
//! Read [`Failure`] first.

mod failure;
mod oauth;

pub use failure::Failure;

use super::audit::json::{write_string, write_u64};

/// Longest text that an answer repeats from a request, in bytes.
const ECHO_BYTES_MAX: usize = 64;

/// The challenge of a 403 that does not say which scopes are missing.
const PLAIN_STEP_UP: &str = r#"Bearer error="insufficient_scope""#;

/// What the error answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyId<'a> {
    /// The request's id: its token, quotes included.
    Known(&'a [u8]),
    /// Unknown, written as `null`: what schemas before 2025-11-25 and their clients expect.
    Null,
    /// Unknown, left out: 2025-11-25 and later.
    Omitted,
}

impl Failure {
    /// Gives each header field of the answer that follows from the failure to `field`, Content-Type included; framing and
    /// `x-request-id` are the connection's.
    ///
    /// `challenge` is the WWW-Authenticate value where there is more to say than the failure alone knows
    /// ([`Discovery`](super::discovery::Discovery)); a 401 without it has a plain one.
    pub fn each_header(&self, challenge: Option<&str>, mut field: impl FnMut(&'static str, &str)) {
        field("content-type", "application/json");
        match self {
            Self::Unauthorized { challenge: error } => {
                field("www-authenticate", challenge.unwrap_or(error.plain()))
            }
            Self::InsufficientScope => {
                field("www-authenticate", challenge.unwrap_or(PLAIN_STEP_UP))
            }
            Self::MethodNotAllowed { allow } => field("allow", allow),
            _ => {}
        }
        if let Some(secs) = self.retry_after_secs() {
            let mut digits = Vec::with_capacity(10);
            write_u64(u64::from(secs), &mut digits);
            // Decimal digits are UTF-8.
            field("retry-after", std::str::from_utf8(&digits).unwrap_or("1"));
        }
    }

    /// Appends the JSON-RPC error object. `request_id` is the gateway's, as in `x-request-id`; left out where it is empty.
    pub fn encode(&self, id: ReplyId<'_>, request_id: &str, out: &mut Vec<u8>) {
        self.encode_with(id, request_id, &VersionData::NONE, out);
    }

    /// Appends the error as an SSE event, for a failure after the head of a stream has gone out.
    pub fn encode_event(&self, id: ReplyId<'_>, request_id: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"event: message\ndata: ");
        self.encode(id, request_id, out);
        out.extend_from_slice(b"\n\n");
    }

    /// As [`encode`](Self::encode), with the versions that `data` of −32022 must name.
    pub fn encode_with(
        &self,
        id: ReplyId<'_>,
        request_id: &str,
        versions: &VersionData<'_>,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",");
        id.write(out);
        out.extend_from_slice(b"\"error\":{\"code\":");
        if self.rpc_code() < 0 {
            out.push(b'-');
        }
        write_u64(u64::from(self.rpc_code().unsigned_abs()), out);
        out.extend_from_slice(b",\"message\":");
        write_string(self.message().as_bytes(), usize::MAX, out);
        let mut data = Members::default();
        if !request_id.is_empty() {
            data.begin(b"\"requestId\":", out);
            write_string(request_id.as_bytes(), ECHO_BYTES_MAX, out);
        }
        versions.write(&mut data, out);
        data.end(out);
        out.extend_from_slice(b"}}");
    }
}

impl ReplyId<'_> {
    /// An id that is not known, as clients of the revision expect it: left out from 2025-11-25 on, else `null`.
    #[must_use]
    pub const fn unknown(may_be_omitted: bool) -> Self {
        if may_be_omitted {
            Self::Omitted
        } else {
            Self::Null
        }
    }

    fn write(self, out: &mut Vec<u8>) {
        let token: &[u8] = match self {
            Self::Known(token) => token,
            Self::Null => b"null",
            Self::Omitted => return,
        };
        out.extend_from_slice(b"\"id\":");
        out.extend_from_slice(token);
        out.push(b',');
    }
}

/// What `data` of −32022 says: which revisions are spoken, and which was asked for.
#[derive(Clone, Copy, Debug)]
pub struct VersionData<'a> {
    /// Revisions that would have been accepted.
    pub supported: &'a [&'a str],
    /// The one asked for, as the client wrote it.
    pub requested: Option<&'a [u8]>,
}

impl VersionData<'_> {
    /// No versions: for every other failure.
    pub const NONE: Self = Self {
        supported: &[],
        requested: None,
    };

    fn write(&self, data: &mut Members, out: &mut Vec<u8>) {
        if let [first, others @ ..] = self.supported {
            data.begin(b"\"supported\":[", out);
            write_string(first.as_bytes(), ECHO_BYTES_MAX, out);
            for version in others {
                out.push(b',');
                write_string(version.as_bytes(), ECHO_BYTES_MAX, out);
            }
            out.push(b']');
        }
        if let Some(requested) = self.requested {
            data.begin(b"\"requested\":", out);
            write_string(requested, ECHO_BYTES_MAX, out);
        }
    }
}

/// The members of `data`, which is left out where there are none.
#[derive(Debug, Default)]
struct Members {
    any: bool,
}

impl Members {
    fn begin(&mut self, member: &[u8], out: &mut Vec<u8>) {
        let before: &[u8] = if self.any { b"," } else { b",\"data\":{" };
        self.any = true;
        out.extend_from_slice(before);
        out.extend_from_slice(member);
    }

    fn end(self, out: &mut Vec<u8>) {
        if self.any {
            out.push(b'}');
        }
    }
}

#[cfg(test)]
#[path = "reply/tests.rs"]
mod tests;
