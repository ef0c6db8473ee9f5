//! The question that tells a modern server from a legacy one (2026-07-28 stdio, Backward Compatibility).

use crate::engine::mcp::json::{Reader, Syntax, members, string_at};
use crate::engine::mcp::limits::ANSWER_DEPTH_MAX;
use crate::engine::mcp::revision::is_modern_version;
use crate::engine::span::Span;

/// The question. Its id is a string that no client's request over the same channel has.
pub const DISCOVER_REQUEST: &str = concat!(
    r#"{"jsonrpc":"2.0","id":"mcp-guard/discover","method":"server/discover","params":{"_meta":{"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
    r#""io.modelcontextprotocol/clientInfo":{"name":"mcp-guard","version":""#,
    env!("CARGO_PKG_VERSION"),
    r#""},"io.modelcontextprotocol/clientCapabilities":{}}}}"#
);

const ID: &str = "mcp-guard/discover";

/// Errors that only a modern server gives.
const MODERN_ERRORS: [&str; 3] = ["-32020", "-32021", "-32022"];

/// What a message says about its sender's era.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiscoverAnswer {
    /// It is modern.
    Modern,
    /// It is legacy: an answer that no modern server gives.
    Legacy,
    /// Nothing: it is no answer to the question.
    Unrelated,
}

/// Judges one message of a server that was sent [`DISCOVER_REQUEST`].
///
/// A result counts as modern where it names a modern version, an error where its code is one of those that 2026-07-28 made;
/// every other answer is a legacy server's, whatever its code. Pure; O(bytes).
#[must_use]
pub fn discover_answer(message: &[u8]) -> DiscoverAnswer {
    read(message).unwrap_or(DiscoverAnswer::Unrelated)
}

fn read(message: &[u8]) -> Option<DiscoverAnswer> {
    let text = simdutf8::basic::from_utf8(message).ok()?;
    let (mut id, mut method, mut result, mut error) = (None, None, None, None);
    members(text, Span::new(0, text.len()), |name, value| match name {
        "id" => id = Some(value),
        "method" => method = Some(value),
        "result" => result = Some(value),
        "error" => error = Some(value),
        _ => {}
    })
    .ok()?;
    let is_ours = id.is_some_and(|id| string_at(text, id).as_deref() == Some(ID));
    // A server that cannot read the request answers without its id.
    let is_nobodys = id.is_none_or(|id| &text[id.range()] == "null");
    let is_modern = match (method, result, error) {
        (None, Some(result), None) if is_ours => names_modern_version(text, result),
        (None, None, Some(error)) if is_ours || is_nobodys => has_modern_code(text, error),
        _ => return None,
    };
    Some(match is_modern {
        true => DiscoverAnswer::Modern,
        false => DiscoverAnswer::Legacy,
    })
}

fn has_modern_code(text: &str, error: Span) -> bool {
    let mut is_modern = false;
    let read = members(text, error, |name, value| {
        is_modern |= name == "code" && MODERN_ERRORS.contains(&&text[value.range()]);
    });
    read.is_ok() && is_modern
}

fn names_modern_version(text: &str, result: Span) -> bool {
    let mut versions = None;
    let read = members(text, result, |name, value| {
        if name == "supportedVersions" {
            versions = Some(value);
        }
    });
    let Some(versions) = versions.filter(|_| read.is_ok()) else {
        return false;
    };
    let list = &text[versions.range()];
    let mut reader = Reader::lenient(list, ANSWER_DEPTH_MAX);
    let mut is_modern = false;
    let read = reader.array(|reader| {
        let version = reader.skip()?;
        is_modern |=
            string_at(list, version).is_some_and(|version| is_modern_version(version.as_bytes()));
        Ok::<_, Syntax>(())
    });
    read.is_ok() && is_modern
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{DISCOVER_REQUEST, DiscoverAnswer, discover_answer};
    use crate::engine::mcp::message::Body;
    use crate::engine::mcp::methods::Method;
    use crate::engine::mcp::scan::{ScanLimits, scan};

    #[test]
    fn the_question_is_a_modern_request() {
        let body = scan(DISCOVER_REQUEST.as_bytes(), &ScanLimits::default()).unwrap();
        let Body::One(message) = body else {
            panic!("one message");
        };
        let call = message.call().unwrap();
        assert_eq!(call.method, Method::ServerDiscover);
        assert!(call.params.meta.protocol_version.is_some());
        assert!(call.params.meta.client_capabilities.is_some());
    }

    #[test]
    fn only_answers_that_a_modern_server_gives_are_modern() {
        use DiscoverAnswer::{Legacy, Modern, Unrelated};
        let error = |code: &str| {
            format!(r#"{{"id":"mcp-guard/discover","error":{{"code":{code},"message":""}}}}"#)
        };
        let result = |result: &str| format!(r#"{{"id":"mcp-guard/discover","result":{result}}}"#);
        for (message, expected) in [
            (result(r#"{"supportedVersions":["2026-07-28"]}"#), Modern),
            (
                result(r#"{"supportedVersions":["2025-11-25","2027-01-01"]}"#),
                Modern,
            ),
            (result(r#"{"supportedVersions":["2025-11-25"]}"#), Legacy),
            (result(r#"{"supportedVersions":"2026-07-28"}"#), Legacy),
            (result("{}"), Legacy),
            (result("null"), Legacy),
            (error("-32022"), Modern),
            (error("-32021"), Modern),
            (error("-32020"), Modern),
            (error("-32601"), Legacy),
            (error("-32602"), Legacy),
            (error("\"-32022\""), Legacy),
            (
                r#"{"id":null,"error":{"code":-32600,"message":""}}"#.into(),
                Legacy,
            ),
            (r#"{"error":{"code":-32022,"message":""}}"#.into(), Modern),
            (
                r#"{"id":1,"error":{"code":-32022,"message":""}}"#.into(),
                Unrelated,
            ),
            (r#"{"id":1,"result":{}}"#.into(), Unrelated),
            (r#"{"method":"notifications/message"}"#.into(), Unrelated),
            (
                r#"{"id":"mcp-guard/discover","method":"ping"}"#.into(),
                Unrelated,
            ),
            ("hello".into(), Unrelated),
        ] {
            assert_eq!(discover_answer(message.as_bytes()), expected, "{message}");
        }
    }
}
