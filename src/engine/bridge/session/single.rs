//! A session of a client of 2024-11-05: one stream carries everything that the server says.

use super::action::{Refused, StreamId};
use super::ending::encode;
use super::event::frame;
use super::flight::Flights;
use super::heard::{HeardKind, read};
use super::posting::line;
use super::token::Key;
use crate::engine::mcp::message::{Body, Kind, Message};
use crate::engine::mcp::methods::Method;
use crate::engine::reply::{Failure, ReplyId};

/// Which requests of an HTTP+SSE client wait, so that each is answered when the server ends before it does.
///
/// Nothing is routed and nothing is kept: there is one stream, and the session ends with it. Holds at most 1024 requests.
#[derive(Debug, Default)]
pub struct SseSession {
    flights: Flights,
}

impl SseSession {
    /// A session of which nothing was said yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the body of a POST, scanned before; returns what is to be forwarded. Errors: an id that already waits, or too
    /// many requests; then nothing of the body is to be forwarded.
    pub fn post(&mut self, body: &[u8], scanned: &Body) -> Result<Vec<Vec<u8>>, Refused> {
        let requests = scanned.messages().iter().filter_map(Message::request_id);
        for (before, id) in requests.enumerate() {
            self.admit(id.raw(body), before)?;
        }
        let mut lines = Vec::with_capacity(1);
        for message in scanned.messages() {
            self.note(body, &message.kind);
            lines.push(line(body, message.span));
        }
        Ok(lines)
    }

    /// Takes what the server said; returns the event that carries it.
    pub fn hear(&mut self, message: &[u8]) -> Vec<u8> {
        for heard in read(message).unwrap_or_default() {
            if let HeardKind::Response { id, .. } = heard.kind {
                self.flights.end(id.of(message));
            }
        }
        frame(message)
    }

    /// Ends the session for the reason that `failure` tells; returns the events that answer what waits, which may be none.
    pub fn end(&mut self, failure: Failure) -> Vec<u8> {
        let flights = self.flights.drain();
        let errors = flights
            .iter()
            .map(|flight| encode(failure, ReplyId::Known(&flight.id)));
        errors.flat_map(|error| frame(&error)).collect()
    }

    /// Whether request `id` may begin beside `others` of the same body.
    fn admit(&self, id: &[u8], others: usize) -> Result<(), Refused> {
        let failure = if self.flights.has(&Key::of(id)) {
            let detail = "request id is in use";
            Failure::NotAMessage { detail }
        } else if !self.flights.have_room(others + 1) {
            Failure::Overloaded
        } else {
            return Ok(());
        };
        Err(Refused {
            failure,
            id: Some(id.into()),
        })
    }

    fn note(&mut self, body: &[u8], kind: &Kind) {
        match kind {
            Kind::Request { id, .. } => {
                self.flights
                    .begin(id.raw(body), None, None, StreamId::STANDALONE);
            }
            Kind::Notification { call } if call.method == Method::Cancelled => {
                if let Some(id) = call.params.request_id {
                    self.flights.end(id.raw(body));
                }
            }
            _ => {}
        }
    }
}
