//! Requests from era to era: `_meta`, id and progress token change, everything else stays as written.

use super::object::{Object, quoted};
use super::wire::line;
use crate::engine::mcp::revision::Revision;

/// `_meta` of every modern request: its revision.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// `_meta` of every modern request: what the client can be asked.
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// `_meta` of modern requests: what the client calls itself.
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// `_meta` of modern requests: the log messages it wants.
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// `_meta` of modern results: what the server calls itself.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// `_meta` of what a listen stream carries: its request's id.
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// The token under which a caller wants progress.
pub const PROGRESS_TOKEN: &str = "progressToken";

/// The modern request `message` for a legacy session, under the session's own `id`, which is its progress token as well.
#[must_use]
pub fn to_legacy(message: &Object<'_>, id: u64) -> Vec<u8> {
    let mut params = message.object("params").unwrap_or_default();
    // A retry's own members, and a task that no modern request can ask for.
    for name in ["inputResponses", "requestState", "task"] {
        params.remove(name);
    }
    let mut meta = params.object("_meta").unwrap_or_default();
    for name in [
        PROTOCOL_VERSION,
        CLIENT_CAPABILITIES,
        CLIENT_INFO,
        LOG_LEVEL,
    ] {
        meta.remove(name);
    }
    if meta.member(PROGRESS_TOKEN).is_some() {
        meta.set(PROGRESS_TOKEN, id.to_string());
    }
    let meta = (!meta.is_empty()).then(|| meta.to_string());
    match meta {
        Some(meta) => params.set("_meta", meta),
        None => drop(params.remove("_meta")),
    }
    with_params(message, id, params.to_string())
}

/// What every modern request of a legacy client says about it.
#[derive(Clone, Debug)]
pub struct ModernMeta {
    /// `clientCapabilities`, JSON.
    pub capabilities: String,
    /// `clientInfo`, JSON.
    pub client_info: Option<String>,
    /// `logLevel`, once the client has set one.
    pub level: Option<&'static str>,
}

impl ModernMeta {
    /// The `_meta` of a request that had `meta`.
    #[must_use]
    pub fn around(&self, mut meta: Object<'_>) -> String {
        meta.set(PROTOCOL_VERSION, quoted(Revision::R2026_07_28.as_str()));
        meta.set(CLIENT_CAPABILITIES, self.capabilities.as_str().to_owned());
        meta.remove(CLIENT_INFO);
        if let Some(info) = &self.client_info {
            meta.set(CLIENT_INFO, info.clone());
        }
        meta.remove(LOG_LEVEL);
        if let Some(level) = self.level {
            meta.set(LOG_LEVEL, quoted(level));
        }
        meta.to_string()
    }

    /// The legacy request `message` for a modern server, under the gateway's `id`.
    #[must_use]
    pub fn to_modern(&self, message: &Object<'_>, id: u64, answers: &Answers<'_>) -> Vec<u8> {
        let mut params = message.object("params").unwrap_or_default();
        for name in ["inputResponses", "requestState", "task"] {
            params.remove(name);
        }
        let meta = self.around(params.object("_meta").unwrap_or_default());
        params.set("_meta", meta);
        if let Some(responses) = &answers.responses {
            params.set("inputResponses", responses.to_owned());
        }
        if let Some(state) = answers.state {
            params.set("requestState", state.to_owned());
        }
        with_params(message, id, params.to_string())
    }
}

/// What a retry adds to its call.
#[derive(Clone, Debug, Default)]
pub struct Answers<'a> {
    /// `inputResponses`, JSON.
    pub responses: Option<String>,
    /// `requestState` as the server wrote it.
    pub state: Option<&'a str>,
}

fn with_params(message: &Object<'_>, id: u64, params: String) -> Vec<u8> {
    let mut message = message.clone();
    message.set("id", id.to_string());
    message.set("params", params);
    line(message.to_string())
}

/// `message`, whose `params._meta.subscriptionId` is `id` (`None`: takes it away).
#[must_use]
pub fn tagged(message: &Object<'_>, id: Option<&str>) -> Vec<u8> {
    let mut message = message.clone();
    let params = message.member("params").unwrap_or("{}").to_owned();
    let mut params = Object::parse(&params).unwrap_or_default();
    let meta = params.member("_meta").unwrap_or("{}").to_owned();
    let mut meta = Object::parse(&meta).unwrap_or_default();
    meta.remove(SUBSCRIPTION_ID);
    if let Some(id) = id {
        meta.set(SUBSCRIPTION_ID, id.to_owned());
    }
    match meta.is_empty() {
        true => drop(params.remove("_meta")),
        false => params.set("_meta", meta.to_string()),
    }
    match params.is_empty() && message.member("params").is_none() {
        true => {}
        false => message.set("params", params.to_string()),
    }
    line(message.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Answers, ModernMeta, Object, tagged, to_legacy};

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_modern_request_becomes_a_legacy_one() {
        for (modern, legacy) in [
            (
                r#"{"jsonrpc":"2.0","id":"x","method":"tools/call","x":1.0,"params":{"name":"a","arguments":{"n":123456789012345678901,"s":"\u00e9"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"c"},"io.modelcontextprotocol/logLevel":"info","progressToken":"t","traceparent":"00-1"}}}"#,
                r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","x":1.0,"params":{"name":"a","arguments":{"n":123456789012345678901,"s":"\u00e9"},"_meta":{"progressToken":7,"traceparent":"00-1"}}}"#,
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
                r#"{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{}}"#,
            ),
            (
                "{\"jsonrpc\":\"2.0\",\n\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"a\",\"task\":{\"ttl\":1},\"inputResponses\":{},\"requestState\":\"s\",\"arguments\":{\n}}}",
                r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a","arguments":{ }}}"#,
            ),
        ] {
            assert_eq!(text(to_legacy(&Object::parse(modern).unwrap(), 7)), legacy);
        }
    }

    #[test]
    fn a_legacy_request_becomes_a_modern_one() {
        let meta = ModernMeta {
            capabilities: r#"{"roots":{}}"#.to_owned(),
            client_info: Some(r#"{"name":"c","version":"1"}"#.to_owned()),
            level: Some("warning"),
        };
        let modern = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"roots":{}},"io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/logLevel":"warning"}"#;
        let list = Object::parse(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).unwrap();
        assert_eq!(
            text(meta.to_modern(&list, 3, &Answers::default())),
            format!(
                r#"{{"jsonrpc":"2.0","id":3,"method":"tools/list","params":{{"_meta":{modern}}}}}"#
            )
        );
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":"p","io.modelcontextprotocol/logLevel":"debug"},"name":"a"}}"#;
        let answers = Answers {
            responses: Some(r#"{"k":{"roots":[]}}"#.to_owned()),
            state: Some(r#""\u0041""#),
        };
        let out = text(meta.to_modern(&Object::parse(call).unwrap(), 4, &answers));
        assert!(
            out.contains(
                r#""_meta":{"progressToken":"p","io.modelcontextprotocol/protocolVersion""#
            ),
            "{out}"
        );
        assert!(
            out.contains(r#""io.modelcontextprotocol/logLevel":"warning""#),
            "{out}"
        );
        assert!(!out.contains("debug"), "{out}");
        assert!(
            out.ends_with(
                r#""name":"a","inputResponses":{"k":{"roots":[]}},"requestState":"\u0041"}}"#
            ),
            "{out}"
        );
    }

    #[test]
    fn a_notification_is_tagged_and_untagged() {
        let plain = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
        let with = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"l1"}}}"#;
        assert_eq!(
            text(tagged(&Object::parse(plain).unwrap(), Some("\"l1\""))),
            with
        );
        let updated = r#"{"method":"x","params":{"uri":"a","_meta":{"io.modelcontextprotocol/subscriptionId":1,"k":1.0}}}"#;
        assert_eq!(
            text(tagged(&Object::parse(updated).unwrap(), None)),
            r#"{"method":"x","params":{"uri":"a","_meta":{"k":1.0}}}"#
        );
        assert_eq!(text(tagged(&Object::parse(plain).unwrap(), None)), plain);
    }
}
