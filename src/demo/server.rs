//! HTTP and JSON-RPC of the demo server.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use guard_io::http1::Method as HttpMethod;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Duration, sleep};

use super::catalogue::{self, GREETING, GREETING_URI, PROMPT, capabilities, server_info};
use super::rpc::{RpcError, answer, complete, event, notification};
use super::session::Sessions;
use super::tools::{self, Progress};
use crate::control::http::{Handler, Request, Response};
use crate::engine::mcp::agreement::{Agreement, agree};
use crate::engine::mcp::headers::HeaderDigest;
use crate::engine::mcp::message::{Body, Call, Id, Kind, Message, Params, Text};
use crate::engine::mcp::methods::Method;
use crate::engine::mcp::revision::{Era, Revision};
use crate::engine::mcp::scan::{ScanLimits, scan};
use crate::engine::route::{HostPolicy, HostSpec, OriginPolicy, OriginSpec};

/// Pause between two comments on a stream on which nothing happens.
const COMMENT_PAUSE: Duration = Duration::from_secs(15);

/// Answers MCP on `/mcp`.
#[derive(Debug)]
pub struct DemoServer {
    sessions: Mutex<Sessions>,
    hosts: HostPolicy,
    origins: OriginPolicy,
}

/// A message in its context.
#[derive(Clone, Copy)]
struct Asked<'a> {
    bytes: &'a [u8],
    agreement: Agreement,
    version: &'a [u8],
}

impl DemoServer {
    /// A server that listens on `address`, which is on loopback.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        let (bind, port) = (address.ip(), address.port());
        let hosts = HostSpec {
            allowed_hosts: &[],
            public_url: None,
            bind,
            port,
        };
        let origins = OriginSpec {
            allowed_origins: &[],
            public_url: None,
            bind,
            port,
        };
        Self {
            sessions: Mutex::default(),
            // Without configured entries there is nothing that could be refused.
            hosts: HostPolicy::compile(hosts).unwrap_or(HostPolicy::any()),
            origins: OriginPolicy::compile(origins).unwrap_or_default(),
        }
    }
}

impl Handler for DemoServer {
    async fn handle(&self, request: Request) -> Response {
        if !request
            .authority()
            .is_some_and(|host| self.hosts.allows(host))
        {
            return refuse(421, -32600, "this host is not served here");
        }
        if request.has_header("origin")
            && !request
                .header("origin")
                .is_some_and(|origin| self.origins.allows(origin))
        {
            return refuse(403, -32600, "this origin is not allowed");
        }
        match (request.path(), request.method()) {
            (b"/mcp", HttpMethod::Post) => self.post(&request).await,
            (b"/mcp", HttpMethod::Delete) => self.delete(&request),
            (b"/mcp", _) => refuse(405, -32600, "this server has no standalone stream")
                .with("Allow", "POST, DELETE"),
            _ => refuse(404, -32600, "there is nothing here but /mcp"),
        }
    }
}

impl DemoServer {
    async fn post(&self, request: &Request) -> Response {
        let (body, agreement, digest) = match read(request) {
            Ok(read) => read,
            Err(refusal) => return refusal,
        };
        let version = digest
            .protocol_version
            .map_or(&b""[..], |span| span.of(request.head_bytes()));
        let asked = Asked {
            bytes: &request.body,
            agreement,
            version,
        };
        if agreement.era == Era::Modern && !agreement.is_version_known {
            return single(asked, &body, Err(unsupported(asked)));
        }
        let begins =
            matches!(&body, Body::One(message) if message.method() == Some(Method::Initialize));
        if agreement.era == Era::Legacy && !begins {
            let session = digest.session_id.map(|span| span.of(request.head_bytes()));
            if let Err(refusal) = self.check_session(session) {
                return refusal;
            }
        }
        match &body {
            Body::One(message) => self.one(asked, message).await,
            Body::Batch(messages) => self.batch(asked, messages).await,
        }
    }

    fn delete(&self, request: &Request) -> Response {
        match request.header("mcp-session-id") {
            Some(id) if self.lock().end(id) => Response::empty(204),
            Some(_) => refuse(404, -32600, "there is no such session"),
            None => refuse(400, -32600, "Mcp-Session-Id is missing"),
        }
    }

    fn check_session(&self, id: Option<&[u8]>) -> Result<(), Response> {
        match id {
            Some(id) if self.lock().has(id) => Ok(()),
            Some(_) => Err(refuse(404, -32600, "there is no such session")),
            None => Err(refuse(
                400,
                -32600,
                "Mcp-Session-Id is missing: initialize first",
            )),
        }
    }

    async fn one(&self, asked: Asked<'_>, message: &Message) -> Response {
        let Kind::Request { id, call } = &message.kind else {
            return Response::empty(202);
        };
        let id = token(*id, asked.bytes);
        if let Some(stream) = stream(asked, &id, call) {
            return stream;
        }
        let outcome = outcome(asked, call).await;
        let response = Response::json(status(asked, &outcome), answer(Some(&id), &outcome));
        if call.method != Method::Initialize || outcome.is_err() {
            return response;
        }
        match self.lock().begin() {
            Some(session) => response.with("Mcp-Session-Id", session),
            None => refuse(503, -32603, "no random bytes for a session"),
        }
    }

    async fn batch(&self, asked: Asked<'_>, messages: &[Message]) -> Response {
        let mut answers = Vec::new();
        for message in messages {
            if let Kind::Request { id, call } = &message.kind {
                let outcome = outcome(asked, call).await;
                answers.push(answer(Some(&token(*id, asked.bytes)), &outcome));
            }
        }
        match answers.is_empty() {
            true => Response::empty(202),
            false => Response::json(200, format!("[{}]", answers.join(","))),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the message and checks it against its headers.
fn read(request: &Request) -> Result<(Body, Agreement, HeaderDigest), Response> {
    let head = request.head_bytes();
    let digest = HeaderDigest::read(head, request.fields())
        .map_err(|error| refuse(400, -32600, &error.to_string()))?;
    if !digest.is_json {
        return Err(refuse(415, -32600, "Content-Type must be application/json"));
    }
    let body = scan(&request.body, &ScanLimits::default())
        .map_err(|error| refuse(400, error.kind.rpc_code(), &error.to_string()))?;
    let agreement = agree(&digest, head, &body, &request.body)
        .map_err(|error| refuse(error.status(), error.rpc_code(), error.message()))?;
    Ok((body, agreement, digest))
}

/// A refusal with a JSON-RPC error that answers nothing in particular.
fn refuse(status: u16, code: i32, message: &str) -> Response {
    Response::json(status, answer(None, &Err(RpcError::new(code, message))))
}

fn single(asked: Asked<'_>, body: &Body, outcome: Result<Value, RpcError>) -> Response {
    let id = body
        .messages()
        .first()
        .and_then(Message::request_id)
        .map(|id| token(id, asked.bytes));
    Response::json(status(asked, &outcome), answer(id.as_deref(), &outcome))
}

fn status(asked: Asked<'_>, outcome: &Result<Value, RpcError>) -> u16 {
    match (asked.agreement.era, outcome) {
        (Era::Modern, Err(error)) => error.modern_status,
        _ => 200,
    }
}

/// The raw id token. The scanner has proved it to be JSON, hence UTF-8.
fn token(id: Id, bytes: &[u8]) -> String {
    String::from_utf8_lossy(id.raw(bytes)).into_owned()
}

fn unsupported(asked: Asked<'_>) -> RpcError {
    let requested = String::from_utf8_lossy(asked.version);
    RpcError::unsupported_version(&requested, &[Revision::R2026_07_28.as_str()])
}

/// A call that is answered by a stream: `slow` with a progress token, and subscriptions.
fn stream(asked: Asked<'_>, id: &str, call: &Call) -> Option<Response> {
    let (sender, events) = mpsc::channel(4);
    let era = asked.agreement.era;
    let token = call
        .params
        .meta
        .progress_token
        .map(|id| token(id, asked.bytes));
    let id = id.to_owned();
    match (call.method, token) {
        (Method::ToolsCall, Some(token))
            if tools::is_slow(text(call.params.name.as_ref(), asked.bytes)) =>
        {
            let arguments = arguments(&call.params, asked.bytes);
            tokio::spawn(async move {
                let progress = Progress {
                    token,
                    events: sender,
                };
                if let Ok(result) = tools::slow(&arguments, Some(&progress)).await {
                    let _ = progress
                        .events
                        .send(event(&answer(Some(&id), &Ok(complete(result, era, false)))))
                        .await;
                }
            });
        }
        (Method::SubscriptionsListen, _) if era == Era::Modern => {
            tokio::spawn(listen(id, sender));
        }
        _ => return None,
    }
    Some(Response::events(events))
}

/// Acknowledges a subscription, to which nothing ever happens, and keeps it open until the client leaves.
async fn listen(id: String, events: mpsc::Sender<Vec<u8>>) {
    let id: Value = serde_json::from_str(&id).unwrap_or_default();
    let meta = json!({ "io.modelcontextprotocol/subscriptionId": id });
    let acknowledged = json!({ "_meta": meta, "notifications": {} });
    let mut next = event(&notification(
        "notifications/subscriptions/acknowledged",
        &acknowledged,
    ));
    while events.send(next).await.is_ok() {
        tokio::select! {
            () = sleep(COMMENT_PAUSE) => {}
            () = events.closed() => return,
        }
        next = b": still here\n\n".to_vec();
    }
}

async fn outcome(asked: Asked<'_>, call: &Call) -> Result<Value, RpcError> {
    let Asked {
        bytes, agreement, ..
    } = asked;
    let era = agreement.era;
    if era == Era::Modern && !call.method.exists_in(agreement.revision) {
        return Err(RpcError::unknown_method());
    }
    let params = &call.params;
    let list = |member: &str, items: Value| Ok(complete(json!({ member: items }), era, true));
    match call.method {
        Method::Initialize => Ok(initialize(params, bytes)),
        Method::Ping => Ok(json!({})),
        Method::ServerDiscover if era == Era::Modern => Ok(discover()),
        Method::ToolsList => list("tools", catalogue::tools()),
        Method::PromptsList => list("prompts", catalogue::prompts()),
        Method::ResourcesList => list("resources", catalogue::resources()),
        Method::ResourcesTemplatesList => list("resourceTemplates", json!([])),
        Method::ToolsCall => {
            let result =
                tools::call(text(params.name.as_ref(), bytes), &arguments(params, bytes)).await?;
            Ok(complete(result, era, false))
        }
        Method::PromptsGet => prompt(params, bytes).map(|result| complete(result, era, false)),
        Method::ResourcesRead => {
            resource(params, bytes, era).map(|result| complete(result, era, true))
        }
        _ => Err(RpcError::unknown_method()),
    }
}

fn initialize(params: &Params, bytes: &[u8]) -> Value {
    let wanted = Revision::parse(text(params.protocol_version.as_ref(), bytes).as_bytes());
    let revision = wanted
        .filter(|revision| revision.era() == Era::Legacy)
        .unwrap_or(Revision::R2025_11_25);
    json!({ "protocolVersion": revision.as_str(), "capabilities": capabilities(), "serverInfo": server_info() })
}

fn discover() -> Value {
    let versions = [Revision::R2026_07_28.as_str()];
    let result = json!({ "supportedVersions": versions, "capabilities": capabilities() });
    complete(result, Era::Modern, true)
}

fn prompt(params: &Params, bytes: &[u8]) -> Result<Value, RpcError> {
    if text(params.name.as_ref(), bytes) != PROMPT {
        return Err(RpcError::new(-32602, "unknown prompt"));
    }
    let arguments = arguments(params, bytes);
    let who = arguments["who"]
        .as_str()
        .ok_or_else(|| RpcError::new(-32602, "argument who must be a string"))?;
    let content =
        json!({ "type": "text", "text": format!("Please introduce {who} in two sentences.") });
    Ok(json!({ "messages": [{ "role": "user", "content": content }] }))
}

fn resource(params: &Params, bytes: &[u8], era: Era) -> Result<Value, RpcError> {
    if text(params.uri.as_ref(), bytes) != GREETING_URI {
        let code = if era == Era::Modern { -32602 } else { -32002 };
        return Err(RpcError::new(code, "resource not found"));
    }
    Ok(json!({ "contents": [{ "uri": GREETING_URI, "mimeType": "text/plain", "text": GREETING }] }))
}

fn text<'a>(text: Option<&'a Text>, bytes: &'a [u8]) -> &'a str {
    text.map_or("", |text| text.as_str(bytes))
}

fn arguments(params: &Params, bytes: &[u8]) -> Value {
    params
        .arguments
        .and_then(|span| serde_json::from_slice(span.of(bytes)).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
