//! A worker's request, as far as a front looks at it.

use crate::control::http::Request;
use crate::engine::mcp::revision::{Era, Revision};
use crate::mailbox::bridge::DELIVER_FIELD;

/// What a front needs of a request.
#[derive(Debug, Default)]
pub(super) struct Inbound {
    /// `POST`, `GET`, `DELETE`.
    pub(super) method: Vec<u8>,
    /// `Mcp-Session-Id`: the front's own id.
    pub(super) session: Option<Vec<u8>>,
    /// `MCP-Protocol-Version`.
    pub(super) version: Option<Vec<u8>>,
    /// `Last-Event-ID`.
    pub(super) last_event_id: Option<Box<[u8]>>,
    /// `Accept`.
    pub(super) accept: Option<Vec<u8>>,
    /// Whether the body is for the client's stream.
    pub(super) is_delivery: bool,
    /// The body.
    pub(super) body: Vec<u8>,
}

impl From<Request> for Inbound {
    fn from(mut request: Request) -> Self {
        let field = |name| request.header(name).map(<[u8]>::to_vec);
        Self {
            method: request.method_name().to_vec(),
            session: field("mcp-session-id"),
            version: field("mcp-protocol-version"),
            last_event_id: field("last-event-id").map(Vec::into_boxed_slice),
            accept: field("accept"),
            is_delivery: field(DELIVER_FIELD).as_deref() == Some(b"1"),
            body: std::mem::take(&mut request.body),
        }
    }
}

impl Inbound {
    /// Whether the revision that the request names, if it names one, is one that a session can have. It may differ from the
    /// session's own: clients of the SDKs send the newest that they know.
    pub(super) fn names_legacy_revision(&self) -> bool {
        self.version.as_deref().is_none_or(|version| {
            Revision::parse(version).is_some_and(|revision| revision.era() == Era::Legacy)
        })
    }

    /// Whether the client takes an event stream. One that does not say takes everything.
    pub(super) fn takes_events(&self) -> bool {
        let Some(accept) = &self.accept else {
            return true;
        };
        let accept = accept.to_ascii_lowercase();
        let mut ranges = accept.split(|byte| *byte == b',').map(|range| {
            let essence = range.split(|byte| *byte == b';').next();
            essence.unwrap_or_default().trim_ascii()
        });
        ranges.any(|range| matches!(range, b"text/event-stream" | b"text/*" | b"*/*"))
    }
}

#[cfg(test)]
mod tests {
    use super::Inbound;

    #[test]
    fn what_a_client_accepts_is_read_from_its_ranges() {
        let check = |accept: Option<&str>, expected| {
            let inbound = Inbound {
                accept: accept.map(|accept| accept.as_bytes().to_vec()),
                ..Inbound::default()
            };
            assert_eq!(inbound.takes_events(), expected, "{accept:?}");
        };
        check(None, true);
        check(Some("*/*"), true);
        check(Some("application/json, Text/Event-Stream;q=0.9"), true);
        check(Some("application/json"), false);
        check(Some("application/text/event-stream"), false);
        check(Some(""), false);
    }

    #[test]
    fn sessions_have_legacy_revisions() {
        let check = |version: Option<&str>, expected| {
            let inbound = Inbound {
                version: version.map(|version| version.as_bytes().to_vec()),
                ..Inbound::default()
            };
            assert_eq!(inbound.names_legacy_revision(), expected, "{version:?}");
        };
        check(None, true);
        check(Some("2024-11-05"), true);
        check(Some("2025-11-25"), true);
        check(Some("2026-07-28"), false);
        check(Some("1999-01-01"), false);
    }
}
