//! What the server says: answers to their requests, everything else to one stream.

use super::action::{Action, StreamId};
use super::flight::Flight;
use super::heard::{Heard, HeardKind, read};
use super::limits::{ASKED_MAX, BATCH_HELD_BYTES_MAX};
use super::machine::{Phase, Session};
use super::stream::State;
use super::token::Key;
use crate::engine::mcp::revision::Revision;
use crate::engine::span::Span;

impl Session {
    /// Takes what the server said. `during`: the raw id of the request on whose stream it came, where the transport tells.
    pub fn hear(&mut self, bytes: Vec<u8>, during: Option<&[u8]>, actions: &mut Vec<Action>) {
        let Ok(heard) = read(&bytes) else {
            self.counts.unreadable += 1;
            return;
        };
        for heard in heard {
            self.take(&bytes, heard, during, actions);
        }
    }

    fn take(
        &mut self,
        bytes: &[u8],
        heard: Heard,
        during: Option<&[u8]>,
        actions: &mut Vec<Action>,
    ) {
        let message = heard.span.of(bytes);
        match heard.kind {
            HeardKind::Response { id, is_error } => match self.flights.answered(id.of(bytes)) {
                Some(flight) => {
                    let message = with_id(bytes, heard.span, id, &flight.id);
                    self.respond(&flight, message, is_error, actions);
                }
                None => self.counts.stray_responses += 1,
            },
            HeardKind::Request { id } => {
                let stream = self.route_request(during);
                self.remember(id.of(bytes), stream);
                self.tell(stream, message, actions);
            }
            HeardKind::Notification {
                method,
                progress_token,
                request_id,
            } => {
                let token = progress_token.map(|span| span.of(bytes));
                let request = request_id.map(|span| span.of(bytes));
                let stream = self.route_notification(method, token, request, during);
                self.tell(stream, message, actions);
            }
        }
    }

    /// Brings a response to the POST that asked for it.
    fn respond(
        &mut self,
        flight: &Flight,
        message: Vec<u8>,
        is_error: bool,
        actions: &mut Vec<Action>,
    ) {
        let id = flight.stream;
        if self.phase == Phase::Opening(Some(id)) {
            return self.settle_opening(id, message, is_error, actions);
        }
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        stream.unanswered -= 1;
        match stream.state {
            State::Undecided if !stream.has_reader => {
                self.counts.lost += 1;
                self.settle(id, actions);
            }
            State::Undecided if stream.is_batch => self.hold(id, message, actions),
            State::Undecided => {
                self.streams.remove(&id);
                actions.push(Action::Answer {
                    stream: id,
                    status: 200,
                    body: message,
                });
            }
            State::Events => {
                self.emit(id, &message, actions);
                self.settle(id, actions);
            }
            State::Over => {}
        }
    }

    /// The response to `initialize` makes the session or ends it.
    fn settle_opening(
        &mut self,
        id: StreamId,
        body: Vec<u8>,
        is_error: bool,
        actions: &mut Vec<Action>,
    ) {
        self.streams.remove(&id);
        if is_error {
            self.phase = Phase::Over;
            actions.push(Action::Answer {
                stream: id,
                status: 200,
                body,
            });
            actions.push(Action::Over);
        } else {
            self.phase = Phase::Open;
            self.revision = chosen_revision(&body);
            actions.push(Action::Established { stream: id, body });
        }
    }

    /// Keeps a response to a batch until the others are there, or until they are too much to be held.
    fn hold(&mut self, id: StreamId, message: Vec<u8>, actions: &mut Vec<Action>) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        stream.held_bytes += message.len();
        stream.held.push(message);
        if stream.held_bytes > BATCH_HELD_BYTES_MAX {
            self.begin(id, actions);
        }
        self.settle(id, actions);
    }

    /// Puts a message that is no response on `id`, which becomes an event stream if it is none.
    fn tell(&mut self, id: StreamId, message: &[u8], actions: &mut Vec<Action>) {
        let is_undecided = self
            .streams
            .get(&id)
            .is_some_and(|stream| stream.state == State::Undecided);
        if is_undecided {
            self.begin(id, actions);
        }
        self.emit(id, message, actions);
    }

    fn remember(&mut self, id: &[u8], stream: StreamId) {
        if self.asked.len() >= ASKED_MAX {
            self.asked.pop_front();
        }
        self.asked.push_back((Key::of(id), stream));
    }
}

/// The message at `span`, with `own` for the id at `id`: what the server spelled otherwise comes back as it was sent.
fn with_id(bytes: &[u8], span: Span, id: Span, own: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(span.len() + own.len());
    message.extend_from_slice(&bytes[span.start()..id.start()]);
    message.extend_from_slice(own);
    message.extend_from_slice(&bytes[id.end()..span.end()]);
    message
}

/// The revision that a response to `initialize` names.
fn chosen_revision(body: &[u8]) -> Option<Revision> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let version = body.get("result")?.get("protocolVersion")?.as_str()?;
    Revision::parse(version.as_bytes())
}
