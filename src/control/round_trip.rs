//! A real MCP round trip to an upstream, in both eras: what `check-upstream` does.
//!
//! The modern way (`server/discover`, then `tools/list`) and the handshake (`initialize`, `tools/list`, the end) as well, because
//! a server that serves both eras lists the modern one alone. Over HTTP each request stands for itself; a child and an HTTP+SSE
//! server are spoken to over a link, as a bridge does. Source: 2026-07-28 Versioning, Backward Compatibility; 2025-11-25
//! Lifecycle.

mod http;
mod over_link;

use std::fmt;
use std::time::{Duration, Instant};

use guard_io::tls::ClientTls;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::bridge::{ConnectError, LinkEnd};
use super::http::ClientError;
use crate::engine::mcp::revision::{Era, Revision};
use crate::engine::snapshot::{HttpTransport, Server, UpstreamAddress};

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
    /// It is https, and there is nothing to verify it with.
    NoCertificates,
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
    /// A child cannot be started, or an HTTP+SSE server not be reached; with the remedy.
    NoLink(String),
    /// The child exited.
    Exited,
    /// The server ended the conversation otherwise.
    Ended(String),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(patience) => write!(
                f,
                "no answer within {patience:?} (--timeout); is it an MCP server, and of this transport?"
            ),
            Self::NoCertificates => {
                f.write_str("there is nothing to verify the server with; set tls_ca_path")
            }
            Self::Http(error @ ClientError::Tls(_)) => write!(
                f,
                "{error}; is the server's certificate for the host of url, and from an authority of the system or of tls_ca_path?"
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
            Self::NotMcp(why) => write!(
                f,
                "answer is not MCP: {why}; check url, or command and args"
            ),
            // It says its remedy itself.
            Self::NoLink(why) => f.write_str(why),
            Self::Exited => write!(
                f,
                "{}; what it says of that on standard error is above",
                LinkEnd::Exited
            ),
            Self::Ended(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Failed {}

impl From<ConnectError> for Failed {
    fn from(error: ConnectError) -> Self {
        Self::NoLink(error.to_string())
    }
}

impl From<LinkEnd> for Failed {
    fn from(end: LinkEnd) -> Self {
        match end {
            LinkEnd::Exited => Self::Exited,
            end => Self::Ended(end.to_string()),
        }
    }
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        Self::Http(error)
    }
}

/// Asks `server` for its name, revisions and tools, within `patience` in all; under `tls` where it is https.
pub async fn round_trip(
    server: &Server,
    tls: Option<&ClientTls>,
    patience: Duration,
) -> Result<Found, Failed> {
    let is_sse = server.upstream.speech.transport == HttpTransport::Sse;
    let asked = async {
        if is_sse {
            over_link::sse(server, tls).await
        } else {
            http::both(server, tls).await
        }
    };
    match &server.upstream.address {
        // A child needs time to end, whatever became of it.
        UpstreamAddress::Child(command) => over_link::child(server, command, patience).await,
        _ => timeout(patience, asked)
            .await
            .unwrap_or(Err(Failed::Timeout(patience))),
    }
}

/// A server in a conversation.
trait Peer {
    /// The result of one request of `era`, whose `params` are complete.
    async fn request(&mut self, era: Era, method: &str, params: Value) -> Result<Value, Failed>;

    /// Sends one notification of a legacy session.
    async fn notify(&mut self, method: &str) -> Result<(), Failed>;

    /// Notes the version that a legacy session goes on with.
    fn negotiate(&mut self, version: &str);

    /// Ends a legacy session. A server may refuse.
    async fn end(&mut self);
}

/// What the two eras found out, together.
fn either(modern: Result<Found, Failed>, legacy: Result<Found, Failed>) -> Result<Found, Failed> {
    match (modern, legacy) {
        (Ok(modern), Ok(legacy)) => Ok(merge(modern, legacy)),
        (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
        // The older way is the one that every server understood so far, so its failure says most.
        (Err(_), Err(failed)) => Err(failed),
    }
}

fn merge(modern: Found, legacy: Found) -> Found {
    let mut revisions = modern.revisions;
    for revision in legacy.revisions {
        if !revisions.contains(&revision) {
            revisions.push(revision);
        }
    }
    let server = if modern.server == UNNAMED {
        legacy.server
    } else {
        modern.server
    };
    Found {
        server,
        revisions,
        ..modern
    }
}

/// The modern way. Latency counts from `started`.
async fn modern(peer: &mut impl Peer, started: Instant) -> Result<Found, Failed> {
    let discovered = ask_modern(peer, "server/discover", json!({})).await?;
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
            tools.add(&ask_modern(peer, "tools/list", cursor).await?)?;
        }
    }
    Ok(Found {
        server: name(info),
        revisions,
        tools: tools.count,
        latency,
    })
}

async fn ask_modern(
    peer: &mut impl Peer,
    method: &str,
    mut params: Value,
) -> Result<Value, Failed> {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": Revision::R2026_07_28.as_str(),
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    peer.request(Era::Modern, method, params).await
}

/// The handshake. Latency counts from `started`.
async fn legacy(peer: &mut impl Peer, started: Instant) -> Result<Found, Failed> {
    let client =
        json!({ "name": "mcp-guard check-upstream", "version": env!("CARGO_PKG_VERSION") });
    let wanted = json!({ "protocolVersion": Revision::R2025_11_25.as_str(), "capabilities": {}, "clientInfo": client });
    let begun = peer.request(Era::Legacy, "initialize", wanted).await?;
    let latency = started.elapsed();
    let version = begun["protocolVersion"]
        .as_str()
        .ok_or(Failed::NotMcp("it negotiates no version"))?
        .to_owned();
    peer.negotiate(&version);
    peer.notify("notifications/initialized").await?;
    let mut tools = Tools::default();
    if begun["capabilities"]["tools"].is_object() {
        while let Some(cursor) = tools.next_page() {
            tools.add(&peer.request(Era::Legacy, "tools/list", cursor).await?)?;
        }
    }
    peer.end().await;
    Ok(Found {
        server: name(&begun["serverInfo"]),
        revisions: vec![version],
        tools: tools.count,
        latency,
    })
}

/// What a server is called that does not say what it is.
const UNNAMED: &str = "a server without a name";

/// `name version` out of what a server says of itself.
fn name(info: &Value) -> String {
    if !info.is_object() {
        return UNNAMED.to_owned();
    }
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

/// The result in the answer `message` to request `id`, which came with the HTTP status `status`.
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

#[cfg(test)]
mod tests;
