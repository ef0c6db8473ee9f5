//! The requests that are open over one channel, and where each message of the server goes.

use rustc_hash::FxHashMap;

use super::ghosts::Ghosts;
use super::listen::Listen;
use super::outcome::{
    End, Ignored, OWNER_REQUESTS_MAX, OpenError, Opened, REQUESTS_MAX, Received, RequestKey,
    deliver,
};
use super::server_message::{Notice, Response, ResultParts, ServerMessage};
use super::splice::{Splice, one_line};
use crate::engine::bridge::state_seal::{CallBinding, StateSeal};
use crate::engine::mcp::limits::JSON_DEPTH_CAP;
use crate::engine::mcp::message::{Body, Call, Id, Kind};
use crate::engine::mcp::methods::Method;
use crate::engine::mcp::revision::Revision;
use crate::engine::mcp::scan::{ScanLimits, scan};
use crate::engine::reply::{Failure, ReplyId};
use crate::engine::session::Owner;

/// One channel's open requests. Sans-IO: messages in, messages out.
#[derive(Debug)]
pub struct Channel {
    next_number: u64,
    pub(super) requests: FxHashMap<u64, Request>,
    /// Open requests of each owner that has any.
    owners: FxHashMap<Owner, usize>,
    states: StateSeal,
    pub(super) tools_changed: bool,
    pub(super) ghosts: Ghosts,
}

/// An open request, in its client's terms.
#[derive(Debug)]
pub(super) struct Request {
    /// Whose it is.
    pub(super) owner: Owner,
    /// Its id as the client wrote it.
    pub(super) id: Box<[u8]>,
    /// Its progress token as the client wrote it.
    pub(super) progress_token: Option<Box<[u8]>>,
    /// Whether it asks for log messages.
    pub(super) wants_logs: bool,
    /// What it listens to.
    pub(super) listen: Option<Listen>,
    binding: CallBinding,
}

impl Channel {
    /// A channel without requests, which seals the states of its server with `states`.
    #[must_use]
    pub fn new(states: StateSeal) -> Self {
        Self {
            next_number: RequestKey::FIRST.0,
            requests: FxHashMap::default(),
            owners: FxHashMap::default(),
            states,
            tools_changed: false,
            ghosts: Ghosts::default(),
        }
    }

    /// Whether the server has told of a change of its tools since this was last asked.
    pub fn take_tools_changed(&mut self) -> bool {
        std::mem::take(&mut self.tools_changed)
    }

    /// Requests that are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    /// Whether no request is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Opens the request `message` of `owner` and puts it into the channel's terms. O(bytes). Errors: see [`OpenError`].
    pub fn open(
        &mut self,
        owner: Owner,
        message: &[u8],
        now_secs: u64,
    ) -> Result<Opened, OpenError> {
        if self.requests.len() >= REQUESTS_MAX {
            return Err(OpenError::Full);
        }
        let open = self.owners.get(&owner).copied().unwrap_or_default();
        if open >= OWNER_REQUESTS_MAX {
            return Err(OpenError::OwnerFull);
        }
        let body = scan(message, &SCAN_LIMITS).map_err(|_| OpenError::NotARequest)?;
        let Body::One(scanned) = &body else {
            return Err(OpenError::NotARequest);
        };
        let Kind::Request { id, call } = &scanned.kind else {
            return Err(OpenError::NotARequest);
        };
        if is_gone(call.method) || is_named_like_a_notification(call.method_text.as_str(message)) {
            return Err(OpenError::Gone);
        }
        let request = Request::of(owner, message, *id, call)?;
        let number = self.next_number;
        let mut splice = Splice::default();
        splice.replace(id.span(), number.to_string());
        if let Some(token) = call.params.meta.progress_token {
            splice.replace(token.span(), number.to_string());
        }
        if let Some(state) = call.params.request_state {
            let opened = self
                .states
                .unwrap(&request.binding, now_secs, state.of(message))
                .map_err(OpenError::State)?;
            splice.replace(state, opened);
        }
        self.next_number += 1;
        self.requests.insert(number, request);
        self.owners.insert(owner, open + 1);
        Ok(Opened {
            key: RequestKey(number),
            message: one_line(splice.apply(message)),
        })
    }

    /// The client of `key` is gone: what the server is told, where the request was still open.
    pub fn cancel(&mut self, key: RequestKey, now_secs: u64) -> Option<Vec<u8>> {
        let request = self.close(key.0)?;
        let number = key.0;
        if request.wants_logs {
            self.ghosts.add(number, request.owner, now_secs);
        }
        Some(
            format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{number},"reason":"client disconnected"}}}}"#
            )
            .into_bytes(),
        )
    }

    /// The server is gone: forgets every open request.
    pub fn end(&mut self) {
        self.requests.clear();
        self.owners.clear();
        self.ghosts = Ghosts::default();
    }

    /// Takes out the request `number`, which is over.
    pub(super) fn close(&mut self, number: u64) -> Option<Request> {
        let request = self.requests.remove(&number)?;
        if let Some(open) = self.owners.get_mut(&request.owner) {
            *open -= 1;
            if *open == 0 {
                self.owners.remove(&request.owner);
            }
        }
        Some(request)
    }

    /// Finds where `message` of the server goes, and puts it into the terms of each client that gets it. O(bytes).
    pub fn receive(&mut self, message: &[u8], now_secs: u64) -> Received {
        match ServerMessage::read(message) {
            None => Received::Ignore(Ignored::NotAMessage),
            Some(ServerMessage::Request { id }) => Received::Refuse(refusal(id.of(message))),
            Some(ServerMessage::Response(response)) => self.response(message, response, now_secs),
            Some(ServerMessage::Notice(notice)) => self.notice(message, &notice, now_secs),
        }
    }

    fn response(&mut self, message: &[u8], response: Response, now_secs: u64) -> Received {
        let Some((id, number)) = response
            .id
            .and_then(|id| Some((id, number_of(id.of(message))?)))
        else {
            return Received::Ignore(Ignored::Foreign);
        };
        let Some(request) = self.close(number) else {
            self.ghosts.lay(number);
            return Received::Ignore(self.unknown(number));
        };
        let mut splice = Splice::default();
        splice.replace(id, &*request.id);
        let parts = response.result.ok();
        let is_sound =
            parts.is_some_and(|parts| self.result(message, parts, &request, now_secs, &mut splice));
        let message = if is_sound {
            splice.apply(message)
        } else {
            unusable(&request.id)
        };
        deliver(number, message, End::Last)
    }

    /// Puts the parts of a result into the client's terms; false where that cannot be done.
    fn result(
        &self,
        message: &[u8],
        parts: ResultParts,
        request: &Request,
        now_secs: u64,
        splice: &mut Splice,
    ) -> bool {
        if let (Some(subscription), Some(_)) = (parts.subscription_id, &request.listen) {
            splice.replace(subscription, &*request.id);
        }
        let Some(state) = parts
            .request_state
            .filter(|state| state.of(message) != b"null")
        else {
            return true;
        };
        match self
            .states
            .wrap(&request.binding, now_secs, state.of(message))
        {
            Some(wrapped) => {
                splice.replace(state, wrapped);
                true
            }
            None => false,
        }
    }

    /// Why a message about the request `number`, which is not open, goes to nobody.
    pub(super) const fn unknown(&self, number: u64) -> Ignored {
        if number >= RequestKey::FIRST.0 && number < self.next_number {
            Ignored::Late
        } else {
            Ignored::Foreign
        }
    }
}

/// What was scanned strictly before is scanned again for its spans.
const SCAN_LIMITS: ScanLimits = ScanLimits {
    depth_max: JSON_DEPTH_CAP,
    batch_max: 1,
};

/// Whether `method` is known and not to this era, whatever the request says of its version.
fn is_gone(method: Method) -> bool {
    method != Method::Other && !method.exists_in(Revision::R2026_07_28)
}

/// Whether a request is called like a notification. A server that looks at the name alone would take it for one, and the
/// numbers in it, which are its sender's, for those of the channel: another client's request would be cancelled.
fn is_named_like_a_notification(method: &str) -> bool {
    method.starts_with("notifications/")
}

impl Request {
    fn of(owner: Owner, message: &[u8], id: Id, call: &Call) -> Result<Self, OpenError> {
        let meta = &call.params.meta;
        let listen = match call.method {
            Method::SubscriptionsListen => {
                Some(Listen::of(message, call).map_err(OpenError::Listen)?)
            }
            _ => None,
        };
        Ok(Self {
            owner,
            id: id.raw(message).into(),
            progress_token: meta.progress_token.map(|token| token.raw(message).into()),
            wants_logs: meta.log_level.is_some() && listen.is_none(),
            listen,
            binding: CallBinding::of(owner, message, call).map_err(OpenError::State)?,
        })
    }

    /// Whether `notice`, which names no subscription, is for this one.
    pub(super) fn hears(&self, notice: &Notice) -> bool {
        self.listen
            .as_ref()
            .is_some_and(|listen| listen.is_acknowledged && listen.wants(notice))
    }
}

/// The number that `token` is; only spelled as the channel spelled it.
pub(super) fn number_of(token: &[u8]) -> Option<u64> {
    let is_plain = !token.is_empty() && token.iter().all(u8::is_ascii_digit);
    str::from_utf8(token)
        .ok()
        .filter(|_| is_plain)?
        .parse()
        .ok()
}

/// The answer to a request of the server, which this era does not have.
fn refusal(id: &[u8]) -> Vec<u8> {
    let error = br#","error":{"code":-32601,"message":"method not found"}}"#;
    [br#"{"jsonrpc":"2.0","id":"#, id, error].concat()
}

/// What a client gets in place of an answer that cannot be put into its terms.
fn unusable(id: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    Failure::UpstreamBadAnswer.encode(ReplyId::Known(id), "", &mut message);
    message
}

#[cfg(test)]
mod tests;
