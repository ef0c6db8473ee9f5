//! The front for clients of HTTP+SSE (2024-11-05).

use std::fmt;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::admission::{Front, FrontSettings, new_session_id};
use super::front::end;
use super::inbound::Inbound;
use super::mailbox::{Command, Handle, Post, mailbox};
use super::reply::{refusal, unread};
use super::rooms::SessionRooms;
use super::single::{EVENTS_MAX, SseActor};
use crate::control::bridge::Connector;
use crate::control::http::{Request, Response};
use crate::engine::mcp::scan::scan;
use crate::engine::reply::Failure;
use crate::engine::session::Owner;

/// Answers clients of 2024-11-05 with a link of a [`Connector`] for each of their streams.
///
/// | Request | Answer |
/// |---|---|
/// | GET | the event stream, its head with `Mcp-Session-Id`: the worker makes the `endpoint` event of it |
/// | POST | 202; the message goes to the server, its answer comes on the stream |
/// | POST with `x-guard-deliver: 1` | 202; the message goes to the client's stream |
/// | DELETE | 200, and the session is over |
///
/// The session ends with its stream. A POST without session is 400, one of a session that is not this owner's 404.
pub(in crate::control) struct SseFront(Front);

impl fmt::Debug for SseFront {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseFront")
            .field("server", &self.0.settings.server)
            .finish_non_exhaustive()
    }
}

impl SseFront {
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
            b"GET" => self.open(owner).await,
            b"POST" => match self.0.find(owner, inbound.session.as_deref()) {
                Ok(handle) if inbound.is_delivery => deliver(&handle, inbound.body).await,
                Ok(handle) => self.post(&handle, inbound).await,
                Err(failure) => refusal(failure, None),
            },
            b"DELETE" => match self.0.find(owner, inbound.session.as_deref()) {
                Ok(handle) => {
                    end(&handle, Failure::SessionUnknown).await;
                    Response::empty(200)
                }
                Err(failure) => refusal(failure, None),
            },
            _ => refusal(Failure::MethodNotAllowed { allow: "GET, POST" }, None),
        }
    }

    async fn open(&self, owner: Owner) -> Response {
        if self.0.is_closing() {
            return refusal(Failure::Draining, None);
        }
        let (mut room, link) = match self.0.connect(owner).await {
            Ok(connected) => connected,
            Err(error) => return refusal(self.0.failure_of(&error), None),
        };
        let Some(session_id) = new_session_id() else {
            return refusal(Failure::Internal, None);
        };
        let (handle, mailbox) = mailbox();
        let (events, receiver) = mpsc::channel(EVENTS_MAX);
        let pulse = Arc::default();
        room.announce(&session_id, handle, Arc::clone(&pulse));
        let actor = SseActor {
            room,
            link,
            mailbox,
            pulse,
            events,
            closing: self.0.closing.subscribe(),
        };
        tokio::spawn(actor.run());
        Response::events(receiver).with("Mcp-Session-Id", session_id)
    }

    async fn post(&self, handle: &Handle, inbound: Inbound) -> Response {
        let scanned = match scan(&inbound.body, &self.0.settings.scan) {
            Ok(scanned) => scanned,
            Err(error) => return unread(&error, &inbound.body),
        };
        let (reply, answer) = oneshot::channel();
        let post = Post {
            body: inbound.body,
            scanned: Box::new(scanned),
            takes_events: true,
            reply,
        };
        let _ = handle.posts.send(post).await;
        answered(answer).await
    }
}

async fn deliver(handle: &Handle, message: Vec<u8>) -> Response {
    let (reply, answer) = oneshot::channel();
    let _ = handle
        .commands
        .send(Command::Deliver { message, reply })
        .await;
    answered(answer).await
}

async fn answered(answer: oneshot::Receiver<Response>) -> Response {
    answer
        .await
        .unwrap_or_else(|_| refusal(Failure::SessionUnknown, None))
}
