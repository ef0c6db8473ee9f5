//! Which header fields cross the gateway: a head is rebuilt from these, never copied.
//!
//! The lists are closed. Credentials, cookies, hop-by-hop fields, `X-Forwarded-*` and every name with `_` (which some
//! upstreams read as `-`) are left out by not being here. Host, Accept and framing are written by the gateway itself.

use super::headers::is_param;
use super::revision::Era;

/// Request fields that reach an upstream in every era.
const REQUEST: &[&str] = &[
    "content-type",
    "mcp-protocol-version",
    "traceparent",
    "tracestate",
    "user-agent",
];
/// Request fields of a session, which only legacy revisions have.
const REQUEST_LEGACY: &[&str] = &["mcp-session-id", "last-event-id"];
/// Request fields that mirror the body, which only modern revisions check.
const REQUEST_MODERN: &[&str] = &["mcp-method", "mcp-name"];
/// Response fields that reach a client in every era.
const RESPONSE: &[&str] = &[
    "content-type",
    "cache-control",
    "retry-after",
    "allow",
    "mcp-protocol-version",
    "x-accel-buffering",
];
/// Response fields of a session.
const RESPONSE_LEGACY: &[&str] = &["mcp-session-id"];

/// Whether a request field named `name`, in any case, is forwarded to an upstream that speaks `era`.
#[must_use]
pub fn forwards_request_field(name: &[u8], era: Era) -> bool {
    let of_era = match era {
        Era::Legacy => REQUEST_LEGACY,
        Era::Modern => REQUEST_MODERN,
    };
    contains(REQUEST, name) || contains(of_era, name) || (is_param(name) && !name.contains(&b'_'))
}

/// Whether a response field named `name`, in any case, is forwarded to a client that speaks `era`.
#[must_use]
pub fn forwards_response_field(name: &[u8], era: Era) -> bool {
    contains(RESPONSE, name) || (era == Era::Legacy && contains(RESPONSE_LEGACY, name))
}

fn contains(list: &[&str], name: &[u8]) -> bool {
    list.iter()
        .any(|field| field.len() == name.len() && name.eq_ignore_ascii_case(field.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{forwards_request_field, forwards_response_field};
    use crate::engine::mcp::headers::CertificateField;
    use crate::engine::mcp::revision::Era;

    #[test]
    fn only_listed_request_fields_reach_an_upstream() {
        for (name, legacy, modern) in [
            ("Content-Type", true, true),
            ("MCP-PROTOCOL-VERSION", true, true),
            ("mcp-session-id", true, false),
            ("Last-Event-ID", true, false),
            ("Mcp-Method", false, true),
            ("Mcp-Name", false, true),
            ("Mcp-Param-Region", true, true),
            ("Mcp-Param-", false, false),
            ("Mcp-Param-A_B", false, false),
            ("mcp_session_id", false, false),
            ("Authorization", false, false),
            ("Cookie", false, false),
            ("Host", false, false),
            ("Connection", false, false),
            ("X-Forwarded-For", false, false),
            ("Accept-Encoding", false, false),
            ("X-Client-Cert-CN", false, false),
            ("Client-Cert", false, false),
            ("baggage", false, false),
        ] {
            assert_eq!(
                forwards_request_field(name.as_bytes(), Era::Legacy),
                legacy,
                "{name} legacy"
            );
            assert_eq!(
                forwards_request_field(name.as_bytes(), Era::Modern),
                modern,
                "{name} modern"
            );
        }
    }

    #[test]
    fn nothing_about_a_client_certificate_reaches_an_upstream() {
        for (_, name) in CertificateField::ALL {
            for era in [Era::Legacy, Era::Modern] {
                assert!(!forwards_request_field(name.as_bytes(), era), "{name}");
            }
        }
    }

    #[test]
    fn only_listed_response_fields_reach_a_client() {
        for (name, legacy, modern) in [
            ("Content-Type", true, true),
            ("Retry-After", true, true),
            ("Mcp-Session-Id", true, false),
            ("Set-Cookie", false, false),
            ("Server", false, false),
            ("WWW-Authenticate", false, false),
            ("Location", false, false),
            ("Transfer-Encoding", false, false),
            ("Access-Control-Allow-Origin", false, false),
        ] {
            assert_eq!(
                forwards_response_field(name.as_bytes(), Era::Legacy),
                legacy,
                "{name} legacy"
            );
            assert_eq!(
                forwards_response_field(name.as_bytes(), Era::Modern),
                modern,
                "{name} modern"
            );
        }
    }
}
