//! The task that owns one shared server: its link, the requests open on it, and the queue of what it is to be told.
//!
//! It never waits for a client and never waits for the server with a message in hand, so neither can hold up the other
//! direction. A link that ends takes its requests with it, each client is told by the end of its answers, and the next
//! request asks for a new link; how soon there may be one is the connector's to say.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustc_hash::FxHashMap;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::lane::Lane;
use super::restarts::Restarts;
use super::schemas::ToolsEpoch;
use crate::control::bridge::{
    Answers, Ask, BoxFuture, ConnectError, Connector, FromServer, FullScope, Link, LinkEnd,
    ModernUpstream,
};
use crate::engine::bridge::shared::{Channel, Delivery, OpenError, Received, RequestKey};
use crate::engine::mcp::limits::JSON_DEPTH_CAP;
use crate::engine::mcp::message::{Body, Message};
use crate::engine::mcp::scan::{ScanLimits, scan};
use crate::engine::reply::{Failure, ReplyId};
use crate::engine::session::Owner;

/// Requests that wait for the driver. More wait in their own tasks.
const COMMANDS_MAX: usize = 64;

/// Messages that wait for a server that does not read, before no more requests are taken.
const UNSENT_MAX: usize = 64;

/// Time for which a server that takes no more messages may stay silent before it counts as gone.
const LAST_WORDS_TIME: Duration = Duration::from_secs(2);

/// One request for the driver.
#[derive(Debug)]
struct Command {
    owner: Owner,
    message: Vec<u8>,
    reply: oneshot::Sender<Result<Answers, ConnectError>>,
}

/// What a driver is made of.
pub(super) struct Settings {
    /// Name of the server, for the log.
    pub(super) server: Box<str>,
    /// Where links come from.
    pub(super) connector: Arc<dyn Connector>,
    /// Who the link is charged to.
    pub(super) owner: Owner,
    /// The requests, of which there are none yet.
    pub(super) channel: Channel,
    /// Time without a request after which the link is dropped; never where absent.
    pub(super) idle_time: Option<Duration>,
    /// Told when the server's tools may have changed.
    pub(super) tools: ToolsEpoch,
}

/// The other side of a driver. The driver ends with the last handle, and the requests that it then still has.
#[derive(Clone, Debug)]
pub(super) struct DriverHandle {
    commands: mpsc::Sender<Command>,
    is_up: Arc<AtomicBool>,
}

impl DriverHandle {
    /// Whether there is a link.
    pub(super) fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Relaxed)
    }
}

impl ModernUpstream for DriverHandle {
    fn ask(&self, ask: Ask) -> BoxFuture<'_, Result<Answers, ConnectError>> {
        Box::pin(async move {
            let ended = || ConnectError::Unreachable("the gateway is stopping".into());
            let (reply, answers) = oneshot::channel();
            let command = Command {
                owner: ask.owner,
                message: ask.message,
                reply,
            };
            let sent = self.commands.send(command).await;
            sent.map_err(|_| ended())?;
            answers.await.map_err(|_| ended())?
        })
    }
}

/// Starts a driver. It has no link before the first request.
pub(super) fn start(settings: Settings) -> DriverHandle {
    let (sender, commands) = mpsc::channel(COMMANDS_MAX);
    let is_up = Arc::new(AtomicBool::new(false));
    let driver = Driver {
        settings,
        link: None,
        epoch: tokio::time::Instant::now(),
        restarts: Restarts::default(),
        lanes: FxHashMap::default(),
        gone: JoinSet::new(),
        unsent: VecDeque::new(),
        commands,
        is_closing: false,
        is_up: Arc::clone(&is_up),
    };
    tokio::spawn(driver.run());
    DriverHandle {
        commands: sender,
        is_up,
    }
}

struct Driver {
    settings: Settings,
    link: Option<Link>,
    epoch: tokio::time::Instant,
    restarts: Restarts,
    lanes: FxHashMap<RequestKey, Lane>,
    /// A task for each lane that ends when its client leaves.
    gone: JoinSet<RequestKey>,
    unsent: VecDeque<Unsent>,
    commands: mpsc::Receiver<Command>,
    /// Whether no more commands can come.
    is_closing: bool,
    is_up: Arc<AtomicBool>,
}

/// A message that the server has not taken yet.
struct Unsent {
    /// Whose request it is, where it is one.
    request: Option<RequestKey>,
    message: Vec<u8>,
}

enum Event {
    Asked(Command),
    Said(Vec<u8>),
    LinkEnded(LinkEnd),
    ClientLeft(RequestKey),
    Idle,
    Closing,
    Nothing,
}

impl Driver {
    async fn run(mut self) {
        while !(self.is_closing && self.lanes.is_empty()) {
            match self.next().await {
                Event::Asked(command) => self.ask(command).await,
                Event::Said(message) => self.hear(&message),
                Event::LinkEnded(end) => self.link_ended(end),
                Event::ClientLeft(key) => self.client_left(key),
                Event::Idle => self.drop_link(),
                Event::Closing => self.is_closing = true,
                Event::Nothing => {}
            }
        }
        self.drop_link();
    }

    async fn next(&mut self) -> Event {
        let is_idle = self.link.is_some() && self.lanes.is_empty() && self.unsent.is_empty();
        let idle_time = self.settings.idle_time.filter(|_| is_idle);
        let takes_more = !self.is_closing && self.unsent.len() < UNSENT_MAX;
        tokio::select! {
            event = link_event(&mut self.link, &mut self.unsent) => event,
            left = self.gone.join_next(), if !self.gone.is_empty() => match left {
                Some(Ok(key)) => Event::ClientLeft(key),
                // A watch that was called off.
                _ => Event::Nothing,
            },
            command = self.commands.recv(), if takes_more => {
                command.map_or(Event::Closing, Event::Asked)
            }
            () = tokio::time::sleep(idle_time.unwrap_or_default()), if idle_time.is_some() => Event::Idle,
        }
    }

    async fn ask(&mut self, command: Command) {
        // A client that left while it waited gets nothing done.
        if command.reply.is_closed() {
            return;
        }
        if let Err(error) = self.connect().await {
            let _ = command.reply.send(Err(error));
            return;
        }
        if command.reply.is_closed() {
            return;
        }
        let _ = command
            .reply
            .send(self.open(command.owner, &command.message));
    }

    /// Milliseconds since the driver began.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    async fn connect(&mut self) -> Result<(), ConnectError> {
        if self.link.is_none() {
            let now_ms = self.now_ms();
            if !self.restarts.may_start(now_ms) {
                return Err(ConnectError::BackingOff);
            }
            let connecting = self.settings.connector.connect(self.settings.owner);
            self.link = Some(connecting.await?);
            let now_ms = self.now_ms();
            self.restarts.started(now_ms);
            self.is_up.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn open(&mut self, owner: Owner, message: &[u8]) -> Result<Answers, ConnectError> {
        match self.settings.channel.open(owner, message, now_secs()) {
            Ok(opened) => {
                let (lane, answers) = Lane::open(opened.key, &mut self.gone);
                self.lanes.insert(opened.key, lane);
                self.unsent.push_back(Unsent {
                    request: Some(opened.key),
                    message: opened.message,
                });
                Ok(answers)
            }
            Err(full @ (OpenError::Full | OpenError::OwnerFull)) => {
                tracing::warn!(server = %self.settings.server, "{full}");
                Err(ConnectError::Full(match full {
                    OpenError::OwnerFull => FullScope::Owner,
                    _ => FullScope::Server,
                }))
            }
            Err(refused) => {
                tracing::debug!(server = %self.settings.server, %refused, "request not forwarded");
                Ok(refusal(&refused, message))
            }
        }
    }

    fn hear(&mut self, message: &[u8]) {
        let received = self.settings.channel.receive(message, now_secs());
        if self.settings.channel.take_tools_changed() {
            self.settings.tools.advance();
        }
        let server = &self.settings.server;
        match received {
            Received::Deliver(deliveries) => deliveries
                .into_iter()
                .for_each(|delivery| self.deliver(delivery)),
            Received::Refuse(answer) => {
                tracing::warn!(%server, "server sent a request; a modern server may not");
                if self.unsent.len() < UNSENT_MAX {
                    self.tell(answer);
                }
            }
            Received::Ignore(why) => {
                tracing::debug!(%server, why = why.as_str(), "message of the server goes to nobody");
            }
        }
    }

    fn deliver(&mut self, delivery: Delivery) {
        let Delivery {
            key,
            message,
            is_last,
            is_lossy,
        } = delivery;
        if is_last {
            if let Some(lane) = self.lanes.remove(&key) {
                lane.finish(message);
            }
            return;
        }
        let Some(lane) = self.lanes.get_mut(&key) else {
            return;
        };
        // What must not be missed and cannot be kept ends the stream: the client asks anew.
        if lane.push(message).is_err() && !is_lossy {
            tracing::debug!(server = %self.settings.server, "client reads too slowly; its stream is ended");
            self.client_left(key);
        }
    }

    /// Ends the request of `key` and tells the server, unless it does not know of it yet.
    fn client_left(&mut self, key: RequestKey) {
        self.lanes.remove(&key);
        let Some(cancelled) = self.settings.channel.cancel(key, now_secs()) else {
            return;
        };
        let unsent = self.unsent.len();
        self.unsent.retain(|unsent| unsent.request != Some(key));
        if self.unsent.len() == unsent {
            self.tell(cancelled);
        }
    }

    fn tell(&mut self, message: Vec<u8>) {
        self.unsent.push_back(Unsent {
            request: None,
            message,
        });
    }

    fn link_ended(&mut self, end: LinkEnd) {
        let requests = self.lanes.len();
        tracing::warn!(server = %self.settings.server, requests, "shared server is gone: {end}");
        let now_ms = self.now_ms();
        self.restarts.fell(now_ms);
        self.drop_link();
    }

    fn drop_link(&mut self) {
        self.link = None;
        self.is_up.store(false, Ordering::Relaxed);
        self.lanes.clear();
        self.unsent.clear();
        self.settings.channel.end();
        self.settings.tools.advance();
    }
}

/// Waits until the server says something, ends, or takes a message.
async fn link_event(link: &mut Option<Link>, unsent: &mut VecDeque<Unsent>) -> Event {
    let Some(link) = link else {
        return std::future::pending().await;
    };
    tokio::select! {
        said = link.from_server.recv() => match said {
            Some(FromServer::Message { bytes, .. }) => Event::Said(bytes),
            Some(FromServer::Ended(end)) => Event::LinkEnded(end),
            None => Event::LinkEnded(LinkEnd::Broke),
        },
        place = link.to_server.reserve(), if !unsent.is_empty() => match place {
            Ok(place) => {
                if let Some(next) = unsent.pop_front() {
                    place.send(next.message);
                }
                Event::Nothing
            }
            Err(_) => last_words(&mut link.from_server).await,
        },
    }
}

/// What a server that takes no more messages still says: answers that were on their way.
async fn last_words(from_server: &mut mpsc::Receiver<FromServer>) -> Event {
    match timeout(LAST_WORDS_TIME, from_server.recv()).await {
        Ok(Some(FromServer::Message { bytes, .. })) => Event::Said(bytes),
        Ok(Some(FromServer::Ended(end))) => Event::LinkEnded(end),
        Ok(None) | Err(_) => Event::LinkEnded(LinkEnd::Broke),
    }
}

/// The answers to a request that is refused here: an error, and nothing more.
fn refusal(error: &OpenError, message: &[u8]) -> Answers {
    let failure = match error {
        OpenError::Gone => Failure::UnknownMethod,
        OpenError::State(_) => Failure::BadParams {
            detail: "invalid or expired requestState",
        },
        _ => Failure::BadParams {
            detail: "invalid request",
        },
    };
    single(failure, message)
}

/// `failure` as the whole answer to the request `message`.
pub(super) fn single(failure: Failure, message: &[u8]) -> Answers {
    let limits = ScanLimits {
        depth_max: JSON_DEPTH_CAP,
        batch_max: 1,
    };
    let body = scan(message, &limits).ok();
    let id = match &body {
        Some(Body::One(scanned)) => Message::request_id(scanned),
        _ => None,
    };
    let id = id.map_or(ReplyId::Omitted, |id| ReplyId::Known(id.raw(message)));
    let mut encoded = Vec::new();
    failure.encode(id, "", &mut encoded);
    let (sender, answers) = mpsc::channel(1);
    // An empty queue has room.
    let _ = sender.try_send(encoded);
    answers
}

fn now_secs() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
