//! What the tools do.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::catalogue::{PAUSE_MS_MAX, STEPS_MAX};
use super::rpc::{RpcError, event, notification};

/// Where progress of a call goes.
#[derive(Debug)]
pub(super) struct Progress {
    /// The client's token as written.
    pub(super) token: String,
    /// The stream of the call.
    pub(super) events: mpsc::Sender<Vec<u8>>,
}

/// The client has gone away; nobody wants the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gone;

/// Whether `tool` reports progress.
pub(super) fn is_slow(tool: &str) -> bool {
    tool == "slow"
}

/// Calls a tool that answers at once, or `slow` without progress.
pub(super) async fn call(tool: &str, arguments: &Value) -> Result<Value, RpcError> {
    match tool {
        "echo" => Ok(said(
            arguments["text"].as_str().map(str::to_owned),
            "text must be a string",
        )),
        "add" => Ok(said(sum(arguments), "a and b must be numbers")),
        "delete_everything" => Ok(text(
            "Everything is gone. (Nothing was: this is a demonstration.)",
        )),
        "slow" => Ok(slow(arguments, None)
            .await
            .unwrap_or_else(|Gone| Value::Null)),
        _ => Err(RpcError::new(-32602, format!("unknown tool: {tool}"))),
    }
}

/// Calls `slow`, reporting each step. Ends early once the client has gone.
pub(super) async fn slow(arguments: &Value, progress: Option<&Progress>) -> Result<Value, Gone> {
    let bounded =
        |name: &str, default: u64, max: u64| arguments[name].as_u64().unwrap_or(default).min(max);
    let steps = bounded("steps", 5, STEPS_MAX).max(1);
    let pause = Duration::from_millis(bounded("pause_ms", 200, PAUSE_MS_MAX));
    for step in 1..=steps {
        sleep(pause).await;
        if let Some(Progress { token, events }) = progress {
            let report = event(&notification(
                "notifications/progress",
                &report(token, step, steps),
            ));
            events.send(report).await.map_err(|_| Gone)?;
        }
    }
    Ok(text(&format!("done in {steps} steps")))
}

fn report(token: &str, step: u64, steps: u64) -> Value {
    let token: Value = serde_json::from_str(token).unwrap_or_default();
    json!({ "progressToken": token, "progress": step, "total": steps, "message": format!("step {step} of {steps}") })
}

fn sum(arguments: &Value) -> Option<String> {
    let (a, b) = (&arguments["a"], &arguments["b"]);
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a.checked_add(b).map(|sum| sum.to_string()),
        _ => Some((a.as_f64()? + b.as_f64()?).to_string()),
    }
}

fn said(words: Option<String>, otherwise: &str) -> Value {
    match words {
        Some(words) => text(&words),
        None => json!({ "content": [{ "type": "text", "text": otherwise }], "isError": true }),
    }
}

fn text(words: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": words }], "isError": false })
}
