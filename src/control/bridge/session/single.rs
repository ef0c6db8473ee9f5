//! The task of one HTTP+SSE session: one stream carries all that the server says, and the session ends with it.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::mailbox::{Command, Mailbox, Post, Pulse, closed};
use super::reply::{failure_of, refusal, refused};
use super::rooms::Room;
use crate::control::bridge::{FromServer, Link, LinkEnd};
use crate::control::http::Response;
use crate::engine::bridge::session::{SseSession, frame};
use crate::engine::reply::Failure;

/// Messages of the client that wait for a link that is full. POSTs wait beyond it.
const OUTBOUND_MAX: usize = 16;

/// Events that wait for a client's stream that is slow: one of the server, and answers of the gateway.
const INBOUND_MAX: usize = 16;

/// Events that wait for the connection that writes them.
pub(super) const EVENTS_MAX: usize = 1;

/// The task.
pub(super) struct SseActor {
    pub(super) link: Link,
    /// Given back after the link.
    pub(super) room: Room,
    pub(super) mailbox: Mailbox,
    pub(super) pulse: Arc<Pulse>,
    /// To the client's stream.
    pub(super) events: mpsc::Sender<Vec<u8>>,
    /// Whether the front shuts down.
    pub(super) closing: watch::Receiver<bool>,
}

/// What of a session changes.
#[derive(Default)]
struct State {
    session: SseSession,
    outbound: VecDeque<Vec<u8>>,
    /// Events that wait for the stream: while there is one, nothing is heard and nothing delivered.
    inbound: VecDeque<Vec<u8>>,
}

/// What the task waited for and got.
enum Event {
    Said(Option<FromServer>),
    Posted(Option<Post>),
    Commanded(Option<Command>),
    Moved,
    /// The client closed its stream.
    Left,
}

impl SseActor {
    /// Runs until the client or the server leaves, or the session is told to end.
    pub(super) async fn run(mut self) {
        let mut state = State::default();
        let used_at_ms = self.room.rooms().now_ms();
        // A session whose stream is open is in use.
        self.pulse.beat(used_at_ms, false);
        let failure = loop {
            let event = self.next(&mut state).await;
            match state.handle(event) {
                Ok(None) => {}
                Ok(Some(failure)) => break Some(failure),
                Err(Gone) => break None,
            }
        };
        self.room.withdraw();
        let Some(failure) = failure else { return };
        let last = state.session.end(failure);
        state.inbound.push_back(last);
        let events = self.events;
        tokio::spawn(async move {
            for event in state.inbound.into_iter().filter(|event| !event.is_empty()) {
                if events.send(event).await.is_err() {
                    return;
                }
            }
        });
    }

    async fn next(&mut self, state: &mut State) -> Event {
        let Self {
            link,
            mailbox,
            events,
            closing,
            ..
        } = self;
        let State {
            outbound, inbound, ..
        } = state;
        let has_room = outbound.len() < OUTBOUND_MAX;
        let is_free = inbound.is_empty();
        tokio::select! {
            said = link.from_server.recv(), if is_free => Event::Said(said),
            command = mailbox.commands.recv() => Event::Commanded(command),
            post = mailbox.posts.recv(), if has_room => Event::Posted(post),
            permit = link.to_server.reserve(), if !outbound.is_empty() => {
                match (permit, outbound.pop_front()) {
                    (Ok(permit), Some(message)) => permit.send(message),
                    // What the server does not take is not answered either: the link's end will say so.
                    _ => outbound.clear(),
                }
                Event::Moved
            }
            permit = events.reserve(), if !is_free => match (permit, inbound.pop_front()) {
                (Ok(permit), Some(event)) => {
                    permit.send(event);
                    Event::Moved
                }
                _ => Event::Left,
            },
            () = events.closed() => Event::Left,
            () = closed(closing) => Event::Commanded(Some(Command::End(Failure::Draining))),
        }
    }
}

/// The client has left: there is nobody to tell.
struct Gone;

impl State {
    /// Does what an event asks for. A failure ends the session: it is what everything that waits is answered with.
    fn handle(&mut self, event: Event) -> Result<Option<Failure>, Gone> {
        match event {
            Event::Said(Some(FromServer::Message { bytes, .. })) => {
                self.inbound.push_back(self.session.hear(&bytes));
            }
            Event::Said(Some(FromServer::Ended(end))) => return Ok(Some(failure_of(end))),
            Event::Said(None) => return Ok(Some(failure_of(LinkEnd::Broke))),
            Event::Posted(Some(post)) => self.post(post),
            Event::Commanded(Some(Command::Deliver { message, reply })) => {
                let _ = reply.send(self.deliver(&message));
            }
            Event::Commanded(Some(Command::Get { .. })) | Event::Moved => {}
            Event::Commanded(Some(Command::End(failure))) => return Ok(Some(failure)),
            Event::Posted(None) | Event::Commanded(None) | Event::Left => return Err(Gone),
        }
        Ok(None)
    }

    /// Puts an answer of the gateway on the stream, unless its reader is far behind.
    fn deliver(&mut self, message: &[u8]) -> Response {
        if self.inbound.len() >= INBOUND_MAX {
            return refusal(Failure::Overloaded, None);
        }
        self.inbound.push_back(frame(message));
        Response::empty(202)
    }

    fn post(&mut self, post: Post) {
        let response = match self.session.post(&post.body, &post.scanned) {
            Ok(lines) => {
                self.outbound.extend(lines);
                Response::empty(202)
            }
            Err(refusal) => refused(&refusal),
        };
        let _ = post.reply.send(response);
    }
}
