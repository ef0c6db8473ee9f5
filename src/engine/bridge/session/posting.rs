//! What a client sends: split, checked, forwarded.

use super::action::{Action, Posted, Refused, StreamId};
use super::machine::{Phase, Session};
use super::stream::{State, Stream};
use super::token::Key;
use crate::engine::mcp::message::{Body, Call, Id, Kind, Message};
use crate::engine::mcp::methods::Method;
use crate::engine::mcp::revision::Revision;
use crate::engine::reply::Failure;
use crate::engine::span::Span;

impl Session {
    /// Takes the body of a POST, scanned before, at `now_ms`.
    ///
    /// `takes_events`: whether the client accepts an event stream. Where the answer is [`Posted::Awaits`], the actions may
    /// already hold it. Errors: a batch where the revision has none, an id that already waits, or too many requests;
    /// then nothing of the body was forwarded.
    pub fn post(
        &mut self,
        body: &[u8],
        scanned: &Body,
        takes_events: bool,
        now_ms: u64,
        actions: &mut Vec<Action>,
    ) -> Result<Posted, Refused> {
        let requests = self.admit(body, scanned)?;
        let stream = (requests > 0).then(|| {
            let is_batch = matches!(scanned, Body::Batch(_));
            self.open_answer(requests, is_batch, takes_events, now_ms)
        });
        for message in scanned.messages() {
            self.forward(body, message, stream, actions);
        }
        // All of its requests were cancelled by the same batch.
        if let Some(id) = stream {
            self.settle(id, actions);
        }
        Ok(stream.map_or(Posted::Accepted, Posted::Awaits))
    }

    /// Checks a body as a whole; returns how many requests it holds.
    fn admit(&mut self, body: &[u8], scanned: &Body) -> Result<usize, Refused> {
        let is_batch = matches!(scanned, Body::Batch(_));
        if is_batch && self.revision > Some(Revision::R2025_03_26) {
            return Err(Refused {
                failure: Failure::BatchRefused,
                id: None,
            });
        }
        let ids = || scanned.messages().iter().filter_map(Message::request_id);
        let refuse = |failure, id: Id| Refused {
            failure,
            id: Some(id.raw(body).into()),
        };
        let mut seen = Vec::new();
        for id in ids() {
            let key = Key::of(id.raw(body));
            if self.flights.has(&key) || seen.contains(&key) {
                let detail = "request id is in use";
                return Err(refuse(Failure::NotAMessage { detail }, id));
            }
            if is_batch {
                seen.push(key);
            }
        }
        let requests = ids().count();
        if !self.flights.have_room(requests) {
            self.forget_lost();
        }
        match ids().next() {
            Some(id) if !self.flights.have_room(requests) => Err(refuse(Failure::Overloaded, id)),
            _ => Ok(requests),
        }
    }

    /// Forgets requests whose clients left before an answer began: nobody can come back for it. Until the room is needed they
    /// keep their ids, so that a late response does not meet a new request.
    fn forget_lost(&mut self) {
        let Self {
            flights,
            aliases,
            streams,
            ..
        } = self;
        let is_lost = |stream: &Stream| stream.state == State::Undecided && !stream.has_reader;
        if flights.forget(|id| streams.get(&id).is_none_or(is_lost)) {
            aliases.haunt();
        }
        streams.retain(|_, stream| !is_lost(stream));
    }

    fn open_answer(
        &mut self,
        requests: usize,
        is_batch: bool,
        takes_events: bool,
        now_ms: u64,
    ) -> StreamId {
        self.last_stream += 1;
        let id = StreamId(self.last_stream);
        // Before the server has accepted the session there is nothing to resume, and no id for it to be named by.
        let takes_events = takes_events && self.phase == Phase::Open;
        self.streams
            .insert(id, Stream::answer(requests, is_batch, takes_events));
        if takes_events {
            self.undecided.push_back((now_ms, id));
        }
        if self.phase == Phase::Opening(None) {
            self.phase = Phase::Opening(Some(id));
        }
        id
    }

    fn forward(
        &mut self,
        body: &[u8],
        message: &Message,
        stream: Option<StreamId>,
        actions: &mut Vec<Action>,
    ) {
        let renamed = match &message.kind {
            Kind::Request { id, call } => {
                let token = call.params.meta.progress_token.map(|token| token.raw(body));
                let stream = stream.unwrap_or(StreamId::STANDALONE);
                let alias = self.aliases.name(id.raw(body));
                self.flights
                    .begin(id.raw(body), alias.as_deref(), token, stream);
                alias.map(|alias| (*id, alias))
            }
            Kind::Notification { call } => self.note(body, call, stream, actions),
            Kind::Response { id: Some(id), .. } => {
                let key = Key::of(id.raw(body));
                self.asked.retain(|(asked, _)| *asked != key);
                None
            }
            Kind::Response { id: None, .. } => None,
        };
        actions.push(Action::Forward(match renamed {
            Some((id, alias)) => line_with(body, message.span, id.span(), &alias),
            None => line(body, message.span),
        }));
    }

    /// A cancelled request gets no response, and its stream ends without. Returns the id that is to be another at the server.
    fn note(
        &mut self,
        body: &[u8],
        call: &Call,
        own: Option<StreamId>,
        actions: &mut Vec<Action>,
    ) -> Option<(Id, Box<[u8]>)> {
        let request = call.params.request_id;
        let id =
            request.filter(|_| call.method == Method::Cancelled && self.phase == Phase::Open)?;
        let flight = self.flights.end(id.raw(body))?;
        self.aliases.haunt();
        if let Some(stream) = self.streams.get_mut(&flight.stream) {
            stream.unanswered -= 1;
        }
        // The stream of this very body is settled when all of it was read.
        if Some(flight.stream) != own {
            self.settle(flight.stream, actions);
        }
        flight.alias.map(|alias| (id, alias))
    }

    /// Answers or ends a stream that waits for nothing more.
    pub(super) fn settle(&mut self, id: StreamId, actions: &mut Vec<Action>) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        if stream.unanswered > 0 || id == StreamId::STANDALONE {
            return;
        }
        let is_undecided = stream.state == State::Undecided;
        if is_undecided && stream.has_reader && !stream.held.is_empty() {
            let held = std::mem::take(&mut stream.held);
            self.streams.remove(&id);
            actions.push(Action::Answer {
                stream: id,
                status: 200,
                body: array(&held),
            });
            return;
        }
        if is_undecided && stream.has_reader {
            // An event stream without an event: what the transport has for "no response", and nothing to resume from.
            actions.push(Action::Begin {
                stream: id,
                bytes: Vec::new(),
            });
        }
        self.finish(id, actions);
    }
}

/// The message at `span` as one line. A line break in JSON is white space, so a blank says the same.
pub(super) fn line(body: &[u8], span: Span) -> Vec<u8> {
    let mut line = span.of(body).to_vec();
    for byte in &mut line {
        if matches!(byte, b'\r' | b'\n') {
            *byte = b' ';
        }
    }
    line
}

/// The same with `text` in place of `part`.
fn line_with(body: &[u8], span: Span, part: Span, text: &[u8]) -> Vec<u8> {
    let mut out = line(body, Span::new(span.start(), part.start()));
    out.extend_from_slice(text);
    out.extend_from_slice(&line(body, Span::new(part.end(), span.end())));
    out
}

/// `messages` as a JSON array.
pub(super) fn array(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![b'['];
    for (index, message) in messages.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(message);
    }
    out.push(b']');
    out
}
