//! A child or an HTTP+SSE server as `check-upstream` speaks to it: over a link, as a bridge does.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use guard_io::tls::ClientTls;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Failed, Found, Peer, either, judge, legacy, modern};
use crate::control::bridge::{
    ChildRooms, Connector, FromServer, HttpServer, Link, LinkEnd, SseConnector, StdioConnector,
};
use crate::control::http::ClientError;
use crate::control::resolve::addresses;
use crate::engine::limits::Limits;
use crate::engine::mcp::revision::Era;
use crate::engine::session::Owner;
use crate::engine::snapshot::{ChildCommand, Eras, Server, UpstreamAddress};
use crate::mailbox::ServerState;

/// How much longer than the handshake a server may take to say that it speaks 2026-07-28 as well. Many older ones do not
/// answer what they do not know.
const SILENCE_TIME: Duration = Duration::from_secs(3);

/// How long a child may take to end: it is asked, told and then killed before.
const ENDING_TIME: Duration = Duration::from_secs(6);

/// Starts the child that `server` is, asks it, and waits until it is gone.
pub(super) async fn child(
    server: &Server,
    command: &ChildCommand,
    patience: Duration,
) -> Result<Found, Failed> {
    let limits = Limits::DEFAULT;
    let rooms = ChildRooms::new(&limits);
    // The first child may still be ending when the second starts.
    let command = ChildCommand {
        max_children: 2,
        ..command.clone()
    };
    let connector = StdioConnector::new(state(server), Arc::new(command), rooms.clone(), &limits);
    let eras = server.upstream.speech.eras;
    let outcome = timeout(patience, both(&connector, eras, SILENCE_TIME)).await;
    let _ = timeout(ENDING_TIME, rooms.all_ended()).await;
    outcome.unwrap_or(Err(Failed::Timeout(patience)))
}

/// Connects to the HTTP+SSE server that `server` is, and asks it.
pub(super) async fn sse(server: &Server, tls: Option<&ClientTls>) -> Result<Found, Failed> {
    let state = state(server);
    state.tls.store(tls.cloned().map(Arc::new));
    if let UpstreamAddress::Http { host, port, .. } = &server.upstream.address {
        let unknown = |error: io::Error| Failed::Http(ClientError::Connect(error));
        let resolved = addresses(host, *port).await.map_err(unknown)?;
        state.resolved.store(Arc::new(resolved));
    }
    let http = HttpServer::new(server, state, &Limits::DEFAULT)
        .ok_or(Failed::NotMcp("it is no HTTP server"))?;
    let connector = SseConnector::new(Arc::new(http));
    both(&connector, Some(Eras::Legacy), SILENCE_TIME).await
}

fn state(server: &Server) -> Arc<ServerState> {
    let address = server.upstream.address.clone();
    Arc::new(ServerState::new(&server.name, address, 1))
}

/// Asks the server behind `connector` in the eras that it may speak.
///
/// The handshake comes first: what answers it tells how long this server takes to start, and so how long its silence means
/// nothing: `silence` longer, it means that the server does not know the newer era.
async fn both(
    connector: &dyn Connector,
    eras: Option<Eras>,
    silence: Duration,
) -> Result<Found, Failed> {
    if eras == Some(Eras::Modern) {
        return newer(connector).await;
    }
    let handshake = older(connector).await;
    if eras == Some(Eras::Legacy) {
        return handshake;
    }
    let discovery = match &handshake {
        Ok(found) => {
            let patience = found.latency + silence;
            let in_time = timeout(patience, newer(connector)).await;
            in_time.unwrap_or(Err(Failed::Timeout(patience)))
        }
        Err(_) => newer(connector).await,
    };
    either(discovery, handshake)
}

async fn older(connector: &dyn Connector) -> Result<Found, Failed> {
    let started = Instant::now();
    legacy(&mut LinkPeer::connect(connector).await?, started).await
}

async fn newer(connector: &dyn Connector) -> Result<Found, Failed> {
    let started = Instant::now();
    modern(&mut LinkPeer::connect(connector).await?, started).await
}

/// One link to the server.
struct LinkPeer {
    link: Link,
    next_id: i64,
}

impl LinkPeer {
    async fn connect(connector: &dyn Connector) -> Result<Self, Failed> {
        // The gateway itself asks, for nobody's account.
        let link = connector.connect(Owner::gateway()).await?;
        Ok(Self { link, next_id: 1 })
    }

    /// A link that takes nothing more says why on its other half, which is read next.
    async fn send(&self, message: &Value) {
        let line = message.to_string().into_bytes();
        let _ = self.link.to_server.send(line).await;
    }

    /// The next message of the server.
    async fn next(&mut self) -> Result<Value, Failed> {
        loop {
            match self.link.from_server.recv().await {
                None => return Err(LinkEnd::Broke.into()),
                Some(FromServer::Ended(end)) => return Err(end.into()),
                Some(FromServer::Message { bytes, .. }) => {
                    if let Ok(message) = serde_json::from_slice(&bytes) {
                        return Ok(message);
                    }
                }
            }
        }
    }

    /// Answers a request of the server, so that it does not wait for ever.
    async fn refuse(&self, message: &Value) {
        let mut answer = json!({ "jsonrpc": "2.0", "id": message["id"] });
        if message["method"] == "ping" {
            answer["result"] = json!({});
        } else {
            answer["error"] = json!({ "code": -32601, "message": "method not found" });
        }
        self.send(&answer).await;
    }
}

impl Peer for LinkPeer {
    async fn request(&mut self, _: Era, method: &str, params: Value) -> Result<Value, Failed> {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
            .await;
        loop {
            let message = self.next().await?;
            match (message.get("method").is_some(), message.get("id")) {
                (true, Some(_)) => self.refuse(&message).await,
                (false, Some(answered)) if *answered == id => return judge(message, 200, id),
                _ => {}
            }
        }
    }

    async fn notify(&mut self, method: &str) -> Result<(), Failed> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method }))
            .await;
        Ok(())
    }

    /// Only HTTP repeats it with every request.
    fn negotiate(&mut self, _: &str) {}

    /// A link's session ends with the link.
    async fn end(&mut self) {}
}

#[cfg(test)]
mod tests;
