//! A legacy session that answers modern requests: several clients of one owner with the same capabilities on one session.
//!
//! Messages and the time go in, [`Act`]s come out. What a server asks during a call parks the call: its client gets
//! `input_required`, and the retry goes on with the same call (`calls`).
//!
//! **Invariant:** a server's request goes to the call that it was made for. Where the channel does not tell (`during`), calls
//! that may be asked for input run one at a time, and after one was cancelled nothing is asked on that session any more
//! unless the server confirmed the end of it.

mod calls;
mod listens;
mod opening;
mod server;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use super::canonical::digest;
use super::hello::{Hello, Profile};
use super::input::{can_be_asked, may_ask};
use super::level::Level;
use super::object::{Object, quoted};
use super::request::{CLIENT_CAPABILITIES, LOG_LEVEL, PROGRESS_TOKEN, PROTOCOL_VERSION, to_legacy};
use super::state::{Binding, Parked, States};
use super::wire::{self, INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND, Message};
use crate::engine::mcp::methods::Method;
use crate::engine::mcp::revision::Revision;
use crate::engine::session::Owner;
use calls::Call;
pub use calls::STATE_UNKNOWN;
use listens::Listens;
pub use opening::{Opened, Opening, Refused, Step};

/// Calls that may be under way on one session, parked ones included.
pub const CALLS_MAX: usize = 256;

/// Calls that may wait for their turn on one session.
pub const WAITING_MAX: usize = 16;

/// Calls of one session that may wait for their clients' input.
pub const PARKED_MAX: usize = 16;

/// How long a call waits for its client's input, in milliseconds.
pub const PARKED_MS: u64 = 600_000;

/// Cancelled calls of one session that are remembered. Beyond it, the newest takes the place of one, which still haunts.
pub const GHOSTS_MAX: usize = 256;

/// How long a cancelled call may take to be confirmed before its session is given up, in milliseconds.
pub const GHOST_MS: u64 = 1_000;

/// One modern request being answered, by a number that its owner chose.
pub type Asker = u64;

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Send it to the server.
    ToServer(Vec<u8>),
    /// Send it to the client that asked.
    Answer {
        /// Whose.
        asker: Asker,
        /// One message.
        message: Vec<u8>,
    },
    /// The asker has its response.
    End(Asker),
}

/// What a session answers for.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Whose it is.
    pub owner: Owner,
    /// What its clients said about themselves.
    pub profile: Profile,
    /// Seals what a parked call's client gets.
    pub states: States,
    /// Random: tells this session's states from others'.
    pub number: [u8; 16],
}

/// An open legacy session.
#[derive(Debug)]
pub struct Session {
    identity: Identity,
    hello: Hello,
    /// Whether the channel tells during which request a message came.
    channel_tells: bool,
    /// Whether its clients can be asked for anything.
    can_be_asked: bool,
    next_id: u64,
    calls: BTreeMap<u64, Call>,
    /// Requests to subscribe that are under way, with their URIs.
    subscribing: BTreeMap<u64, String>,
    /// Calls that were cancelled and may still be running, with the time.
    ghosts: BTreeMap<u64, u64>,
    waiting: VecDeque<(Asker, Vec<u8>)>,
    listens: Listens,
    level: Option<Level>,
}

/// A modern request, read.
struct Request<'a> {
    asker: Asker,
    bytes: &'a [u8],
    message: &'a Message<'a>,
    id: &'a str,
    method: Method,
    method_text: &'a str,
    meta: Meta,
}

/// What a modern request says beside its call.
struct Meta {
    level: Option<Level>,
    capabilities: Box<str>,
}

impl Session {
    /// The session that `opened` is, for the clients of `identity`.
    #[must_use]
    pub fn new(identity: Identity, opened: Opened) -> Self {
        Self {
            can_be_asked: can_be_asked(&identity.profile.capabilities),
            identity,
            hello: opened.hello,
            channel_tells: opened.channel_tells,
            next_id: 1,
            calls: BTreeMap::new(),
            subscribing: BTreeMap::new(),
            ghosts: BTreeMap::new(),
            waiting: VecDeque::new(),
            listens: Listens::default(),
            level: None,
        }
    }

    /// Takes the modern request `bytes` of `asker`. It was strictly scanned before; a notification or response ends at once.
    pub fn ask(&mut self, asker: Asker, bytes: &[u8], acts: &mut Vec<Act>) {
        let Some(message) = Message::read(bytes) else {
            return acts.push(Act::End(asker));
        };
        let (wire::Kind::Request(method_text), Some(id)) = (&message.kind, message.id()) else {
            return acts.push(Act::End(asker));
        };
        match Meta::read(id, &message.params()) {
            Ok(meta) => {
                let request = Request {
                    asker,
                    bytes,
                    message: &message,
                    id,
                    method: Method::parse(method_text),
                    method_text,
                    meta,
                };
                self.dispatch(&request, acts);
            }
            Err(answer) => answer_once(asker, answer, acts),
        }
    }

    fn dispatch(&mut self, request: &Request<'_>, acts: &mut Vec<Act>) {
        match request.method {
            Method::ServerDiscover => {
                let discover = wire::result(request.id, &self.hello.discover());
                answer_once(request.asker, discover, acts);
            }
            Method::SubscriptionsListen => self.listen(request, acts),
            method if !is_carried(method) => {
                refuse(request, METHOD_NOT_FOUND, "method not found", acts)
            }
            method if self.must_wait(method) => self.wait(request, acts),
            _ => self.start(request, acts),
        }
    }

    /// Whether only one call at a time may be under way that the server could ask input for.
    const fn is_exclusive(&self) -> bool {
        self.can_be_asked && !self.channel_tells
    }

    fn must_wait(&self, method: Method) -> bool {
        self.is_exclusive() && may_ask(method) && self.calls.values().any(Call::may_ask)
    }

    fn wait(&mut self, request: &Request<'_>, acts: &mut Vec<Act>) {
        if self.waiting.len() >= WAITING_MAX {
            return refuse(request, INTERNAL_ERROR, "too many calls are waiting", acts);
        }
        self.waiting
            .push_back((request.asker, request.bytes.to_vec()));
    }

    fn start(&mut self, request: &Request<'_>, acts: &mut Vec<Act>) {
        if self.calls.len() >= CALLS_MAX {
            return refuse(
                request,
                INTERNAL_ERROR,
                "too many calls are under way",
                acts,
            );
        }
        self.set_level(request.meta.level, acts);
        let id = self.take_id();
        let params = request.message.params();
        acts.push(Act::ToServer(to_legacy(&request.message.object, id)));
        let call = Call {
            method: request.method,
            id: request.id.to_owned(),
            asker: Some(request.asker),
            token: progress_token(&params),
            level: request.meta.level,
            capabilities: request.meta.capabilities.clone(),
            digest: digest(request.method_text, &params),
            inputs: Vec::new(),
            keys: 0,
            round: 0,
            parked_until_ms: 0,
            finished: None,
        };
        self.calls.insert(id, call);
    }

    /// Makes the server log what the most talkative call under way wants.
    fn set_level(&mut self, wanted: Option<Level>, acts: &mut Vec<Act>) {
        let others = self.calls.values().filter_map(|call| call.level);
        let level = wanted.map(|wanted| others.fold(wanted, Ord::min));
        if level.is_none() || level == self.level || !self.hello.tells.logs {
            return;
        }
        self.level = level;
        let name = level.map_or("", Level::as_str);
        // Its answer says nothing.
        let id = self.take_id();
        acts.push(Act::ToServer(wire::request(
            id,
            Method::LoggingSetLevel.as_str(),
            &format!("{{\"level\":{}}}", quoted(name)),
        )));
    }

    const fn take_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// The asker's client left: what it asked for is cancelled.
    pub fn left(&mut self, asker: Asker, now_ms: u64, acts: &mut Vec<Act>) {
        self.waiting.retain(|(waiting, _)| *waiting != asker);
        self.unlisten(asker, acts);
        let call = self
            .calls
            .iter()
            .find(|(_, call)| call.asker == Some(asker));
        if let Some(id) = call.map(|(id, _)| *id) {
            self.cancel(id, now_ms, acts);
        }
    }

    /// Gives up what waited too long.
    pub fn tick(&mut self, now_ms: u64, acts: &mut Vec<Act>) {
        let expired = self
            .calls
            .iter()
            .filter(|(_, call)| call.is_expired(now_ms));
        let expired: Vec<_> = expired.map(|(id, _)| *id).collect();
        for id in expired {
            self.cancel(id, now_ms, acts);
        }
    }

    /// When [`tick`](Self::tick) or [`is_spent`](Self::is_spent) must be asked next.
    #[must_use]
    pub fn wake_ms(&self) -> Option<u64> {
        let parked = self.calls.values().filter(|call| call.asker.is_none());
        let parked = parked.map(|call| call.parked_until_ms);
        let ghosts = self.ghosts.values().filter(|_| self.is_idle());
        let ghosts = ghosts.map(|since_ms| since_ms + GHOST_MS);
        parked.chain(ghosts).min()
    }

    /// The gateway ends the session: listens end gracefully.
    pub fn close(&mut self, acts: &mut Vec<Act>) {
        self.end_listens(acts);
    }

    /// Whether nobody wants anything of it.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.waiting.is_empty() && self.listens.is_empty()
    }

    /// Whether a call that may be asked for input would have to wait here, or could not be asked.
    #[must_use]
    pub fn is_occupied(&self) -> bool {
        let is_running = self.calls.values().any(Call::may_ask);
        self.is_exclusive() && (is_running || !self.ghosts.is_empty())
    }

    /// Whether it is of no use any more: idle, and a cancelled call may still be running on it.
    #[must_use]
    pub fn is_spent(&self, now_ms: u64) -> bool {
        let mut ghosts = self.ghosts.values();
        self.is_idle() && ghosts.any(|since_ms| now_ms >= since_ms + GHOST_MS)
    }

    fn binding<'a>(&self, digest: &'a [u8; 32]) -> Binding<'a> {
        Binding {
            owner: self.identity.owner,
            digest,
        }
    }

    /// The `requestState` of the call `id`.
    fn seal(&self, id: u64, call: &Call) -> Option<String> {
        let parked = Parked {
            session: self.identity.number,
            call: id,
            round: call.round,
        };
        // A second more than it is held, so that a state never runs out before its call.
        let expires_at_secs = call.parked_until_ms / 1_000 + 1;
        let binding = self.binding(&call.digest);
        self.identity.states.seal(binding, expires_at_secs, parked)
    }
}

/// Whether the translation sends requests of `method` on.
fn is_carried(method: Method) -> bool {
    let is_task = matches!(
        method,
        Method::TasksGet | Method::TasksUpdate | Method::TasksCancel
    );
    method == Method::Other || !is_task && method.exists_in(Revision::R2026_07_28)
}

impl Meta {
    /// Reads `params` of the request `id`; the error answers it.
    fn read(id: &str, params: &Object<'_>) -> Result<Self, Vec<u8>> {
        let meta = params.object("_meta").unwrap_or_default();
        let Some(version) = meta.member(PROTOCOL_VERSION) else {
            let missing = "_meta names no protocol version";
            return Err(wire::error(id, INVALID_PARAMS, missing));
        };
        if meta.text(PROTOCOL_VERSION).as_deref() != Some(Revision::R2026_07_28.as_str()) {
            return Err(wire::unsupported_version(id, version));
        }
        let level = meta.member(LOG_LEVEL).map(|_| {
            let level = meta.text(LOG_LEVEL);
            level.and_then(|level| Level::parse(&level))
        });
        let unknown = || wire::error(id, INVALID_PARAMS, "log level is not known");
        Ok(Self {
            level: level.map(|level| level.ok_or_else(unknown)).transpose()?,
            capabilities: meta.member(CLIENT_CAPABILITIES).unwrap_or("{}").into(),
        })
    }
}

fn progress_token(params: &Object<'_>) -> Option<String> {
    let meta = params.object("_meta")?;
    let token = meta.member(PROGRESS_TOKEN)?;
    wire::is_id(token).then(|| token.to_owned())
}

fn refuse(request: &Request<'_>, code: i32, message: &str, acts: &mut Vec<Act>) {
    answer_once(request.asker, wire::error(request.id, code, message), acts);
}

fn answer_once(asker: Asker, message: Vec<u8>, acts: &mut Vec<Act>) {
    acts.push(Act::Answer { asker, message });
    acts.push(Act::End(asker));
}
