//! JSON-RPC answers.

use serde_json::{Value, json};

use super::catalogue::server_info;
use crate::engine::mcp::revision::Era;

/// An error of JSON-RPC, and the HTTP status that it has under 2026-07-28.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RpcError {
    pub(super) code: i32,
    pub(super) message: String,
    pub(super) data: Option<Value>,
    pub(super) modern_status: u16,
}

impl RpcError {
    pub(super) fn new(code: i32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
            modern_status: 200,
        }
    }

    pub(super) fn unknown_method() -> Self {
        Self {
            modern_status: 404,
            ..Self::new(-32601, "method not found")
        }
    }

    pub(super) fn unsupported_version(requested: &str, supported: &[&str]) -> Self {
        let data = json!({ "supported": supported, "requested": requested });
        Self {
            data: Some(data),
            modern_status: 400,
            ..Self::new(-32022, "unsupported protocol version")
        }
    }

    fn to_json(&self) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(data) = &self.data {
            error["data"] = data.clone();
        }
        error
    }
}

/// The text of an answer to the request with the raw id token `id`; without id, of an error that answers nothing in
/// particular.
pub(super) fn answer(id: Option<&str>, outcome: &Result<Value, RpcError>) -> String {
    let id = id.map_or_else(String::new, |id| format!(r#""id":{id},"#));
    match outcome {
        Ok(result) => format!(r#"{{"jsonrpc":"2.0",{id}"result":{result}}}"#),
        Err(error) => format!(r#"{{"jsonrpc":"2.0",{id}"error":{}}}"#, error.to_json()),
    }
}

/// The text of a notification.
pub(super) fn notification(method: &str, params: &Value) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)
}

/// `message` as a server-sent event.
pub(super) fn event(message: &str) -> Vec<u8> {
    format!("event: message\ndata: {message}\n\n").into_bytes()
}

/// How long a list may be cached, in milliseconds.
const TTL_MS: u64 = 3_600_000;

/// Adds what a result of `era` must carry: nothing, or its type and the server's name, and on a cacheable one its lifetime.
pub(super) fn complete(mut result: Value, era: Era, is_cacheable: bool) -> Value {
    if era == Era::Modern {
        result["resultType"] = json!("complete");
        result["_meta"] = json!({ "io.modelcontextprotocol/serverInfo": server_info() });
        if is_cacheable {
            result["ttlMs"] = json!(TTL_MS);
            result["cacheScope"] = json!("public");
        }
    }
    result
}
