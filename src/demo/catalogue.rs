//! What the demo server offers, as its lists show it.

use serde_json::{Value, json};

/// The resource's URI.
pub(super) const GREETING_URI: &str = "demo://greeting";

/// The resource's text.
pub(super) const GREETING: &str = "Hello from the demo server behind mcp-guard.";

/// The prompt's name.
pub(super) const PROMPT: &str = "introduce";

/// Most steps of `slow`.
pub(super) const STEPS_MAX: u64 = 100;

/// Longest pause between two steps of `slow`, in milliseconds.
pub(super) const PAUSE_MS_MAX: u64 = 1_000;

/// `{"name", "version"}` of this server.
pub(super) fn server_info() -> Value {
    json!({ "name": "mcp-guard-demo", "title": "mcp-guard demo server", "version": env!("CARGO_PKG_VERSION") })
}

/// What the server can do.
pub(super) fn capabilities() -> Value {
    json!({ "tools": {}, "resources": {}, "prompts": {} })
}

/// `tools` of `tools/list`.
pub(super) fn tools() -> Value {
    let text = json!({ "type": "string", "description": "Anything" });
    let number = json!({ "type": "number" });
    json!([
        tool(
            "echo",
            "Says what it was told",
            &json!({ "text": text }),
            &["text"],
            true
        ),
        tool(
            "add",
            "Adds two numbers",
            &json!({ "a": number, "b": number }),
            &["a", "b"],
            true
        ),
        tool(
            "slow",
            "Takes its time and reports progress",
            &slow_arguments(),
            &[],
            true
        ),
        tool(
            "delete_everything",
            "Deletes everything (it only says so)",
            &json!({}),
            &[],
            false
        ),
    ])
}

/// `resources` of `resources/list`.
pub(super) fn resources() -> Value {
    json!([{ "uri": GREETING_URI, "name": "greeting", "mimeType": "text/plain" }])
}

/// `prompts` of `prompts/list`.
pub(super) fn prompts() -> Value {
    let who = json!({ "name": "who", "description": "Whom to introduce", "required": true });
    json!([{ "name": PROMPT, "description": "Asks for an introduction", "arguments": [who] }])
}

fn slow_arguments() -> Value {
    json!({
        "steps": { "type": "integer", "minimum": 1, "maximum": STEPS_MAX, "default": 5 },
        "pause_ms": { "type": "integer", "minimum": 0, "maximum": PAUSE_MS_MAX, "default": 200 },
    })
}

fn tool(
    name: &str,
    description: &str,
    properties: &Value,
    required: &[&str],
    is_harmless: bool,
) -> Value {
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    let hints = json!({ "readOnlyHint": is_harmless, "destructiveHint": !is_harmless });
    json!({ "name": name, "description": description, "inputSchema": schema, "annotations": hints })
}
