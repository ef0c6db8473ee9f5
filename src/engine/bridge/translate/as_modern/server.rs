//! What the server says: responses by id, notifications by token or call, requests to the call that they were made for.

use super::super::input::{Refusal, check};
use super::super::level::Level;
use super::super::request::PROGRESS_TOKEN;
use super::super::wire::{self, Kind, METHOD_NOT_FOUND, Message, line};
use super::{Act, Session};
use crate::engine::mcp::methods::Method;

const NOBODY: Refusal = Refusal {
    code: METHOD_NOT_FOUND,
    message: "no request is under way that the client could be asked for",
};

impl Session {
    /// Takes a message of the server. `during`: the raw id of the request on whose stream it came, where the channel tells.
    /// What makes no sense is passed over.
    pub fn from_server(
        &mut self,
        bytes: &[u8],
        during: Option<&[u8]>,
        now_ms: u64,
        acts: &mut Vec<Act>,
    ) {
        let Some(message) = Message::read(bytes) else {
            return;
        };
        self.channel_tells |= during.is_some();
        match &message.kind {
            Kind::Response => self.response(&message, acts),
            Kind::Request(method) => self.request(method, &message, during, now_ms, acts),
            Kind::Notification(method) => {
                self.notification(Method::parse(method), message.clone(), during, acts);
            }
        }
    }

    fn response(&mut self, message: &Message<'_>, acts: &mut Vec<Act>) {
        let Some(id) = message.id().and_then(|id| id.parse().ok()) else {
            return;
        };
        // Answered late, and over at last.
        self.ghosts.remove(&id);
        match self.subscribing.remove(&id) {
            Some(uri) => {
                let is_error = message.object.member("error").is_some();
                self.subscribed(id, &uri, is_error, acts);
            }
            None => self.finish(id, &message.object.to_string(), acts),
        }
    }

    fn request(
        &mut self,
        method: &str,
        message: &Message<'_>,
        during: Option<&[u8]>,
        now_ms: u64,
        acts: &mut Vec<Act>,
    ) {
        let Some(id) = message.id() else {
            return;
        };
        if method == Method::Ping.as_str() {
            return acts.push(Act::ToServer(wire::result(id, "{}")));
        }
        let asked = self.may_be_asked(method, message, during);
        let asked = asked.and_then(|call| self.ask_client(call, (method, message), now_ms, acts));
        if let Err(Refusal { code, message }) = asked {
            acts.push(Act::ToServer(wire::error(id, code, message)));
        }
    }

    /// The call that the server's request was made for, where its client declared what is asked.
    fn may_be_asked(
        &self,
        method: &str,
        message: &Message<'_>,
        during: Option<&[u8]>,
    ) -> Result<u64, Refusal> {
        let id = self.asked_for(during).ok_or(NOBODY)?;
        let call = self.calls.get(&id).ok_or(NOBODY)?;
        check(&call.capabilities, method, &message.params())?;
        Ok(id)
    }

    /// The call that a request of the server was made for.
    fn asked_for(&self, during: Option<&[u8]>) -> Option<u64> {
        let mut calls = self.calls.iter().filter(|(_, call)| call.may_ask());
        if let Some(during) = during {
            let during = own_id(during)?;
            return calls.find(|(id, _)| **id == during).map(|(id, _)| *id);
        }
        // A cancelled call that goes on would be taken for the one that came after it.
        let (only, None) = (calls.next()?, calls.next()) else {
            return None;
        };
        self.ghosts.is_empty().then_some(*only.0)
    }

    fn notification(
        &mut self,
        method: Method,
        message: Message<'_>,
        during: Option<&[u8]>,
        acts: &mut Vec<Act>,
    ) {
        match method {
            Method::Progress => self.progress(message, acts),
            Method::LogMessage => self.log(message, during, acts),
            Method::Cancelled => self.withdrawn(&message),
            Method::Other => self.pass(message, during, acts),
            _ => self.notify(method, &message.object, acts),
        }
    }

    fn progress(&mut self, mut message: Message<'_>, acts: &mut Vec<Act>) {
        let params = message
            .object
            .member("params")
            .unwrap_or_default()
            .to_owned();
        let Some(mut params) = super::Object::parse(&params) else {
            return;
        };
        let call = params.member(PROGRESS_TOKEN).and_then(|id| id.parse().ok());
        let call = call.and_then(|id: u64| self.calls.get(&id));
        let Some((asker, token)) = call.and_then(|call| call.asker.zip(call.token.as_ref())) else {
            return;
        };
        params.set(PROGRESS_TOKEN, token.clone());
        message.object.set("params", params.to_string());
        let message = line(message.object.to_string());
        acts.push(Act::Answer { asker, message });
    }

    fn log(&mut self, message: Message<'_>, during: Option<&[u8]>, acts: &mut Vec<Act>) {
        let level = message.params().text("level");
        let level = level.and_then(|level| Level::parse(&level));
        let call = self.told_for(during).and_then(|id| self.calls.get(&id));
        let wanted = call.and_then(|call| call.asker.zip(call.level));
        if let (Some(level), Some((asker, wanted))) = (level, wanted)
            && level >= wanted
        {
            let message = message.into_line();
            acts.push(Act::Answer { asker, message });
        }
    }

    /// A notification that no revision knows goes with the call that it came with.
    fn pass(&mut self, message: Message<'_>, during: Option<&[u8]>, acts: &mut Vec<Act>) {
        let call = self.told_for(during).and_then(|id| self.calls.get(&id));
        if let Some(asker) = call.and_then(|call| call.asker) {
            let message = message.into_line();
            acts.push(Act::Answer { asker, message });
        }
    }

    /// The call that a notification came with.
    fn told_for(&self, during: Option<&[u8]>) -> Option<u64> {
        if let Some(during) = during {
            return own_id(during).filter(|id| self.calls.contains_key(id));
        }
        let mut calls = self.calls.keys();
        let (only, None) = (calls.next()?, calls.next()) else {
            return None;
        };
        self.ghosts.is_empty().then_some(*only)
    }

    /// The server takes a request of its own back.
    fn withdrawn(&mut self, message: &Message<'_>) {
        let params = message.params();
        let id = params.member("requestId");
        for call in self.calls.values_mut() {
            call.inputs.retain(|input| Some(&*input.server_id) != id);
        }
    }
}

fn own_id(raw: &[u8]) -> Option<u64> {
    std::str::from_utf8(raw).ok()?.parse().ok()
}
