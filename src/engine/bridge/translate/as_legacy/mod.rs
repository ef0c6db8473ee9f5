//! A modern server that answers a legacy session: one client, whose handshake, log level and subscriptions become what every
//! modern request carries.
//!
//! Messages and the time go in, [`Act`]s come out. Every modern request has a number, which is its JSON-RPC id as well.
//!
//! **Invariant:** every request of the client is answered once, or cancelled by it; a response of the client answers the
//! server's question that it names and nothing else.

mod calls;
mod inputs;
mod listen;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::hello::{Discovery, LEGACY, agreed, carried};
use super::level::Level;
use super::object::Object;
use super::request::{Answers, ModernMeta};
use super::wire::{
    self, INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, Kind, METHOD_NOT_FOUND, Message,
};
use crate::engine::mcp::methods::Method;
use crate::engine::mcp::revision::Revision;
use calls::Call;
use inputs::Question;
use listen::Listening;

/// Calls of one session that may be under way.
pub const CALLS_MAX: usize = 256;

/// One modern request that is under way.
pub type Number = u64;

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Send it to the client.
    ToClient {
        /// One message.
        message: Vec<u8>,
        /// The raw id of the client's request that it belongs to.
        during: Option<String>,
    },
    /// Send a modern request.
    Ask {
        /// Its number.
        number: Number,
        /// The request.
        message: Vec<u8>,
    },
    /// Cancel a modern request. Nothing of it is wanted any more.
    Drop(Number),
}

/// Why a modern request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It ended without a response.
    BrokeOff,
    /// The server cannot be reached.
    Unreachable,
    /// A bound is reached.
    Full,
    /// The server does not speak 2026-07-28.
    WrongEra,
}

impl Lost {
    const fn message(self) -> &'static str {
        match self {
            Self::BrokeOff => "upstream ended early",
            Self::Unreachable => "upstream unavailable",
            Self::Full => "gateway overloaded",
            Self::WrongEra => "protocol version not supported",
        }
    }
}

/// A legacy session on a modern server.
#[derive(Debug)]
pub struct Session {
    /// Agreed on with the client; `None` until it has sent `initialize`.
    revision: Option<Revision>,
    meta: ModernMeta,
    discovery: Option<Discovery>,
    next_number: Number,
    calls: BTreeMap<Number, Call>,
    questions: BTreeMap<u64, Question>,
    next_question: u64,
    listening: Listening,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            revision: None,
            meta: ModernMeta {
                capabilities: "{}".to_owned(),
                client_info: None,
                level: None,
            },
            discovery: None,
            next_number: 1,
            calls: BTreeMap::new(),
            questions: BTreeMap::new(),
            next_question: 1,
            listening: Listening::default(),
        }
    }
}

impl Session {
    /// Takes a message of the client, which was strictly scanned before.
    pub fn from_client(&mut self, bytes: &[u8], acts: &mut Vec<Act>) {
        let Some(message) = Message::read(bytes) else {
            return;
        };
        match &message.kind {
            Kind::Request(method) => self.request(Method::parse(method), &message, acts),
            Kind::Notification(method) => {
                self.notification(Method::parse(method), &message, acts);
            }
            Kind::Response => self.response(&message, acts),
        }
    }

    fn request(&mut self, method: Method, message: &Message<'_>, acts: &mut Vec<Act>) {
        let Some(id) = message.id() else {
            return;
        };
        let refuse = |code, words| reply(id, wire::error(id, code, words));
        match method {
            Method::Ping => acts.push(reply(id, wire::result(id, "{}"))),
            Method::Initialize => self.initialize(message, acts),
            _ if self.discovery.is_none() => {
                acts.push(refuse(INVALID_REQUEST, "session is not initialized"));
            }
            Method::LoggingSetLevel => acts.push(self.set_level(id, message)),
            Method::ResourcesSubscribe | Method::ResourcesUnsubscribe => {
                self.subscribe(method, message, acts);
            }
            method if !is_carried(method) => {
                acts.push(refuse(METHOD_NOT_FOUND, "method not found"));
            }
            method => self.call(method, message, acts),
        }
    }

    fn initialize(&mut self, message: &Message<'_>, acts: &mut Vec<Act>) {
        let params = message.params();
        let id = message.id().unwrap_or("null");
        let Some(version) = params.text("protocolVersion") else {
            let words = "protocolVersion is missing";
            return acts.push(reply(id, wire::error(id, INVALID_PARAMS, words)));
        };
        if self.revision.is_some() {
            let words = "session is initialized already";
            return acts.push(reply(id, wire::error(id, INVALID_REQUEST, words)));
        }
        self.revision = Some(agreed(&version));
        self.meta.capabilities = carried(params.member("capabilities").unwrap_or("{}"));
        self.meta.client_info = params.object("clientInfo").map(|info| info.to_string());
        let discover = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"{}"}}"#,
            Method::ServerDiscover.as_str()
        );
        self.send(Method::ServerDiscover, id, &discover, acts);
    }

    fn set_level(&mut self, id: &str, message: &Message<'_>) -> Act {
        let level = message.params().text("level");
        let Some(level) = level.and_then(|level| Level::parse(&level)) else {
            return reply(
                id,
                wire::error(id, INVALID_PARAMS, "log level is not known"),
            );
        };
        self.meta.level = Some(level.as_str());
        reply(id, wire::result(id, "{}"))
    }

    fn call(&mut self, method: Method, message: &Message<'_>, acts: &mut Vec<Act>) {
        let id = message.id().unwrap_or("null");
        if self.calls.len() >= CALLS_MAX {
            let words = "too many calls are under way";
            return acts.push(reply(id, wire::error(id, INTERNAL_ERROR, words)));
        }
        self.send(method, id, &message.object.to_string(), acts);
    }

    /// Sends the client's request `message` on, which has the id `id`.
    fn send(&mut self, method: Method, id: &str, message: &str, acts: &mut Vec<Act>) {
        let call = Call::new(method, id, message);
        let number = self.take_number();
        acts.push(call.ask(number, &self.meta, &Answers::default()));
        self.calls.insert(number, call.slim());
    }

    fn notification(&mut self, method: Method, message: &Message<'_>, acts: &mut Vec<Act>) {
        match method {
            Method::Initialized => self.refresh_listen(acts),
            Method::Cancelled => self.cancelled(&message.params(), acts),
            // Progress of the client's own answers and changes of its roots have no place in the modern era.
            _ => {}
        }
    }

    fn cancelled(&mut self, params: &Object<'_>, acts: &mut Vec<Act>) {
        let Some(id) = params.member("requestId") else {
            return;
        };
        let call = self.calls.iter().find(|(_, call)| call.id == id);
        let call = call.filter(|(_, call)| call.method != Method::ServerDiscover);
        if let Some(number) = call.map(|(number, _)| *number) {
            self.calls.remove(&number);
            acts.push(Act::Drop(number));
            self.withdraw(number, None, acts);
        }
    }

    const fn take_number(&mut self) -> Number {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    /// Whether anything that answers the modern request `number` is wanted still.
    #[must_use]
    pub fn wants(&self, number: Number) -> bool {
        let call = self.calls.get(&number);
        call.is_some_and(|call| call.is_asked) || self.is_listen(number)
    }

    /// When [`tick`](Self::tick) must be called next.
    #[must_use]
    pub fn wake_ms(&self) -> Option<u64> {
        self.listening.wake_ms()
    }

    /// Does what was put off.
    pub fn tick(&mut self, now_ms: u64, acts: &mut Vec<Act>) {
        if self.wake_ms().is_some_and(|wake_ms| now_ms >= wake_ms) {
            self.refresh_listen(acts);
        }
    }
}

/// Whether the translation sends requests of `method` on.
fn is_carried(method: Method) -> bool {
    let is_task = matches!(
        method,
        Method::TasksGet
            | Method::TasksUpdate
            | Method::TasksCancel
            | Method::TasksResult
            | Method::TasksList
    );
    let is_shared =
        method.exists_in(Revision::R2025_11_25) && method.exists_in(Revision::R2026_07_28);
    method == Method::Other || is_shared && !is_task
}

/// An answer to the client's request `id`.
fn reply(id: &str, message: Vec<u8>) -> Act {
    Act::ToClient {
        message,
        during: Some(id.to_owned()),
    }
}
