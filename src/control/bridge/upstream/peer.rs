//! The session that a server over Streamable HTTP keeps for us: what each of its requests carries.

use std::sync::Arc;
use std::time::Duration;

use guard_io::http1::Method;
use tokio::time::timeout;

use super::failed::HttpFailed;
use super::server::{HttpCall, HttpServer, Sent};
use crate::control::http::{Client, Incoming};
use crate::engine::mcp::limits::SESSION_ID_BYTES_MAX;

/// How long the end of a session may take to tell.
const DELETE_TIME: Duration = Duration::from_secs(5);

/// A server with what it settled on in the handshake.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) server: Arc<HttpServer>,
    /// `Mcp-Session-Id`, where the server gives one.
    pub(super) session_id: Option<Box<[u8]>>,
    /// `MCP-Protocol-Version`, after the handshake.
    pub(super) version: Option<Box<str>>,
}

impl Peer {
    /// A server before the handshake.
    pub(super) const fn new(server: Arc<HttpServer>) -> Self {
        Self {
            server,
            session_id: None,
            version: None,
        }
    }

    pub(super) async fn post(&self, message: &[u8]) -> Result<Sent, HttpFailed> {
        self.send(Method::Post, None, message).await
    }

    /// Opens the standalone stream, or goes on with the one that `last_event_id` belongs to.
    pub(super) async fn get(
        &self,
        last_event_id: Option<&[u8]>,
    ) -> Result<Incoming<Client>, HttpFailed> {
        let sent = self.send(Method::Get, last_event_id, b"").await?;
        sent.answer().await
    }

    /// Ends the session. A server need not allow it.
    pub(super) async fn delete(&self) {
        if self.session_id.is_none() {
            return;
        }
        let ending = async {
            let sent = self.send(Method::Delete, None, b"").await?;
            self.server.retire(sent.answer().await?);
            Ok::<(), HttpFailed>(())
        };
        if let Ok(Err(error)) = timeout(DELETE_TIME, ending).await {
            tracing::debug!(server = &*self.server.name, %error, "session was not ended");
        }
    }

    /// Whether `answer` says that the server does not know the session any more.
    pub(super) fn is_lost(&self, answer: &Incoming<Client>) -> bool {
        answer.status == 404 && self.session_id.is_some()
    }

    async fn send(
        &self,
        method: Method,
        last_event_id: Option<&[u8]>,
        body: &[u8],
    ) -> Result<Sent, HttpFailed> {
        let fields = [
            ("Mcp-Session-Id", self.session_id.as_deref()),
            (
                "MCP-Protocol-Version",
                self.version.as_deref().map(str::as_bytes),
            ),
            ("Last-Event-ID", last_event_id),
        ];
        let fields: Vec<_> = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        let call = HttpCall {
            method,
            target: &self.server.target,
            fields: &fields,
            body,
        };
        self.server.send(call).await
    }
}

/// The session id that `answer` gives: `Ok(None)` for none, `Err` for one that cannot be sent back.
pub(super) fn session_id(answer: &Incoming<Client>) -> Result<Option<Box<[u8]>>, HttpFailed> {
    let Some(id) = answer.header("mcp-session-id") else {
        return Ok(None);
    };
    let is_sound =
        (1..=SESSION_ID_BYTES_MAX).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic);
    is_sound
        .then(|| Some(id.into()))
        .ok_or(HttpFailed::SessionId)
}
