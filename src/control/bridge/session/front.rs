//! The front for legacy clients of Streamable HTTP.

use std::fmt;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::actor::{Actor, Start};
use super::admission::{Front, FrontSettings, new_session_id};
use super::inbound::Inbound;
use super::mailbox::{Command, Handle, Post, mailbox};
use super::reply::{refusal, refusal_with, unread};
use super::rooms::SessionRooms;
use crate::control::bridge::{ConnectError, Connector};
use crate::control::http::{Request, Response};
use crate::engine::mcp::message::{Body, Message};
use crate::engine::mcp::methods::Method;
use crate::engine::mcp::revision::Revision;
use crate::engine::mcp::scan::scan;
use crate::engine::reply::{Failure, VersionData};
use crate::engine::session::Owner;

/// Answers legacy clients as a Streamable HTTP server would, with a link of a [`Connector`] for each of their sessions.
///
/// | Request | Answer |
/// |---|---|
/// | POST `initialize` | JSON with `Mcp-Session-Id` once the server accepted; its error, and no session, where it did not |
/// | POST with requests | JSON, or an event stream as soon as something else comes first or the answer takes long |
/// | POST without requests | 202 |
/// | GET | the standalone stream; who opens it takes it over from an earlier reader |
/// | GET with `Last-Event-ID` | the rest of that stream; 204 where nothing is left of it; 400 where the event is unknown |
/// | DELETE | 200, and the session is over |
///
/// A session id that is missing is 400, one that is not this owner's 404.
pub(in crate::control) struct SessionFront(Front);

impl fmt::Debug for SessionFront {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionFront")
            .field("server", &self.0.settings.server)
            .finish_non_exhaustive()
    }
}

impl SessionFront {
    /// A front over `connector`, whose sessions take their rooms from `rooms`.
    pub(in crate::control) fn new(
        connector: Arc<dyn Connector>,
        rooms: Arc<SessionRooms>,
        settings: FrontSettings,
    ) -> Self {
        Self(Front::new(connector, rooms, settings))
    }

    /// The answer to a worker's request for `owner`.
    pub(in crate::control) async fn handle(&self, owner: Owner, request: Request) -> Response {
        self.answer(owner, request.into()).await
    }

    /// Ends every session: what waits is told that the gateway stops. Returns when they are gone, or after a few seconds.
    pub(in crate::control) async fn shutdown(&self) {
        self.0.shutdown().await;
    }

    pub(super) async fn answer(&self, owner: Owner, inbound: Inbound) -> Response {
        match inbound.method.as_slice() {
            b"POST" => self.post(owner, inbound).await,
            b"GET" => self.get(owner, inbound).await,
            b"DELETE" => self.delete(owner, &inbound).await,
            _ => refusal(
                Failure::MethodNotAllowed {
                    allow: "GET, POST, DELETE",
                },
                None,
            ),
        }
    }

    async fn post(&self, owner: Owner, inbound: Inbound) -> Response {
        let scanned = match scan(&inbound.body, &self.0.settings.scan) {
            Ok(scanned) => scanned,
            Err(error) => return unread(&error, &inbound.body),
        };
        let id = scanned.messages().iter().find_map(Message::request_id);
        let id = id.map(|id| id.raw(&inbound.body).to_vec());
        let is_opening = opens(&scanned);
        let refuse = |failure| refusal(failure, id.as_deref());
        match (is_opening, &inbound.session) {
            (Some(Opening::InBatch), _) => refuse(Failure::BatchRefused),
            (Some(Opening::Alone), None) => self.open(owner, inbound, scanned).await,
            (Some(Opening::Alone), Some(_)) => refuse(Failure::BadHeader {
                detail: "initialize must not carry Mcp-Session-Id",
            }),
            (None, _) => match self.find(owner, &inbound) {
                Ok(handle) => {
                    let takes_events = inbound.takes_events();
                    let (reply, answer) = oneshot::channel();
                    let post = Post {
                        body: inbound.body,
                        scanned: Box::new(scanned),
                        takes_events,
                        reply,
                    };
                    // A session that ends drops the reply.
                    let _ = handle.posts.send(post).await;
                    answer
                        .await
                        .unwrap_or_else(|_| refuse(Failure::SessionUnknown))
                }
                Err(failure) => refuse(failure),
            },
        }
    }

    /// Opens a session with its `initialize`.
    async fn open(&self, owner: Owner, inbound: Inbound, scanned: Body) -> Response {
        let id = scanned.messages().iter().find_map(Message::request_id);
        let id = id.map(|id| id.raw(&inbound.body).to_vec());
        let refuse = |failure| refusal(failure, id.as_deref());
        if self.0.is_closing() {
            return refuse(Failure::Draining);
        }
        let (room, link) = match self.0.connect(owner).await {
            Ok(connected) => connected,
            Err(error) => return self.refuse_opening(&error, &inbound, &scanned, id.as_deref()),
        };
        let Some(session_id) = new_session_id() else {
            return refuse(Failure::Internal);
        };
        let (handle, mailbox) = mailbox();
        let (reply, answer) = oneshot::channel();
        let post = Post {
            takes_events: inbound.takes_events(),
            body: inbound.body,
            scanned: Box::new(scanned),
            reply,
        };
        // An empty mailbox has room.
        let _ = handle.posts.try_send(post);
        let actor = Actor::new(Start {
            id: session_id,
            room,
            link,
            handle,
            mailbox,
            settings: self.0.settings.session,
            idle_timeout_ms: self.0.settings.idle_timeout_ms,
            closing: self.0.closing.subscribe(),
        });
        tokio::spawn(actor.run());
        answer
            .await
            .unwrap_or_else(|_| refuse(Failure::UpstreamBroke))
    }

    fn refuse_opening(
        &self,
        error: &ConnectError,
        inbound: &Inbound,
        scanned: &Body,
        id: Option<&[u8]>,
    ) -> Response {
        let failure = self.0.failure_of(error);
        let mut calls = scanned.messages().iter().filter_map(Message::call);
        let requested = calls.find_map(|call| call.params.protocol_version.as_ref());
        let versions = VersionData {
            supported: &[Revision::R2026_07_28.as_str()],
            requested: requested.map(|version| version.as_bytes(&inbound.body)),
        };
        match failure {
            Failure::UnsupportedVersion => refusal_with(failure, id, &versions),
            _ => refusal(failure, id),
        }
    }

    async fn get(&self, owner: Owner, inbound: Inbound) -> Response {
        let handle = match self.find(owner, &inbound) {
            Ok(handle) => handle,
            Err(failure) => return refusal(failure, None),
        };
        let (reply, answer) = oneshot::channel();
        let command = Command::Get {
            last_event_id: inbound.last_event_id,
            reply,
        };
        let _ = handle.commands.send(command).await;
        answer
            .await
            .unwrap_or_else(|_| refusal(Failure::SessionUnknown, None))
    }

    async fn delete(&self, owner: Owner, inbound: &Inbound) -> Response {
        let handle = match self.find(owner, inbound) {
            Ok(handle) => handle,
            Err(failure) => return refusal(failure, None),
        };
        end(&handle, Failure::SessionUnknown).await;
        Response::empty(200)
    }

    /// The session that a request is for. Errors: [`Failure::SessionMissing`], [`Failure::SessionUnknown`],
    /// [`Failure::UnknownLegacyVersion`], in this order.
    fn find(&self, owner: Owner, inbound: &Inbound) -> Result<Handle, Failure> {
        let handle = self.0.find(owner, inbound.session.as_deref())?;
        match inbound.names_legacy_revision() {
            true => Ok(handle),
            false => Err(Failure::UnknownLegacyVersion),
        }
    }
}

/// Ends a session and returns when it is over.
pub(super) async fn end(handle: &Handle, failure: Failure) {
    let _ = handle.commands.send(Command::End(failure)).await;
    handle.commands.closed().await;
}

/// How a body begins a session.
enum Opening {
    Alone,
    InBatch,
}

fn opens(scanned: &Body) -> Option<Opening> {
    let is_initialize = |message: &Message| {
        message.request_id().is_some() && message.method() == Some(Method::Initialize)
    };
    match scanned {
        Body::One(message) => is_initialize(message).then_some(Opening::Alone),
        Body::Batch(messages) => {
            let mut messages = messages.iter();
            messages.any(is_initialize).then_some(Opening::InBatch)
        }
    }
}
