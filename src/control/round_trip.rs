//! A real MCP round trip to an upstream, in both eras: what `check-upstream` does.
//!
//! The modern way first (`server/discover`, then `tools/list`), the handshake (`initialize`, `tools/list`, DELETE) as well,
//! because a server that serves both eras lists the modern one alone. Source: 2026-07-28 Versioning, Backward Compatibility;
//! 2025-11-25 Lifecycle.

use std::fmt;
use std::time::{Duration, Instant};

use guard_io::http1::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::http::{Answer, Client, ClientError, Endpoint};
use crate::engine::mcp::revision::Revision;
use crate::engine::mcp::sse::{Splitter, data_of};
use crate::engine::snapshot::{Server, UpstreamAddress};

/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// Pages of a tool list that are read.
const PAGES_MAX: usize = 100;

/// What a round trip found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Name and version, as the server says itself.
    pub server: String,
    /// Revisions that it speaks, newest first.
    pub revisions: Vec<String>,
    /// Number of its tools.
    pub tools: usize,
    /// Time of the first request that succeeded, connecting included.
    pub latency: Duration,
}

/// Why a round trip failed.
#[derive(Debug)]
pub enum Failed {
    /// Nothing came in time.
    Timeout(Duration),
    /// Connection or HTTP.
    Http(ClientError),
    /// The upstream refuses the gateway's own credentials.
    Credentials(u16),
    /// An HTTP status without a JSON-RPC answer.
    Status(u16),
    /// A JSON-RPC error.
    Rpc(i64, String),
    /// An answer that is not MCP.
    NotMcp(&'static str),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(patience) => write!(
                f,
                "no answer within {patience:?}; is it an MCP server that speaks Streamable HTTP?"
            ),
            Self::Http(error) => write!(f, "{error}; is the server running, and is url right?"),
            Self::Credentials(status) => write!(
                f,
                "status {status}: credentials refused; check bearer_token and headers"
            ),
            Self::Status(status) => write!(
                f,
                "status {status} without an MCP answer; check the path of url"
            ),
            Self::Rpc(code, message) => write!(f, "error {code}: {message:?}"),
            Self::NotMcp(why) => write!(f, "answer is not MCP: {why}; check the path of url"),
        }
    }
}

impl std::error::Error for Failed {}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        Self::Http(error)
    }
}

/// Asks `server` for its name, revisions and tools, within `patience` in all.
pub async fn round_trip(server: &Server, patience: Duration) -> Result<Found, Failed> {
    let both = async {
        match (modern(server).await, legacy(server).await) {
            (Ok(modern), Ok(legacy)) => Ok(merge(modern, legacy)),
            (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
            // The older way is the one that every server understood so far, so its failure says most.
            (Err(_), Err(failed)) => Err(failed),
        }
    };
    timeout(patience, both)
        .await
        .unwrap_or(Err(Failed::Timeout(patience)))
}

fn merge(modern: Found, legacy: Found) -> Found {
    let mut revisions = modern.revisions;
    for revision in legacy.revisions {
        if !revisions.contains(&revision) {
            revisions.push(revision);
        }
    }
    Found {
        revisions,
        ..modern
    }
}

async fn modern(server: &Server) -> Result<Found, Failed> {
    let started = Instant::now();
    let mut peer = Peer::connect(server).await?;
    let discovered = peer.modern("server/discover", json!({})).await?;
    let latency = started.elapsed();
    let versions = discovered["supportedVersions"]
        .as_array()
        .ok_or(Failed::NotMcp("it lists no versions"))?;
    let revisions = versions
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let info = &discovered["_meta"]["io.modelcontextprotocol/serverInfo"];
    let mut tools = Tools::default();
    if discovered["capabilities"]["tools"].is_object() {
        while let Some(cursor) = tools.next_page() {
            tools.add(&peer.modern("tools/list", cursor).await?)?;
        }
    }
    Ok(Found {
        server: name(info),
        revisions,
        tools: tools.count,
        latency,
    })
}

async fn legacy(server: &Server) -> Result<Found, Failed> {
    let started = Instant::now();
    let mut peer = Peer::connect(server).await?;
    let client =
        json!({ "name": "mcp-guard check-upstream", "version": env!("CARGO_PKG_VERSION") });
    let wanted = json!({ "protocolVersion": Revision::R2025_11_25.as_str(), "capabilities": {}, "clientInfo": client });
    let begun = peer.legacy("initialize", wanted).await?;
    let latency = started.elapsed();
    let version = begun["protocolVersion"]
        .as_str()
        .ok_or(Failed::NotMcp("it negotiates no version"))?
        .to_owned();
    peer.version = Some(version.clone());
    peer.notify("notifications/initialized").await?;
    let mut tools = Tools::default();
    if begun["capabilities"]["tools"].is_object() {
        while let Some(cursor) = tools.next_page() {
            tools.add(&peer.legacy("tools/list", cursor).await?)?;
        }
    }
    peer.end_session().await;
    Ok(Found {
        server: name(&begun["serverInfo"]),
        revisions: vec![version],
        tools: tools.count,
        latency,
    })
}

/// `name version` out of what a server says of itself.
fn name(info: &Value) -> String {
    let text = |field: &str| {
        info[field]
            .as_str()
            .unwrap_or("?")
            .chars()
            .filter(|c| !c.is_control())
            .take(64)
            .collect::<String>()
    };
    format!("{} {}", text("name"), text("version"))
}

/// Tools counted page by page.
#[derive(Debug, Default)]
struct Tools {
    count: usize,
    pages: usize,
    cursor: Option<String>,
}

impl Tools {
    /// The parameters that ask for the next page, if there is one.
    fn next_page(&self) -> Option<Value> {
        match (&self.cursor, self.pages) {
            (None, 0) => Some(json!({})),
            (Some(cursor), pages) if pages < PAGES_MAX => Some(json!({ "cursor": cursor })),
            _ => None,
        }
    }

    fn add(&mut self, page: &Value) -> Result<(), Failed> {
        self.count += page["tools"]
            .as_array()
            .ok_or(Failed::NotMcp("it lists no tools"))?
            .len();
        self.pages += 1;
        self.cursor = page["nextCursor"].as_str().map(str::to_owned);
        Ok(())
    }
}

/// The upstream, asked over a new connection for each request: servers close theirs as they like.
struct Peer<'a> {
    server: &'a Server,
    endpoint: Endpoint,
    client: Option<Client>,
    session: Option<String>,
    version: Option<String>,
    next_id: i64,
}

impl<'a> Peer<'a> {
    async fn connect(server: &'a Server) -> Result<Self, Failed> {
        let endpoint = match &server.upstream.address {
            UpstreamAddress::Http { host, port } => Endpoint::Tcp(host.to_string(), *port),
            UpstreamAddress::Unix { path } => Endpoint::Unix(path.clone()),
            UpstreamAddress::Child(_) => return Err(Failed::NotMcp("it is no HTTP server")),
        };
        let client = Some(Client::connect(&endpoint).await?);
        Ok(Self {
            server,
            endpoint,
            client,
            session: None,
            version: None,
            next_id: 1,
        })
    }

    async fn modern(&mut self, method: &str, mut params: Value) -> Result<Value, Failed> {
        let version = Revision::R2026_07_28.as_str();
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        self.request(
            method,
            params,
            &[("MCP-Protocol-Version", version), ("Mcp-Method", method)],
        )
        .await
    }

    async fn legacy(&mut self, method: &str, params: Value) -> Result<Value, Failed> {
        let (session, version) = (self.session.clone(), self.version.clone());
        self.request(
            method,
            params,
            &of_session(session.as_deref(), version.as_deref()),
        )
        .await
    }

    async fn notify(&mut self, method: &str) -> Result<(), Failed> {
        let body = json!({ "jsonrpc": "2.0", "method": method }).to_string();
        let (session, version) = (self.session.clone(), self.version.clone());
        let mut client = self.client().await?;
        let fields = self.fields(of_session(session.as_deref(), version.as_deref()))?;
        let answer = client
            .send(
                Method::Post,
                &self.server.upstream.target,
                &borrow(&fields),
                body.as_bytes(),
            )
            .await?;
        match answer.status {
            200..=299 => Ok(()),
            status => Err(Failed::Status(status)),
        }
    }

    /// Tidies up; a server may refuse.
    async fn end_session(&mut self) {
        let (session, version) = (self.session.take(), self.version.clone());
        if session.is_none() {
            return;
        }
        let Ok(fields) = self.fields(of_session(session.as_deref(), version.as_deref())) else {
            return;
        };
        if let Ok(mut client) = self.client().await {
            let _ = client
                .send(
                    Method::Delete,
                    &self.server.upstream.target,
                    &borrow(&fields),
                    b"",
                )
                .await;
        }
    }

    async fn request(
        &mut self,
        method: &str,
        params: Value,
        fields: &[(&str, &str)],
    ) -> Result<Value, Failed> {
        let id = self.next_id;
        self.next_id += 1;
        let body =
            json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string();
        let fields = self.fields(fields.to_vec())?;
        let mut client = self.client().await?;
        let answer = client
            .send(
                Method::Post,
                &self.server.upstream.target,
                &borrow(&fields),
                body.as_bytes(),
            )
            .await?;
        if let Some(session) = answer.header("mcp-session-id") {
            self.session = String::from_utf8(session.to_vec()).ok();
        }
        result(answer, id).await
    }

    /// The connection made at first, then a new one for each request.
    async fn client(&mut self) -> Result<Client, Failed> {
        match self.client.take() {
            Some(client) => Ok(client),
            None => Ok(Client::connect(&self.endpoint).await?),
        }
    }

    /// What every request carries, what the operator adds, and `more`.
    fn fields(&self, more: Vec<(&str, &str)>) -> Result<Vec<(String, String)>, Failed> {
        let upstream = &self.server.upstream;
        let mut fields = vec![
            ("Host".to_owned(), upstream.host_header.to_string()),
            ("Content-Type".to_owned(), "application/json".to_owned()),
            (
                "Accept".to_owned(),
                "application/json, text/event-stream".to_owned(),
            ),
        ];
        for header in &self.server.inject_headers {
            let bad = || Failed::Http(ClientError::BadField(header.name.to_string()));
            let value = String::from_utf8(header.value.to_vec()).map_err(|_| bad())?;
            fields.push((header.name.to_string(), value));
        }
        fields.extend(
            more.into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        Ok(fields)
    }
}

fn of_session<'a>(session: Option<&'a str>, version: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    let fields = [
        ("Mcp-Session-Id", session),
        ("MCP-Protocol-Version", version),
    ];
    fields
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

fn borrow(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

/// The result of request `id`, out of a JSON body or an event stream.
async fn result(answer: Answer<'_>, id: i64) -> Result<Value, Failed> {
    let status = answer.status;
    if matches!(status, 401 | 403) {
        return Err(Failed::Credentials(status));
    }
    let is_stream = answer
        .header("content-type")
        .is_some_and(|kind| kind.starts_with(b"text/event-stream"));
    let message = if is_stream {
        from_stream(answer, id).await?
    } else {
        let body = answer.body(ANSWER_BYTES_MAX).await?;
        serde_json::from_slice(&body).map_err(|_| {
            if status == 200 {
                Failed::NotMcp("it is not JSON")
            } else {
                Failed::Status(status)
            }
        })?
    };
    judge(message, status, id)
}

fn judge(mut message: Value, status: u16, id: i64) -> Result<Value, Failed> {
    let error = &message["error"];
    if let Some(code) = error["code"].as_i64() {
        let words = error["message"].as_str().unwrap_or_default();
        return Err(Failed::Rpc(code, words.chars().take(200).collect()));
    }
    match message["id"] == id && message["result"].is_object() {
        true => Ok(message["result"].take()),
        false if status != 200 => Err(Failed::Status(status)),
        false => Err(Failed::NotMcp("it is not the answer to the request")),
    }
}

/// Reads events until the one that answers request `id`.
async fn from_stream(mut answer: Answer<'_>, id: i64) -> Result<Value, Failed> {
    let (mut splitter, mut pending, mut fed) = (Splitter::new(), Vec::new(), 0);
    let mut joined = Vec::new();
    while let Some(piece) = answer.piece().await? {
        pending.extend_from_slice(&piece);
        while let Some(length) = splitter.feed(&pending[fed..]) {
            let event: Vec<u8> = pending.drain(..fed + length).collect();
            fed = 0;
            let message = data_of(&event, &mut joined)
                .and_then(|data| serde_json::from_slice::<Value>(data).ok());
            if let Some(message) = message.filter(|message| message["id"] == id) {
                return Ok(message);
            }
        }
        fed = pending.len();
        if pending.len() > ANSWER_BYTES_MAX {
            return Err(ClientError::TooLarge {
                bytes_max: ANSWER_BYTES_MAX,
            }
            .into());
        }
    }
    Err(Failed::NotMcp("its stream ends without an answer"))
}

#[cfg(test)]
mod tests;
