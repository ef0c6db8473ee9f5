//! Modern requests on legacy sessions: which session takes a request, and when there is another one.
//!
//! One owner may have several sessions with the same capabilities: where a server's questions cannot be told apart, only one
//! call that may ask runs on a session, and the next one gets a session of its own ([`pool`]).

mod pool;
mod session;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::Clock;
use crate::control::bridge::{
    Answers, Ask, BoxFuture, ConnectError, Connector, FullScope, ModernUpstream,
};
use crate::engine::bridge::translate::as_modern::{Identity, STATE_UNKNOWN};
use crate::engine::bridge::translate::canonical::{canonical, digest};
use crate::engine::bridge::translate::hello::Profile;
use crate::engine::bridge::translate::input::{can_be_asked, may_ask};
use crate::engine::bridge::translate::request::{CLIENT_CAPABILITIES, CLIENT_INFO};
use crate::engine::bridge::translate::state::{Binding, Parked, States};
use crate::engine::bridge::translate::wire::{self, INVALID_PARAMS, Kind, Message};
use crate::engine::limits::Limits;
use crate::engine::mcp::methods::Method;
use crate::engine::seal::Sealer;
use crate::engine::session::Owner;
use pool::{Handle, Key, Pool, Want};
use session::{Command, Standing, Task};

/// Commands that may wait for one session.
const COMMANDS_MAX: usize = 16;

/// Sessions that a request is offered to: one may end just as it comes.
const OFFERS_MAX: usize = 4;

/// Time that a server gets to end after its session did, before another one is opened in its place, in milliseconds.
const YIELD_MS: u64 = 300;

/// What the translation may hold.
#[derive(Clone, Copy, Debug)]
pub(in crate::control) struct Bounds {
    /// Sessions at once.
    pub(in crate::control) sessions: usize,
    /// Sessions of one owner at once.
    pub(in crate::control) sessions_per_owner: usize,
    /// Time after which a session that nobody uses ends, in milliseconds.
    pub(in crate::control) idle_ms: u64,
    /// Time for a server to connect and to answer `initialize`, in milliseconds.
    pub(in crate::control) opening_ms: u64,
}

/// Default of [`Bounds::opening_ms`]: children in containers and package runners take their time.
const OPENING_MS: u64 = 60_000;

impl Bounds {
    /// As far as `limits` goes.
    pub(in crate::control) fn of(limits: &Limits) -> Self {
        Self {
            sessions: limits.sessions,
            sessions_per_owner: limits.sessions_per_principal,
            idle_ms: limits.session_idle_timeout_ms,
            opening_ms: OPENING_MS,
        }
    }
}

/// A legacy server as a modern one. Dropping it ends its sessions.
pub(in crate::control) struct AsModern {
    connector: Arc<dyn Connector>,
    states: States,
    bounds: Bounds,
    clock: Clock,
    pool: Mutex<Pool>,
    /// Whether the channel was seen to tell during which call a question came: then calls need no sessions of their own.
    channel_tells: Arc<AtomicBool>,
}

/// What a client is told about `inputResponses` that are no object.
const RESPONSES_MALFORMED: &str = "inputResponses is not an object";

/// A modern request, as far as it decides where it goes.
struct Going {
    key: Key,
    profile: Profile,
    /// Its id as written, for a refusal.
    id: String,
    /// Whether its `inputResponses` are none that a retry could have.
    is_malformed: bool,
    /// Whether the server may ask its client something during it.
    may_be_asked: bool,
    resumed: Option<Option<Parked>>,
}

impl AsModern {
    /// In front of what `connector` reaches, which is called `server`. `sealer` seals `requestState`.
    pub(in crate::control) fn new(
        connector: Arc<dyn Connector>,
        sealer: Sealer,
        server: Box<str>,
        bounds: Bounds,
    ) -> Self {
        Self {
            connector,
            states: States::new(sealer, server),
            bounds,
            clock: Clock::start(),
            pool: Mutex::new(Pool::new(bounds)),
            channel_tells: Arc::new(AtomicBool::new(false)),
        }
    }

    async fn answer(&self, ask: Ask) -> Result<Answers, ConnectError> {
        let Some(going) = self.read(ask.owner, &ask.message) else {
            // A notification: nothing answers it.
            return Ok(mpsc::channel(1).1);
        };
        let message: Arc<[u8]> = ask.message.into();
        if going.is_malformed {
            return Ok(refused(&going.id, RESPONSES_MALFORMED));
        }
        match going.resumed {
            Some(parked) => self.resume(&going, parked, message).await,
            None => self.begin(&going, message).await,
        }
    }

    fn read(&self, owner: Owner, message: &[u8]) -> Option<Going> {
        let message = Message::read(message)?;
        let (Kind::Request(method_text), Some(id)) = (&message.kind, message.id()) else {
            return None;
        };
        let method = Method::parse(method_text);
        let params = message.params();
        let meta = params.object("_meta").unwrap_or_default();
        let profile = Profile::new(meta.member(CLIENT_CAPABILITIES), meta.member(CLIENT_INFO));
        let responses = params.member("inputResponses");
        let state = params.member("requestState").filter(|_| may_ask(method));
        let resumed = state.map(|state| {
            let digest = &digest(method_text, &params);
            let now_secs = self.clock.now_ms() / 1_000;
            self.states.open(Binding { owner, digest }, now_secs, state)
        });
        Some(Going {
            key: Key {
                owner,
                profile: canonical(&profile.initialize()).into(),
            },
            may_be_asked: may_ask(method) && can_be_asked(&profile.capabilities),
            profile,
            id: id.to_owned(),
            is_malformed: may_ask(method)
                && responses.is_some_and(|responses| !responses.starts_with('{')),
            resumed,
        })
    }

    /// A new request: on a session that is free for it, else on a new one, else behind others.
    async fn begin(&self, going: &Going, message: Arc<[u8]>) -> Result<Answers, ConnectError> {
        let mut want = Want {
            needs_free: going.may_be_asked && !self.channel_tells.load(Ordering::Relaxed),
            may_open: true,
        };
        let mut full = None;
        for _ in 0..OFFERS_MAX {
            let commands = match self.place(going, want) {
                Ok(commands) => commands,
                Err(scope) => return Err(full.unwrap_or(scope)),
            };
            match offer(&commands, &message, None).await {
                // There are no more children. Behind another call is better than not at all.
                Some(Err(ConnectError::Full(scope))) if want.may_open => {
                    want.may_open = self.yield_room(going.key.owner, scope).await;
                    full = Some(ConnectError::Full(scope));
                }
                Some(answered) => return answered,
                None => {}
            }
        }
        let gone = "session ended just as it was used, several times".into();
        Err(full.unwrap_or(ConnectError::Unreachable(gone)))
    }

    /// Ends a session that idles, so that the server has room for another one; whether there was one.
    async fn yield_room(&self, owner: Owner, scope: FullScope) -> bool {
        let is_owners = scope == FullScope::Owner;
        let ended = self.pool().evict(is_owners.then_some(owner));
        if ended {
            tokio::time::sleep(Duration::from_millis(YIELD_MS)).await;
        }
        ended
    }

    /// A retry: to the session that holds its call, and to no other.
    async fn resume(
        &self,
        going: &Going,
        parked: Option<Parked>,
        message: Arc<[u8]>,
    ) -> Result<Answers, ConnectError> {
        let found = parked.and_then(|parked| {
            let commands = self.pool().find(going.key.owner, parked.session)?;
            Some((parked, commands))
        });
        if let Some((parked, commands)) = found
            && let Some(answered) = offer(&commands, &message, Some(parked)).await
        {
            return answered;
        }
        Ok(refused(&going.id, STATE_UNKNOWN))
    }

    fn pool(&self) -> std::sync::MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session for `going`, opened where there is none.
    fn place(&self, going: &Going, want: Want) -> Result<mpsc::Sender<Command>, ConnectError> {
        let mut pool = self.pool();
        if let Some(commands) = pool.take(&going.key, want)? {
            return Ok(commands);
        }
        let mut number = [0; 16];
        getrandom::fill(&mut number).map_err(|error| {
            ConnectError::Unreachable(format!("no random bytes: {error}").into())
        })?;
        let (commands, queue) = mpsc::channel(COMMANDS_MAX);
        let standing = Arc::new(Standing::new(going.may_be_asked));
        let identity = Identity {
            owner: going.key.owner,
            profile: going.profile.clone(),
            states: self.states.clone(),
            number,
        };
        let task = Task {
            connector: Arc::clone(&self.connector),
            identity,
            bounds: self.bounds,
            clock: self.clock,
            standing: Arc::clone(&standing),
            channel_tells: Arc::clone(&self.channel_tells),
        };
        tokio::spawn(task.run(queue));
        pool.put(Handle {
            key: going.key.clone(),
            number,
            commands: commands.clone(),
            standing,
        });
        Ok(commands)
    }
}

/// The answer to a request with the raw `id` whose params are not what they should be.
fn refused(id: &str, why: &str) -> Answers {
    let (sender, answers) = mpsc::channel(1);
    // The queue is empty and its reader is here.
    let _ = sender.try_send(wire::error(id, INVALID_PARAMS, why));
    answers
}

/// Offers `message` to a session. `None`: the session has ended and did nothing with it.
async fn offer(
    commands: &mpsc::Sender<Command>,
    message: &Arc<[u8]>,
    parked: Option<Parked>,
) -> Option<Result<Answers, ConnectError>> {
    let (reply, answered) = oneshot::channel();
    let command = Command {
        message: Arc::clone(message),
        parked,
        reply,
    };
    commands.send(command).await.ok()?;
    answered.await.ok()
}

impl ModernUpstream for AsModern {
    fn ask(&self, ask: Ask) -> BoxFuture<'_, Result<Answers, ConnectError>> {
        Box::pin(self.answer(ask))
    }
}
