//! The task of one Streamable HTTP session: it owns the link and moves what the session decides.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::mailbox::{Command, Handle, Mailbox, Post, Pulse, closed};
use super::readers::Readers;
use super::reply::{failure_of, refusal, refused};
use super::rooms::Room;
use crate::control::bridge::{FromServer, Link, LinkEnd};
use crate::control::http::Response;
use crate::engine::bridge::session::{Action, Opened, Posted, Session, Settings, StreamId};
use crate::engine::reply::Failure;
use crate::metrics::{SessionEvent, UnplacedMessage};

/// Messages of the client that wait for a link that is full. POSTs wait beyond it.
const OUTBOUND_MAX: usize = 16;

/// How often a session that is in use looks for clients that left unseen, in milliseconds.
const SWEEP_MS: u64 = 15_000;

/// How long a server that takes nothing more may still speak, in milliseconds.
const DEAF_MS: u64 = 5_000;

/// What a session's task is started with.
pub(super) struct Start {
    pub(super) id: String,
    pub(super) room: Room,
    pub(super) link: Link,
    pub(super) handle: Handle,
    pub(super) mailbox: Mailbox,
    pub(super) settings: Settings,
    pub(super) idle_timeout_ms: u64,
    pub(super) closing: watch::Receiver<bool>,
}

/// The task.
pub(super) struct Actor {
    id: String,
    link: Link,
    /// Given back after the link.
    room: Room,
    /// Until the session is announced: afterwards the table alone holds one, so that its senders end with it.
    handle: Option<Handle>,
    mailbox: Mailbox,
    session: Session,
    pulse: Arc<Pulse>,
    idle_timeout_ms: u64,
    /// Whether the front shuts down.
    closing: watch::Receiver<bool>,
    used_at_ms: u64,
    /// Since when the server takes nothing more.
    deaf_since_ms: Option<u64>,
    outbound: VecDeque<Vec<u8>>,
    /// POSTs whose answers are not begun.
    posts: HashMap<StreamId, oneshot::Sender<Response>>,
    readers: Readers,
    is_over: bool,
}

/// What the task waited for and got.
enum Event {
    Said(Option<FromServer>),
    Posted(Option<Post>),
    Commanded(Option<Command>),
    /// A message went to the server.
    Sent,
    /// The server takes nothing more.
    Deaf,
    /// A reader took what it held up, or left.
    Moved,
    Due,
}

impl Actor {
    pub(super) fn new(start: Start) -> Self {
        let used_at_ms = start.room.rooms().now_ms();
        Self {
            id: start.id,
            room: start.room,
            link: start.link,
            handle: Some(start.handle),
            mailbox: start.mailbox,
            session: Session::new(start.settings),
            pulse: Arc::default(),
            idle_timeout_ms: start.idle_timeout_ms,
            closing: start.closing,
            used_at_ms,
            deaf_since_ms: None,
            outbound: VecDeque::new(),
            posts: HashMap::new(),
            readers: Readers::default(),
            is_over: false,
        }
    }

    /// Runs until the session is over.
    pub(super) async fn run(mut self) {
        let failure = loop {
            let event = self.next().await;
            let failure = self.handle(event).or_else(|| self.tick());
            self.beat();
            match failure {
                Some(failure) => break failure,
                None if self.is_over => break Failure::SessionUnknown,
                None => {}
            }
        };
        self.finish(failure);
    }

    fn now_ms(&self) -> u64 {
        self.room.rooms().now_ms()
    }

    fn is_used(&self) -> bool {
        !self.posts.is_empty() || !self.readers.is_empty()
    }

    /// When there is something to do although nothing happens.
    fn due_at_ms(&mut self) -> u64 {
        let rest = match self.is_used() {
            true => self.now_ms() + SWEEP_MS,
            false => self.used_at_ms.saturating_add(self.idle_timeout_ms),
        };
        let deaf = self.deaf_since_ms.map(|since_ms| since_ms + DEAF_MS);
        let due = self.session.due_at_ms();
        [due, deaf].into_iter().flatten().fold(rest, u64::min)
    }

    async fn next(&mut self) -> Event {
        let pause = self.due_at_ms().saturating_sub(self.now_ms());
        let Self {
            link,
            mailbox,
            outbound,
            readers,
            posts,
            handle,
            closing,
            ..
        } = self;
        let is_opening = handle.is_some();
        let is_blocked = readers.is_blocked();
        let has_room = outbound.len() < OUTBOUND_MAX;
        let waits = async {
            match is_blocked {
                true => readers.unblock().await,
                false => readers.left(StreamId::STANDALONE).await,
            }
        };
        tokio::select! {
            said = link.from_server.recv(), if !is_blocked => Event::Said(said),
            command = mailbox.commands.recv() => Event::Commanded(command),
            post = mailbox.posts.recv(), if has_room => Event::Posted(post),
            permit = link.to_server.reserve(), if !outbound.is_empty() => match permit {
                Ok(permit) => {
                    if let Some(message) = outbound.pop_front() {
                        permit.send(message);
                    }
                    Event::Sent
                }
                Err(_) => Event::Deaf,
            },
            () = closed(closing) => Event::Commanded(Some(Command::End(Failure::Draining))),
            () = waits => Event::Moved,
            () = abandoned(posts), if is_opening => Event::Moved,
            () = tokio::time::sleep(Duration::from_millis(pause)) => Event::Due,
        }
    }

    /// Does what an event asks for. A failure ends the session: it is what everybody who waits is told.
    fn handle(&mut self, event: Event) -> Option<Failure> {
        match event {
            Event::Said(Some(FromServer::Message { bytes, during })) => {
                // Who left takes nothing of it.
                self.sweep();
                let mut actions = Vec::new();
                self.session.hear(bytes, during.as_deref(), &mut actions);
                self.perform(actions);
            }
            Event::Said(Some(FromServer::Ended(end))) => return Some(failure_of(end)),
            Event::Said(None) => return Some(failure_of(LinkEnd::Broke)),
            Event::Posted(Some(post)) => self.post(post),
            Event::Commanded(Some(Command::Get {
                last_event_id,
                reply,
            })) => self.get(last_event_id.as_deref(), reply),
            Event::Commanded(Some(Command::Deliver { reply, .. })) => {
                let _ = reply.send(refusal(Failure::SessionUnknown, None));
            }
            Event::Commanded(Some(Command::End(failure))) => return Some(failure),
            // The table has forgotten the session, which nothing but its own end makes it do.
            Event::Posted(None) | Event::Commanded(None) => return Some(Failure::SessionUnknown),
            Event::Sent | Event::Moved | Event::Due => {}
            Event::Deaf => {
                self.outbound.clear();
                let now_ms = self.now_ms();
                self.deaf_since_ms.get_or_insert(now_ms);
            }
        }
        None
    }

    /// Does what is due. A failure ends the session.
    fn tick(&mut self) -> Option<Failure> {
        self.sweep();
        let now_ms = self.now_ms();
        let mut actions = Vec::new();
        self.session.tick(now_ms, &mut actions);
        self.perform(actions);
        if self
            .deaf_since_ms
            .is_some_and(|since_ms| since_ms + DEAF_MS <= now_ms)
        {
            return Some(failure_of(LinkEnd::Broke));
        }
        let is_expired = self.used_at_ms.saturating_add(self.idle_timeout_ms) <= now_ms;
        if is_expired && !self.is_used() {
            let counts = &self.room.rooms().counts;
            counts.count(SessionEvent::Expired);
            return Some(Failure::SessionUnknown);
        }
        None
    }

    fn post(&mut self, post: Post) {
        if post.reply.is_closed() {
            // The client left while its POST waited to be taken: nothing of it has happened yet.
            return;
        }
        let now_ms = self.now_ms();
        self.used_at_ms = now_ms;
        let mut actions = Vec::new();
        let posted = self.session.post(
            &post.body,
            &post.scanned,
            post.takes_events,
            now_ms,
            &mut actions,
        );
        match posted {
            Ok(Posted::Awaits(stream)) => {
                self.posts.insert(stream, post.reply);
            }
            Ok(Posted::Accepted) => {
                let _ = post.reply.send(Response::empty(202));
            }
            Err(refusal) => {
                let _ = post.reply.send(refused(&refusal));
            }
        }
        self.perform(actions);
    }

    fn get(&mut self, last_event_id: Option<&[u8]>, reply: oneshot::Sender<Response>) {
        self.used_at_ms = self.now_ms();
        let mut actions = Vec::new();
        let opened = self.session.get(last_event_id, &mut actions);
        let (stream, bytes, is_whole) = match opened {
            Ok(Opened::Stream {
                stream,
                bytes,
                is_whole,
            }) => (stream, bytes, is_whole),
            Ok(Opened::NothingLeft) => {
                let _ = reply.send(Response::empty(204));
                return;
            }
            Err(refusal) => {
                let _ = reply.send(refused(&refusal));
                return;
            }
        };
        // Who says what it has seen is given the rest from the store; who does not is owed what the earlier reader did not
        // take.
        let mut start = self.readers.forget(stream);
        if last_event_id.is_some() {
            start.clear();
        }
        start.extend_from_slice(&bytes);
        self.perform(actions);
        self.open(stream, start, reply);
        if is_whole {
            self.readers.end(stream);
        }
    }

    /// Answers `reply` with an event stream that starts with `bytes`.
    fn open(&mut self, stream: StreamId, bytes: Vec<u8>, reply: oneshot::Sender<Response>) {
        let receiver = self.readers.open(stream);
        self.readers.emit(stream, bytes);
        // Where nobody waits for it, the reader is gone, which the next sweep sees.
        let _ = reply.send(Response::events(receiver));
    }

    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Forward(message) if self.deaf_since_ms.is_none() => {
                    self.outbound.push_back(message);
                }
                Action::Forward(_) => {}
                Action::Established { stream, body } => self.establish(stream, body),
                Action::Answer {
                    stream,
                    status,
                    body,
                } => self.answer(stream, Response::json(status, body)),
                Action::Begin { stream, bytes } => {
                    if let Some(reply) = self.posts.remove(&stream) {
                        self.open(stream, bytes, reply);
                    }
                }
                Action::Emit { stream, bytes } => self.readers.emit(stream, bytes),
                Action::End { stream } => self.readers.end(stream),
                Action::Over => self.is_over = true,
            }
        }
    }

    /// The server has accepted the session: from here on it is found under its id.
    fn establish(&mut self, stream: StreamId, body: Vec<u8>) {
        let Some(handle) = self.handle.take() else {
            return;
        };
        self.used_at_ms = self.now_ms();
        self.room
            .announce(&self.id, handle, Arc::clone(&self.pulse));
        let response = Response::json(200, body).with("Mcp-Session-Id", self.id.as_str());
        let reply = self.posts.remove(&stream);
        // A session whose id nobody got can be used by nobody.
        self.is_over = reply.is_none_or(|reply| reply.send(response).is_err());
    }

    fn answer(&mut self, stream: StreamId, response: Response) {
        if let Some(reply) = self.posts.remove(&stream) {
            let _ = reply.send(response);
        }
    }

    /// Tells the session of the readers and POSTs that left.
    fn sweep(&mut self) {
        let mut gone = self.readers.sweep();
        self.posts.retain(|stream, reply| {
            let is_gone = reply.is_closed();
            if is_gone {
                gone.push(*stream);
            }
            !is_gone
        });
        if gone.is_empty() {
            return;
        }
        self.used_at_ms = self.now_ms();
        let mut actions = Vec::new();
        for stream in gone {
            self.session.left(stream, &mut actions);
        }
        self.perform(actions);
    }

    fn beat(&mut self) {
        let is_used = self.is_used();
        if is_used {
            self.used_at_ms = self.now_ms();
        }
        let is_idle = !is_used && self.session.is_quiet();
        self.pulse.beat(self.used_at_ms, is_idle);
    }

    /// Tells everybody who waits, and gives back link and room. What a slow reader is owed goes on in the background.
    fn finish(mut self, failure: Failure) {
        self.room.withdraw();
        let mut actions = Vec::new();
        self.session.end(failure, &mut actions);
        self.perform(actions);
        let (cells, counts) = (&self.room.rooms().counts, self.session.counts());
        cells.unplaced(UnplacedMessage::StrayResponse, counts.stray_responses);
        cells.unplaced(UnplacedMessage::Unreadable, counts.unreadable);
        cells.unplaced(UnplacedMessage::Lost, counts.lost);
        self.readers.close();
    }
}

/// Returns when nobody waits for the answer to `initialize` any more; never before it was posted.
async fn abandoned(posts: &mut HashMap<StreamId, oneshot::Sender<Response>>) {
    match posts.values_mut().next() {
        Some(reply) => reply.closed().await,
        None => std::future::pending().await,
    }
}
