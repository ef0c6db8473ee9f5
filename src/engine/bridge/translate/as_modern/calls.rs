//! Calls under way: parked for input, gone on with, finished, cancelled.

use super::super::answer::{error_to_modern, to_modern};
use super::super::input::{
    INPUTS_MAX, InputRequest, ROUNDS_MAX, Refusal, input_required, may_ask, required_elicitations,
};
use super::super::level::Level;
use super::super::object::Object;
use super::super::state::Parked;
use super::super::wire::{self, INTERNAL_ERROR, INVALID_PARAMS, Message, line};
use super::{
    Act, Asker, GHOST_MS, GHOSTS_MAX, Meta, PARKED_MAX, PARKED_MS, Session, answer_once,
    progress_token,
};
use crate::engine::mcp::methods::Method;

/// A call that the server has, and that no client left.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// Id of the client's latest request for it, as written.
    pub(super) id: String,
    /// Who waits for it; `None` while it is parked.
    pub(super) asker: Option<Asker>,
    /// Progress token of the client's latest request for it, as written.
    pub(super) token: Option<String>,
    pub(super) level: Option<Level>,
    /// What the client's latest request for it declared: decides what the server may ask.
    pub(super) capabilities: Box<str>,
    pub(super) digest: [u8; 32],
    /// What the server asked and was not answered.
    pub(super) inputs: Vec<Input>,
    /// Inputs so far: makes their keys.
    pub(super) keys: u32,
    /// Times that it was parked.
    pub(super) round: u32,
    /// End of its time while it is parked.
    pub(super) parked_until_ms: u64,
    /// The response, where it came while the call was parked; its id is the session's.
    pub(super) finished: Option<String>,
}

/// A request of the server.
#[derive(Debug)]
pub(super) struct Input {
    /// Its id, as the server wrote it.
    pub(super) server_id: String,
    pub(super) request: InputRequest,
}

impl Call {
    pub(super) const fn is_expired(&self, now_ms: u64) -> bool {
        self.asker.is_none() && now_ms >= self.parked_until_ms
    }

    /// Whether the server may still ask input for it.
    pub(super) fn may_ask(&self) -> bool {
        may_ask(self.method) && self.finished.is_none()
    }
}

const NO_ROOM: Refusal = Refusal {
    code: INTERNAL_ERROR,
    message: "too many requests wait for the client",
};

/// What a client is told about a `requestState` that opens nothing.
pub const STATE_UNKNOWN: &str = "requestState is unknown or has expired";

impl Session {
    /// The server asks something for the call `id`, which is under way.
    pub(super) fn ask_client(
        &mut self,
        id: u64,
        (method, message): (&str, &Message<'_>),
        now_ms: u64,
        acts: &mut Vec<Act>,
    ) -> Result<(), Refusal> {
        let parked = self.calls.values().filter(|call| call.asker.is_none());
        let is_full = parked.count() >= PARKED_MAX;
        let (Some(call), Some(server_id)) = (self.calls.get_mut(&id), message.id()) else {
            return Ok(());
        };
        let is_full = is_full && call.asker.is_some();
        if is_full || call.inputs.len() >= INPUTS_MAX || call.round >= ROUNDS_MAX {
            return Err(NO_ROOM);
        }
        call.keys += 1;
        let key = format!("input-{}", call.keys);
        call.inputs.push(Input {
            server_id: server_id.to_owned(),
            request: InputRequest::of(key, method, &message.object),
        });
        self.park(id, now_ms, acts);
        Ok(())
    }

    /// Tells the client of the call `id` what the server wants, where a client waits.
    fn park(&mut self, id: u64, now_ms: u64, acts: &mut Vec<Act>) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(asker) = call.asker.take() else {
            return;
        };
        call.round += 1;
        call.parked_until_ms = now_ms + PARKED_MS;
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let Some(state) = self.seal(id, call) else {
            let failed = wire::error(&call.id, INTERNAL_ERROR, "input cannot be asked for");
            answer_once(asker, failed, acts);
            return self.cancel(id, now_ms, acts);
        };
        let result = input_required(call.inputs.iter().map(|input| &input.request), Some(&state));
        answer_once(asker, wire::result(&call.id, &result), acts);
    }

    /// A retry: `parked` is what its `requestState` says. The server gets the answers, and the call goes on under the retry's id.
    pub fn resume(
        &mut self,
        asker: Asker,
        bytes: &[u8],
        parked: Parked,
        now_ms: u64,
        acts: &mut Vec<Act>,
    ) {
        let Some(message) = Message::read(bytes) else {
            return acts.push(Act::End(asker));
        };
        let id = message.id().unwrap_or("null");
        let meta = match Meta::read(id, &message.params()) {
            Ok(meta) => meta,
            Err(answer) => return answer_once(asker, answer, acts),
        };
        let call = self.calls.get_mut(&parked.call);
        let call = call.filter(|call| call.asker.is_none() && call.round == parked.round);
        let Some(call) = call.filter(|call| !call.is_expired(now_ms)) else {
            return answer_once(asker, wire::error(id, INVALID_PARAMS, STATE_UNKNOWN), acts);
        };
        call.asker = Some(asker);
        call.id = id.to_owned();
        call.token = progress_token(&message.params());
        let level = meta.level;
        call.level = level;
        call.capabilities = meta.capabilities;
        let finished = call.finished.take();
        call.answer_inputs(&message.params(), acts);
        let wants_more = !call.inputs.is_empty();
        self.set_level(level, acts);
        match finished {
            Some(response) => self.finish(parked.call, &response, acts),
            None if wants_more => self.park(parked.call, now_ms, acts),
            None => {}
        }
    }

    /// The server answered the call `id`: `response` goes to who waits for it, or waits for the retry.
    pub(super) fn finish(&mut self, id: u64, response: &str, acts: &mut Vec<Act>) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(asker) = call.asker else {
            call.inputs.clear();
            call.finished = Some(response.to_owned());
            return self.start_waiting(acts);
        };
        let response = translated(response, call, self.hello.server_info.as_deref());
        self.calls.remove(&id);
        answer_once(asker, response, acts);
        self.start_waiting(acts);
    }

    /// Takes the call `id` back from the server.
    pub(super) fn cancel(&mut self, id: u64, now_ms: u64, acts: &mut Vec<Act>) {
        let Some(call) = self.calls.remove(&id) else {
            return;
        };
        for input in &call.inputs {
            let gone = wire::error(&input.server_id, INTERNAL_ERROR, "request was cancelled");
            acts.push(Act::ToServer(gone));
        }
        if call.finished.is_none() {
            let params = format!("{{\"requestId\":{id},\"reason\":\"client left\"}}");
            acts.push(Act::ToServer(wire::notification(
                Method::Cancelled.as_str(),
                &params,
            )));
            if self.is_exclusive() && may_ask(call.method) {
                if self.ghosts.len() >= GHOSTS_MAX {
                    self.ghosts.pop_last();
                }
                self.ghosts.insert(id, now_ms);
            }
        }
        self.start_waiting(acts);
    }

    fn start_waiting(&mut self, acts: &mut Vec<Act>) {
        while !self.must_wait(Method::ToolsCall)
            && let Some((asker, bytes)) = self.waiting.pop_front()
        {
            self.ask(asker, &bytes, acts);
        }
    }
}

impl Call {
    /// Hands the answers in `params` to the server. What is missing or no result is asked for again, unless the client does
    /// not declare it any more.
    fn answer_inputs(&mut self, params: &Object<'_>, acts: &mut Vec<Act>) {
        let responses = params.object("inputResponses").unwrap_or_default();
        let capabilities = &self.capabilities;
        self.inputs.retain(|input| {
            let answer = responses.member(&input.request.key);
            let answer = match answer.filter(|answer| answer.starts_with('{')) {
                Some(answer) => wire::result(&input.server_id, answer),
                None => match input.request.check(capabilities) {
                    Ok(()) => return true,
                    Err(Refusal { code, message }) => wire::error(&input.server_id, code, message),
                },
            };
            acts.push(Act::ToServer(answer));
            false
        });
    }
}

/// The session's `response` as the one that the call's client waits for.
fn translated(response: &str, call: &Call, server_info: Option<&str>) -> Vec<u8> {
    let unusable = || wire::error(&call.id, INTERNAL_ERROR, "server's answer is not usable");
    let Some(mut message) = Object::parse(response) else {
        return unusable();
    };
    let member = match message.member("error") {
        Some(_) => "error",
        None => "result",
    };
    let old = message.member(member).unwrap_or_default();
    if may_ask(call.method)
        && member == "error"
        && let Some(required) = required_elicitations(old, &call.capabilities)
    {
        return wire::result(&call.id, &required);
    }
    let new = match member {
        "error" => error_to_modern(old),
        _ => to_modern(old, call.method, server_info),
    };
    let Some(new) = new else {
        return unusable();
    };
    message.set("id", call.id.clone());
    message.set(member, new);
    line(message.to_string())
}

const _: () = assert!(GHOST_MS < PARKED_MS);
