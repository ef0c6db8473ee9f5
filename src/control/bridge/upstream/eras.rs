//! Which era a server over HTTP speaks.
//!
//! `server/discover` comes first. What it lists says nothing about the legacy era: servers of both eras list the modern one
//! alone. So a legacy handshake, which leaves a session behind for a moment, is tried only where discovery failed or where
//! somebody asks for it.
//!
//! Source: 2026-07-28 Versioning, Backward Compatibility; Streamable HTTP, Protocol Version Header.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::failed::HttpFailed;
use super::modern::post;
use super::outlet::Outlet;
use super::peer::{Peer, session_id};
use super::relay::{Learnt, relay};
use super::server::{HttpServer, Sent};
use crate::control::bridge::ConnectError;
use crate::control::http::{Client, Incoming};
use crate::engine::bridge::upstream::fields::Field;
use crate::engine::mcp::revision::{Revision, is_modern_version};

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control) enum ProbedEra {
    /// The server speaks the modern era. Whether it speaks the legacy one as well was not asked.
    Modern,
    /// The server speaks the legacy era alone.
    Legacy,
    /// The server answers neither as an MCP server would.
    Neither,
}

/// The id of a probe's request.
const PROBE_ID: &str = "mcp-guard-probe";

/// Finds out which era `server` speaks, within `patience` for each question.
///
/// Errors: [`ConnectError::Unreachable`] where there is no answer to judge; the caller asks again later.
pub(in crate::control) async fn probe_eras(
    server: &Arc<HttpServer>,
    patience: Duration,
) -> Result<ProbedEra, ConnectError> {
    if probe_modern(server, patience).await? {
        return Ok(ProbedEra::Modern);
    }
    Ok(match probe_legacy(server, patience).await? {
        true => ProbedEra::Legacy,
        false => ProbedEra::Neither,
    })
}

/// Whether `server` speaks the modern era: it discovers, or refuses to with an error that only that era has.
pub(in crate::control) async fn probe_modern(
    server: &Arc<HttpServer>,
    patience: Duration,
) -> Result<bool, ConnectError> {
    let version = Revision::R2026_07_28.as_str();
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": client_info(),
    });
    let body = json!({ "jsonrpc": "2.0", "id": PROBE_ID, "method": "server/discover", "params": { "_meta": meta } });
    let fields: [Field; 2] = [
        ("MCP-Protocol-Version".into(), version.as_bytes().into()),
        ("Mcp-Method".into(), b"server/discover".as_slice().into()),
    ];
    let asking = async {
        let sent = post(server, &fields, body.to_string().as_bytes()).await?;
        let answer = answer_of(sent).await?;
        let status = answer.status;
        Ok(is_modern(status, &response(server, answer).await))
    };
    within(patience, asking).await
}

/// Whether `server` shakes hands as servers of revisions up to 2025-11-25 do. The session that begins is ended at once.
pub(in crate::control) async fn probe_legacy(
    server: &Arc<HttpServer>,
    patience: Duration,
) -> Result<bool, ConnectError> {
    let wanted = json!({
        "protocolVersion": Revision::R2025_11_25.as_str(),
        "capabilities": {},
        "clientInfo": client_info(),
    });
    let body =
        json!({ "jsonrpc": "2.0", "id": PROBE_ID, "method": "initialize", "params": wanted });
    let mut peer = Peer::new(Arc::clone(server));
    let asking = async {
        let sent = peer.post(body.to_string().as_bytes()).await?;
        let answer = answer_of(sent).await?;
        peer.session_id = session_id(&answer).unwrap_or_default();
        Ok(response(server, answer).await)
    };
    let response = within(patience, asking).await?;
    let version = response["result"]["protocolVersion"].as_str();
    peer.version = version.map(Into::into);
    tokio::spawn(async move { peer.delete().await });
    Ok(version.is_some_and(|version| !is_modern_version(version.as_bytes())))
}

fn client_info() -> Value {
    json!({ "name": "mcp-guard", "version": env!("CARGO_PKG_VERSION") })
}

/// Errors: refused credentials and statuses of overload say nothing about eras.
async fn answer_of(sent: Sent) -> Result<Incoming<Client>, HttpFailed> {
    let answer = sent.answer().await?;
    match answer.status {
        status @ (401 | 403 | 429 | 502..=504) => Err(HttpFailed::Status(status)),
        _ => Ok(answer),
    }
}

async fn within<T>(
    patience: Duration,
    asking: impl Future<Output = Result<T, HttpFailed>>,
) -> Result<T, ConnectError> {
    let asked = timeout(patience, asking).await;
    let answered = asked.unwrap_or(Err(HttpFailed::AnswerTimeout(patience)));
    Ok(answered?)
}

/// The response in `answer`; `null` where there is none.
async fn response(server: &HttpServer, answer: Incoming<Client>) -> Value {
    let (sender, mut messages) = mpsc::channel(1);
    let asked = json!(PROBE_ID).to_string();
    let relaying = async {
        let (outlet, mut learnt) = (Outlet::Answers(sender), Learnt::default());
        relay(server, answer, asked.as_bytes(), &outlet, &mut learnt).await
    };
    let reading = async {
        let mut last = None;
        while let Some(message) = messages.recv().await {
            last = Some(message);
        }
        last
    };
    let (_, last) = tokio::join!(relaying, reading);
    let response = last.and_then(|message| serde_json::from_slice::<Value>(&message).ok());
    response
        .filter(|response| response["id"] == PROBE_ID)
        .unwrap_or_default()
}

/// Whether a server that answers `server/discover` so speaks the modern era.
fn is_modern(status: u16, response: &Value) -> bool {
    if let Some(result) = response["result"].as_object() {
        // Which versions a modern server speaks is what discovery is for.
        return names_modern(result.get("supportedVersions").unwrap_or(&Value::Null));
    }
    match response["error"]["code"].as_i64() {
        Some(-32020 | -32021) => true,
        Some(-32022) => names_modern(&response["error"]["data"]["supported"]),
        // A legacy server says so with 200.
        Some(-32601) => status == 404,
        _ => false,
    }
}

/// Whether one of the versions that are named, if any are, is modern. A gateway in front of a legacy server names the versions
/// of that server alone.
fn names_modern(supported: &Value) -> bool {
    supported.as_array().is_none_or(|versions| {
        versions
            .iter()
            .filter_map(Value::as_str)
            .any(|version| is_modern_version(version.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::is_modern;

    #[test]
    fn the_era_is_told_by_results_and_modern_errors_alone() {
        let error = |code: i64| json!({ "error": { "code": code } });
        let versions = |versions: &[&str]| json!({ "error": { "code": -32022, "data": { "supported": versions } } });
        for (status, response, modern) in [
            (
                200,
                json!({ "result": { "supportedVersions": ["2026-07-28"] } }),
                true,
            ),
            (200, json!({ "result": {} }), true),
            (200, json!({ "result": { "supportedVersions": [] } }), false),
            (
                200,
                json!({ "result": { "supportedVersions": ["2025-11-25"] } }),
                false,
            ),
            (400, error(-32020), true),
            (400, error(-32021), true),
            (400, error(-32022), true),
            (400, versions(&["2027-01-01"]), true),
            (400, versions(&["2025-11-25", "2026-07-28"]), true),
            (400, versions(&["2025-11-25", "2025-06-18"]), false),
            (404, error(-32601), true),
            (200, error(-32601), false),
            (400, error(-32600), false),
            (400, error(-32000), false),
            (200, error(-32602), false),
            (200, json!({ "result": 7 }), false),
            (404, Value::Null, false),
        ] {
            assert_eq!(is_modern(status, &response), modern, "{status} {response}");
        }
    }
}
