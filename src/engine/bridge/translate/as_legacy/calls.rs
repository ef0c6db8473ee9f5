//! Requests of the client that are under way, and what the server says to them.

use super::super::answer::{Modern, error_to_legacy, to_legacy};
use super::super::hello::Discovery;
use super::super::input::may_ask;
use super::super::object::Object;
use super::super::request::{Answers, ModernMeta};
use super::super::wire::{self, INTERNAL_ERROR, Kind, Message, line};
use super::{Act, LEGACY, Lost, Number, Session, reply};
use crate::engine::mcp::methods::Method;

/// A request of the client.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// Its id, as the client wrote it.
    pub(super) id: String,
    /// The request itself, where a retry may send it again.
    message: String,
    /// Times that the server asked for input.
    pub(super) rounds: u32,
    /// `requestState` of the round that is being answered, as written.
    pub(super) state: Option<String>,
    /// Whether its modern request is under way; else the client is being asked.
    pub(super) is_asked: bool,
}

impl Call {
    pub(super) fn new(method: Method, id: &str, message: &str) -> Self {
        Self {
            method,
            id: id.to_owned(),
            message: message.to_owned(),
            rounds: 0,
            state: None,
            is_asked: true,
        }
    }

    /// The modern request of this call.
    pub(super) fn ask(&self, number: Number, meta: &ModernMeta, answers: &Answers<'_>) -> Act {
        let message = Object::parse(&self.message).unwrap_or_default();
        Act::Ask {
            number,
            message: meta.to_modern(&message, number, answers),
        }
    }

    /// Forgets what no retry will need.
    pub(super) fn slim(mut self) -> Self {
        if !may_ask(self.method) {
            self.message = String::new();
        }
        self
    }

    pub(super) fn fail(&self, words: &str) -> Act {
        reply(&self.id, wire::error(&self.id, INTERNAL_ERROR, words))
    }
}

impl Session {
    /// Takes a message that answers the modern request `number`. What makes no sense is passed over.
    pub fn answer(&mut self, number: Number, bytes: &[u8], now_ms: u64, acts: &mut Vec<Act>) {
        let Some(message) = Message::read(bytes) else {
            return;
        };
        if self.is_listen(number) {
            return self.listen_says(number, &message, now_ms, acts);
        }
        let call = self.calls.get(&number).filter(|call| call.is_asked);
        let Some(call) = call else {
            return;
        };
        match &message.kind {
            Kind::Notification(method) if Method::parse(method) == Method::Cancelled => {}
            Kind::Notification(_) => acts.push(reply(&call.id.clone(), message.into_line())),
            // None comes in the modern era (2026-07-28 MRTR), and nobody would carry its answer back.
            Kind::Request(_) => {}
            Kind::Response => self.answered(number, &message.object, acts),
        }
    }

    fn answered(&mut self, number: Number, message: &Object<'_>, acts: &mut Vec<Act>) {
        let Some(call) = self.calls.remove(&number) else {
            return;
        };
        if let Some(error) = message.member("error") {
            if call.method == Method::ServerDiscover {
                self.revision = None;
            }
            let error = error_to_legacy(error, call.method);
            return acts.push(finished(&call, message, "error", error));
        }
        let result = message.member("result").unwrap_or_default();
        match to_legacy(result, call.method) {
            Some(Modern::InputRequired) if may_ask(call.method) => {
                self.question(number, call, result, acts);
            }
            Some(Modern::Complete(_)) if call.method == Method::ServerDiscover => {
                self.discovered(&call, result, acts);
            }
            Some(Modern::Complete(result)) => {
                acts.push(finished(&call, message, "result", Some(result)));
            }
            Some(Modern::InputRequired | Modern::Unknown) | None => {
                acts.push(call.fail("upstream answer not usable"))
            }
        }
    }

    fn discovered(&mut self, call: &Call, result: &str, acts: &mut Vec<Act>) {
        let Some(discovery) = Discovery::read(result) else {
            self.revision = None;
            return acts.push(call.fail(Lost::WrongEra.message()));
        };
        let result = discovery.initialize(self.revision.unwrap_or(LEGACY));
        self.discovery = Some(discovery);
        acts.push(reply(&call.id, wire::result(&call.id, &result)));
    }

    /// The modern request `number` will not be answered.
    pub fn lost(&mut self, number: Number, lost: Lost, now_ms: u64, acts: &mut Vec<Act>) {
        if self.is_listen(number) {
            return self.listen_lost(number, now_ms, acts);
        }
        // A request that was answered by asking for input is over, and its call is not.
        if !self.wants(number) {
            return;
        }
        let Some(call) = self.calls.remove(&number) else {
            return;
        };
        if call.method == Method::ServerDiscover {
            self.revision = None;
        }
        acts.push(call.fail(lost.message()));
    }
}

/// The server's `message` as the response to `call`, its `member` being `value`.
fn finished(call: &Call, message: &Object<'_>, member: &str, value: Option<String>) -> Act {
    let Some(value) = value else {
        return call.fail("upstream answer not usable");
    };
    let mut message = message.clone();
    message.set("id", call.id.clone());
    message.set(member, value);
    reply(&call.id, line(message.to_string()))
}
