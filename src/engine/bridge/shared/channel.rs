//! The requests that are open over one channel, and where each message of the server goes.

use std::fmt;

use rustc_hash::FxHashMap;

use super::listen::{Listen, is_event};
use super::server_message::{
    Notice, Response, ResultParts, SUBSCRIPTION_ID, ServerMessage, is_object_at,
};
use super::splice::{Splice, one_line};
use crate::engine::bridge::state_seal::{CallBinding, StateError, StateSeal};
use crate::engine::mcp::json::Syntax;
use crate::engine::mcp::limits::JSON_DEPTH_CAP;
use crate::engine::mcp::message::{Body, Call, Id, Kind};
use crate::engine::mcp::methods::Method;
use crate::engine::mcp::scan::{ScanLimits, scan};
use crate::engine::reply::{Failure, ReplyId};
use crate::engine::session::Owner;

/// Requests that may be open over one channel at once.
pub const REQUESTS_MAX: usize = 4_096;

/// Longest notification that is copied to every subscription that asked for it, in bytes. They are a line each.
pub const EVENT_BYTES_MAX: usize = 16 * 1_024;

/// A request's number on the channel: its id, progress token and subscription id there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey(u64);

impl RequestKey {
    /// The first that a channel gives.
    pub const FIRST: Self = Self(1);
}

/// One channel's open requests. Sans-IO: messages in, messages out.
#[derive(Debug)]
pub struct Channel {
    next_number: u64,
    requests: FxHashMap<u64, Request>,
    states: StateSeal,
    tools_changed: bool,
}

/// An open request, in its client's terms.
#[derive(Debug)]
struct Request {
    /// Its id as the client wrote it.
    id: Box<[u8]>,
    /// Its progress token as the client wrote it.
    progress_token: Option<Box<[u8]>>,
    /// Whether it asks for log messages.
    wants_logs: bool,
    /// What it listens to.
    listen: Option<Listen>,
    binding: CallBinding,
}

/// A request that may go to the server.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened {
    /// Under which its answers come.
    pub key: RequestKey,
    /// What the server gets: one line.
    pub message: Vec<u8>,
}

/// Why a request does not go to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// As many are open as may be.
    Full,
    /// The message is no single request.
    NotARequest,
    /// What it listens to cannot be read.
    Listen(Syntax),
    /// Its `requestState` is not one of this call.
    State(StateError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => write!(
                f,
                "the shared server has {REQUESTS_MAX} requests open; limit is {REQUESTS_MAX}"
            ),
            Self::NotARequest => f.write_str("message is not a single request"),
            Self::Listen(syntax) => write!(f, "listen filter cannot be read: {syntax}"),
            Self::State(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

/// A message for one client.
#[derive(Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Whose.
    pub key: RequestKey,
    /// The message in the client's terms.
    pub message: Vec<u8>,
    /// Whether the request is over with it.
    pub is_last: bool,
    /// Whether a client that reads slowly may do without it: progress and logs.
    pub is_lossy: bool,
}

/// What follows from a message of the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// It goes to these clients, at least one.
    Deliver(Vec<Delivery>),
    /// It goes to nobody, and the server gets this answer.
    Refuse(Vec<u8>),
    /// It goes to nobody.
    Ignore(Ignored),
}

/// Why a message goes to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// It is no JSON-RPC message.
    NotAMessage,
    /// It answers or concerns a request that is over.
    Late,
    /// It names a request that never was, or none.
    Foreign,
    /// Nobody asked for it.
    Unasked,
    /// It came on a subscription that the server has not acknowledged.
    BeforeAcknowledgement,
    /// Several requests, or none, may be what it belongs to.
    Ambiguous,
    /// It is for every subscription and longer than [`EVENT_BYTES_MAX`].
    TooLarge,
}

impl Ignored {
    /// In a word, for the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAMessage => "not a JSON-RPC message",
            Self::Late => "its request is over",
            Self::Foreign => "it names no request of the gateway",
            Self::Unasked => "nobody asked for it",
            Self::BeforeAcknowledgement => "its subscription is not acknowledged",
            Self::Ambiguous => "it belongs to no one request",
            Self::TooLarge => "it is for every subscription and longer than 16384 bytes",
        }
    }
}

impl Channel {
    /// A channel without requests, which seals the states of its server with `states`.
    #[must_use]
    pub fn new(states: StateSeal) -> Self {
        Self {
            next_number: RequestKey::FIRST.0,
            requests: FxHashMap::default(),
            states,
            tools_changed: false,
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
        let body = scan(message, &SCAN_LIMITS).map_err(|_| OpenError::NotARequest)?;
        let Body::One(scanned) = &body else {
            return Err(OpenError::NotARequest);
        };
        let Kind::Request { id, call } = &scanned.kind else {
            return Err(OpenError::NotARequest);
        };
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
        Ok(Opened {
            key: RequestKey(number),
            message: one_line(splice.apply(message)),
        })
    }

    /// The client of `key` is gone: what the server is told, where the request was still open.
    pub fn cancel(&mut self, key: RequestKey) -> Option<Vec<u8>> {
        self.requests.remove(&key.0)?;
        let number = key.0;
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
    }

    /// Finds where `message` of the server goes, and puts it into the terms of each client that gets it. O(bytes).
    pub fn receive(&mut self, message: &[u8], now_secs: u64) -> Received {
        match ServerMessage::read(message) {
            None => Received::Ignore(Ignored::NotAMessage),
            Some(ServerMessage::Request { id }) => Received::Refuse(refusal(id.of(message))),
            Some(ServerMessage::Response(response)) => self.response(message, response, now_secs),
            Some(ServerMessage::Notice(notice)) => self.notice(message, &notice),
        }
    }

    fn response(&mut self, message: &[u8], response: Response, now_secs: u64) -> Received {
        let Some((id, number)) = response
            .id
            .and_then(|id| Some((id, number_of(id.of(message))?)))
        else {
            return Received::Ignore(Ignored::Foreign);
        };
        let Some(request) = self.requests.remove(&number) else {
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

    fn notice(&mut self, message: &[u8], notice: &Notice) -> Received {
        self.tools_changed |= notice.method == Method::ToolsListChanged;
        if let Some(subscription) = notice.subscription_id {
            return self.for_subscription(message, notice, subscription.of(message));
        }
        match notice.method {
            Method::Progress => self.progress(message, notice),
            Method::LogMessage => self.log(message),
            Method::Cancelled => self.closed(message, notice),
            method if is_event(method) => self.event(message, notice),
            _ => Received::Ignore(Ignored::Ambiguous),
        }
    }

    fn progress(&self, message: &[u8], notice: &Notice) -> Received {
        let found = notice
            .progress_token
            .and_then(|token| Some((token, number_of(token.of(message))?)));
        let Some((token, number)) = found else {
            return Received::Ignore(Ignored::Foreign);
        };
        let Some(request) = self.requests.get(&number) else {
            return Received::Ignore(self.unknown(number));
        };
        match &request.progress_token {
            Some(asked) if request.listen.is_none() => {
                let mut splice = Splice::default();
                splice.replace(token, &**asked);
                deliver(number, splice.apply(message), End::Lossy)
            }
            _ => Received::Ignore(Ignored::Unasked),
        }
    }

    /// A log message names no request, so only where one alone asked for them is it sure whose it is.
    fn log(&self, message: &[u8]) -> Received {
        let mut asked = self
            .requests
            .iter()
            .filter(|(_, request)| request.wants_logs);
        match (asked.next(), asked.next()) {
            (Some((number, _)), None) => deliver(*number, message.to_vec(), End::Lossy),
            (None, _) => Received::Ignore(Ignored::Unasked),
            (Some(_), Some(_)) => Received::Ignore(Ignored::Ambiguous),
        }
    }

    /// The server ends a subscription.
    fn closed(&mut self, message: &[u8], notice: &Notice) -> Received {
        let found = notice
            .request_id
            .and_then(|id| Some((id, number_of(id.of(message))?)));
        let Some((id, number)) = found else {
            return Received::Ignore(Ignored::Foreign);
        };
        match self.requests.get(&number) {
            None => return Received::Ignore(self.unknown(number)),
            Some(request) if request.listen.is_none() => {
                return Received::Ignore(Ignored::Unasked);
            }
            Some(request) => {
                let mut splice = Splice::default();
                splice.replace(id, &*request.id);
                let received = deliver(number, splice.apply(message), End::Last);
                self.requests.remove(&number);
                received
            }
        }
    }

    fn for_subscription(
        &mut self,
        message: &[u8],
        notice: &Notice,
        subscription: &[u8],
    ) -> Received {
        if notice.method == Method::Cancelled {
            return self.closed(message, notice);
        }
        let Some(number) = number_of(subscription) else {
            return Received::Ignore(Ignored::Foreign);
        };
        let unknown = self.unknown(number);
        let Some(request) = self.requests.get_mut(&number) else {
            return Received::Ignore(unknown);
        };
        let Some(listen) = &mut request.listen else {
            return Received::Ignore(Ignored::Unasked);
        };
        listen.is_acknowledged |= notice.method == Method::SubscriptionsAcknowledged;
        if !listen.is_acknowledged {
            return Received::Ignore(Ignored::BeforeAcknowledgement);
        }
        if !listen.allows(notice.method) {
            return Received::Ignore(Ignored::Unasked);
        }
        deliver(number, tagged(message, notice, &request.id), End::More)
    }

    /// A change that the server tells of without saying to whom: everybody who asked for it hears it once.
    fn event(&self, message: &[u8], notice: &Notice) -> Received {
        if message.len() > EVENT_BYTES_MAX {
            return Received::Ignore(Ignored::TooLarge);
        }
        let mut numbers: Vec<u64> = self
            .requests
            .iter()
            .filter(|(_, request)| request.hears(notice))
            .map(|(number, _)| *number)
            .collect();
        numbers.sort_unstable();
        if numbers.is_empty() {
            return Received::Ignore(Ignored::Unasked);
        }
        let deliveries = numbers.into_iter().map(|number| Delivery {
            key: RequestKey(number),
            message: tagged(message, notice, &self.requests[&number].id),
            is_last: false,
            is_lossy: false,
        });
        Received::Deliver(deliveries.collect())
    }

    const fn unknown(&self, number: u64) -> Ignored {
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
            id: id.raw(message).into(),
            progress_token: meta.progress_token.map(|token| token.raw(message).into()),
            wants_logs: meta.log_level.is_some() && listen.is_none(),
            listen,
            binding: CallBinding::of(owner, message, call).map_err(OpenError::State)?,
        })
    }

    fn hears(&self, notice: &Notice) -> bool {
        self.listen
            .as_ref()
            .is_some_and(|listen| listen.is_acknowledged && listen.wants(notice))
    }
}

/// What a delivery means for its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// More may come, and this one may be lost.
    Lossy,
    /// More may come.
    More,
    /// Nothing more comes.
    Last,
}

fn deliver(number: u64, message: Vec<u8>, end: End) -> Received {
    Received::Deliver(vec![Delivery {
        key: RequestKey(number),
        message,
        is_last: end == End::Last,
        is_lossy: end == End::Lossy,
    }])
}

/// The number that `token` is; only spelled as the channel spelled it.
fn number_of(token: &[u8]) -> Option<u64> {
    let is_plain = !token.is_empty() && token.iter().all(u8::is_ascii_digit);
    str::from_utf8(token)
        .ok()
        .filter(|_| is_plain)?
        .parse()
        .ok()
}

/// `message` with the client's subscription id in its `_meta`, whatever was there.
fn tagged(message: &[u8], notice: &Notice, id: &[u8]) -> Vec<u8> {
    let mut splice = Splice::default();
    let member = [b"\"", SUBSCRIPTION_ID.as_bytes(), b"\":", id].concat();
    let meta = [b"\"_meta\":{", member.as_slice(), b"}"].concat();
    match (notice.subscription_id, notice.meta, notice.params) {
        (Some(found), ..) => splice.replace(found, id),
        (None, Some(found), _) if is_object_at(message, found) => {
            splice.insert_member(message, found, &member);
        }
        (None, Some(found), _) => {
            splice.replace(found, [b"{", member.as_slice(), b"}"].concat());
        }
        (None, None, Some(params)) if is_object_at(message, params) => {
            splice.insert_member(message, params, &meta);
        }
        (None, None, Some(params)) => {
            splice.replace(params, [b"{", meta.as_slice(), b"}"].concat());
        }
        (None, None, None) => {
            let params = [b"\"params\":{", meta.as_slice(), b"}"].concat();
            splice.insert_member(message, notice.message, &params);
        }
    }
    splice.apply(message)
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
