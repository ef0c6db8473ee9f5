//! Results and errors from era to era.

use super::object::{Object, elements};
use super::request::SERVER_INFO;
use super::wire::{INTERNAL_ERROR, INVALID_PARAMS, RESOURCE_NOT_FOUND};
use crate::engine::mcp::methods::Method;

/// How long a client may keep a list or a discovery that came over a legacy session, in milliseconds. Short: a legacy server
/// tells nobody when they change, unless the client listens.
pub const LIST_TTL_MS: u64 = 5_000;

/// How long a client may keep a resource that came over a legacy session, in milliseconds.
pub const READ_TTL_MS: u64 = 0;

/// URL elicitation required (2025-11-25 only); passes, since nothing else says it.
const URL_ELICITATION_REQUIRED: i32 = -32042;

/// How long a result of `method` may be kept, in milliseconds; `None` where results carry no hints.
#[must_use]
pub const fn ttl_ms(method: Method) -> Option<u64> {
    match method {
        Method::ServerDiscover
        | Method::ToolsList
        | Method::PromptsList
        | Method::ResourcesList
        | Method::ResourcesTemplatesList => Some(LIST_TTL_MS),
        Method::ResourcesRead => Some(READ_TTL_MS),
        _ => None,
    }
}

/// The `result` of a legacy server as a modern one. `None`: it is no object. `server_info` is JSON.
#[must_use]
pub fn to_modern(result: &str, method: Method, server_info: Option<&str>) -> Option<String> {
    let parsed = Object::parse(result)?;
    let mut out = parsed.clone();
    out.remove("resultType");
    out.set("resultType", "\"complete\"");
    if let Some(ttl_ms) = ttl_ms(method) {
        out.set("ttlMs", ttl_ms.to_string());
        out.set("cacheScope", "\"private\"");
    }
    if let Some(info) = server_info {
        let mut meta = parsed.object("_meta").unwrap_or_default();
        if meta.member(SERVER_INFO).is_none() {
            meta.set(SERVER_INFO, info.to_owned());
        }
        out.set("_meta", meta.to_string());
    }
    Some(out.to_string())
}

/// The `error` of a legacy server as a modern one.
#[must_use]
pub fn error_to_modern(error: &str) -> Option<String> {
    with_code(error, |code| match code {
        RESOURCE_NOT_FOUND => INVALID_PARAMS,
        URL_ELICITATION_REQUIRED => code,
        // These have a meaning on 2026-07-28 that a legacy server cannot have meant.
        -32_099..=-32_020 => INTERNAL_ERROR,
        _ => code,
    })
}

/// What a modern `result` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Modern {
    /// Complete: as a legacy result.
    Complete(String),
    /// The server needs input first.
    InputRequired,
    /// Of a type that no legacy client knows.
    Unknown,
}

/// Reads the `result` of a modern server for a legacy client. `None`: it is no object.
#[must_use]
pub fn to_legacy(result: &str, method: Method) -> Option<Modern> {
    let parsed = Object::parse(result)?;
    match parsed.text("resultType").as_deref() {
        Some("complete") | None => {}
        Some("input_required") => return Some(Modern::InputRequired),
        Some(_) => return Some(Modern::Unknown),
    }
    let mut out = parsed.clone();
    out.remove("resultType");
    if ttl_ms(method).is_some() {
        out.remove("ttlMs");
        out.remove("cacheScope");
    }
    if method == Method::ToolsList
        && let Some(tools) = parsed.member("tools").and_then(legacy_tools)
    {
        out.set("tools", tools);
    }
    // Up to 2025-11-25 an object, and SDKs refuse the whole result over any other value; the text says the same.
    let structured = parsed.member("structuredContent");
    if method == Method::ToolsCall && structured.is_some_and(|value| !value.starts_with('{')) {
        out.remove("structuredContent");
    }
    Some(Modern::Complete(out.to_string()))
}

/// `tools` without the output schemas that are not of an object: up to 2025-11-25 there are no others, and SDKs refuse the
/// whole list over one. `None`: there are none.
fn legacy_tools(tools: &str) -> Option<String> {
    let tools = elements(tools)?;
    let is_foreign = |tool: &Object<'_>| {
        let schema = tool.object("outputSchema");
        schema.is_some_and(|schema| schema.text("type").as_deref() != Some("object"))
    };
    let is_changed = |tool: &&str| Object::parse(tool).is_some_and(|tool| is_foreign(&tool));
    tools.iter().any(is_changed).then(|| {
        let tools = tools.iter().map(|tool| match Object::parse(tool) {
            Some(mut parsed) if is_foreign(&parsed) => {
                parsed.remove("outputSchema");
                parsed.to_string()
            }
            _ => (*tool).to_owned(),
        });
        format!("[{}]", tools.collect::<Vec<_>>().join(","))
    })
}

/// The `error` of a modern server for a legacy client that asked for `method`.
#[must_use]
pub fn error_to_legacy(error: &str, method: Method) -> Option<String> {
    with_code(error, |code| match code {
        INVALID_PARAMS if method == Method::ResourcesRead => RESOURCE_NOT_FOUND,
        // The gateway's own headers and revision: nothing that the client could mend.
        -32_022 | -32_020 => INTERNAL_ERROR,
        _ => code,
    })
}

fn with_code(error: &str, code: impl Fn(i32) -> i32) -> Option<String> {
    let mut error = Object::parse(error)?;
    let old: Option<i32> = error.member("code").and_then(|code| code.parse().ok());
    if let Some(old) = old
        && code(old) != old
    {
        error.set("code", code(old).to_string());
    }
    Some(error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Modern, error_to_legacy, error_to_modern, to_legacy, to_modern};
    use crate::engine::mcp::methods::Method;

    #[test]
    fn a_legacy_result_is_complete_and_private() {
        let info = Some(r#"{"name":"s"}"#);
        let meta = r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s"}}"#;
        for (method, legacy, modern) in [
            (
                Method::ToolsCall,
                r#"{"content":[],"n":1.0}"#,
                format!(r#"{{"content":[],"n":1.0,"resultType":"complete",{meta}}}"#),
            ),
            (
                Method::ToolsList,
                r#"{"tools":[],"ttlMs":9e9,"cacheScope":"public"}"#,
                format!(
                    r#"{{"tools":[],"ttlMs":5000,"cacheScope":"private","resultType":"complete",{meta}}}"#
                ),
            ),
            (
                Method::ResourcesRead,
                r#"{"contents":[],"_meta":{"a":1}}"#,
                r#"{"contents":[],"_meta":{"a":1,"io.modelcontextprotocol/serverInfo":{"name":"s"}},"resultType":"complete","ttlMs":0,"cacheScope":"private"}"#.to_owned(),
            ),
            (
                Method::ToolsCall,
                r#"{"resultType":"input_required"}"#,
                format!(r#"{{"resultType":"complete",{meta}}}"#),
            ),
        ] {
            assert_eq!(to_modern(legacy, method, info).unwrap(), modern);
        }
        assert_eq!(to_modern("[]", Method::ToolsCall, None), None);
    }

    #[test]
    fn a_modern_result_loses_what_legacy_clients_do_not_know() {
        for (method, modern, legacy) in [
            (
                Method::ToolsList,
                r#"{"resultType":"complete","tools":[{"ttlMs":1}],"ttlMs":1,"cacheScope":"public","x":1e2}"#,
                Modern::Complete(r#"{"tools":[{"ttlMs":1}],"x":1e2}"#.to_owned()),
            ),
            (
                Method::ToolsList,
                r#"{"tools":[{"outputSchema":{"type":"array"},"n":1.0}, {"outputSchema":{"type":"object"}},1]}"#,
                Modern::Complete(
                    r#"{"tools":[{"n":1.0},{"outputSchema":{"type":"object"}},1]}"#.to_owned(),
                ),
            ),
            (
                Method::ToolsCall,
                r#"{"content":[],"ttlMs":1,"structuredContent":{"a":1}}"#,
                Modern::Complete(
                    r#"{"content":[],"ttlMs":1,"structuredContent":{"a":1}}"#.to_owned(),
                ),
            ),
            (
                Method::ToolsCall,
                r#"{"content":[],"structuredContent":[1]}"#,
                Modern::Complete(r#"{"content":[]}"#.to_owned()),
            ),
            (
                Method::ToolsCall,
                r#"{"resultType":"input_required","inputRequests":{}}"#,
                Modern::InputRequired,
            ),
            (
                Method::ToolsCall,
                r#"{"resultType":"task","taskId":"1"}"#,
                Modern::Unknown,
            ),
        ] {
            assert_eq!(to_legacy(modern, method).unwrap(), legacy, "{modern}");
        }
    }

    #[test]
    fn codes_change_and_data_does_not() {
        for (code, modern) in [
            (-32_002, -32_602),
            (-32_042, -32_042),
            (-32_020, -32_603),
            (-32_022, -32_603),
            (-32_099, -32_603),
            (-32_601, -32_601),
            (-1, -1),
            (40_302, 40_302),
        ] {
            let error =
                |code: i32| format!(r#"{{"code":{code},"message":"m","data":{{"n":1.0}}}}"#);
            assert_eq!(error_to_modern(&error(code)), Some(error(modern)), "{code}");
        }
        for (method, code, legacy) in [
            (Method::ResourcesRead, -32_602, -32_002),
            (Method::ToolsCall, -32_602, -32_602),
            (Method::ToolsCall, -32_020, -32_603),
            (Method::ToolsCall, -32_021, -32_021),
        ] {
            let error = |code: i32| format!(r#"{{"code":{code},"message":"m"}}"#);
            assert_eq!(
                error_to_legacy(&error(code), method),
                Some(error(legacy)),
                "{code}"
            );
        }
    }
}
