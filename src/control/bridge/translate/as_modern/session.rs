//! One legacy session: a task that owns the link and the askers.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::super::{Clock, sleep_until};
use super::Bounds;
use crate::control::bridge::{Answers, ConnectError, Connector, FromServer, Link};
use crate::engine::bridge::translate::as_modern::{
    Act, Asker, Identity, Opened, Opening, Refused, Session, Step,
};
use crate::engine::bridge::translate::state::Parked;

/// Messages of one answer that may wait for their reader.
const ANSWERS_MAX: usize = 16;

/// Messages that may wait for the server before requests are taken no further.
const OUTBOUND_MAX: usize = 64;

/// Messages that may wait for a server that goes on talking without reading. Beyond it the session ends.
const OUTBOUND_END: usize = 4_096;

/// Clients that left and were not looked at yet.
const LEFT_MAX: usize = 16;

/// Time that one client may hold up the others of its session by not reading its answer, in milliseconds.
const ANSWER_STALL_MS: u64 = 10_000;

/// A request for a session.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) message: Arc<[u8]>,
    /// The call that it goes on with, where it is a retry.
    pub(super) parked: Option<Parked>,
    /// Takes the answers, once the session is open. Dropped: the session has ended and did nothing.
    pub(super) reply: oneshot::Sender<Result<Answers, ConnectError>>,
}

/// What others may know of a session.
#[derive(Debug)]
pub(super) struct Standing {
    is_occupied: AtomicBool,
    /// [`BUSY`] while it is used.
    idle_since_ms: AtomicU64,
}

const BUSY: u64 = u64::MAX;

impl Standing {
    pub(super) const fn new(is_occupied: bool) -> Self {
        Self {
            is_occupied: AtomicBool::new(is_occupied),
            idle_since_ms: AtomicU64::new(BUSY),
        }
    }

    /// Whether a call that may be asked would have to wait.
    pub(super) fn is_occupied(&self) -> bool {
        self.is_occupied.load(Ordering::Relaxed)
    }

    /// A call that may be asked is on its way.
    pub(super) fn occupy(&self) {
        self.is_occupied.store(true, Ordering::Relaxed);
    }

    /// Since when nobody uses it.
    pub(super) fn idle_since_ms(&self) -> Option<u64> {
        let since_ms = self.idle_since_ms.load(Ordering::Relaxed);
        (since_ms != BUSY).then_some(since_ms)
    }

    fn set(&self, is_occupied: bool, idle_since_ms: Option<u64>) {
        self.is_occupied.store(is_occupied, Ordering::Relaxed);
        let since_ms = idle_since_ms.unwrap_or(BUSY);
        self.idle_since_ms.store(since_ms, Ordering::Relaxed);
    }
}

/// Commands that wait aside while a session opens; more wait in its channel.
const EARLY_MAX: usize = 64;

/// A session that is to be.
pub(super) struct Task {
    pub(super) connector: Arc<dyn Connector>,
    pub(super) identity: Identity,
    pub(super) bounds: Bounds,
    pub(super) clock: Clock,
    pub(super) standing: Arc<Standing>,
    pub(super) channel_tells: Arc<AtomicBool>,
}

impl Task {
    /// Opens the session and serves `commands` until nobody sends any, nobody uses it, or the server ends it.
    pub(super) async fn run(self, mut commands: mpsc::Receiver<Command>) {
        let mut early = VecDeque::new();
        let opened = tokio::select! {
            opened = self.open() => opened,
            () = until_nobody_asks(&mut commands, &mut early) => return,
        };
        match opened {
            Ok((link, opened)) => {
                self.channel_tells
                    .fetch_or(opened.channel_tells, Ordering::Relaxed);
                let (left_in, left) = mpsc::channel(LEFT_MAX);
                let serving = Serving {
                    session: Session::new(self.identity, opened),
                    clock: self.clock,
                    idle_ms: self.bounds.idle_ms,
                    idle_since_ms: Some(self.clock.now_ms()),
                    standing: self.standing,
                    askers: HashMap::new(),
                    next_asker: 0,
                    outbound: VecDeque::new(),
                    left_in,
                };
                serving.run(link, early, commands, left).await;
            }
            Err(error) => {
                commands.close();
                for command in early {
                    let _ = command.reply.send(Err(error.clone()));
                }
                while let Some(command) = commands.recv().await {
                    // Who left needs no answer.
                    let _ = command.reply.send(Err(error.clone()));
                }
            }
        }
    }

    async fn open(&self) -> Result<(Link, Opened), ConnectError> {
        let opening_ms = Duration::from_millis(self.bounds.opening_ms);
        let opened = tokio::time::timeout(opening_ms, self.handshake()).await;
        opened.unwrap_or_else(|_| {
            let late = "server did not answer initialize in time".into();
            Err(ConnectError::Unreachable(late))
        })
    }

    async fn handshake(&self) -> Result<(Link, Opened), ConnectError> {
        let ended = |why: String| ConnectError::Unreachable(why.into());
        let mut link = self.connector.connect(self.identity.owner).await?;
        let mut outbound = Opening::initialize(&self.identity.profile);
        loop {
            let sent = link.to_server.send(outbound).await;
            sent.map_err(|_| ended("server takes no messages".to_owned()))?;
            let step = loop {
                let said = link.from_server.recv().await;
                let (bytes, during) = match said {
                    Some(FromServer::Message { bytes, during }) => (bytes, during),
                    Some(FromServer::Ended(end)) => return Err(ended(end.to_string())),
                    None => return Err(ended("server ended".to_owned())),
                };
                match Opening::read(&bytes, during.is_some()) {
                    Step::Wait => {}
                    step => break step,
                }
            };
            match step {
                Step::Send(message) => outbound = message,
                Step::Open(initialized, opened) => {
                    let sent = link.to_server.send(initialized).await;
                    sent.map_err(|_| ended("server takes no messages".to_owned()))?;
                    return Ok((link, *opened));
                }
                Step::Refused(Refused::WrongEra) => return Err(ConnectError::WrongEra),
                Step::Refused(Refused::Error) | Step::Wait => {
                    return Err(ended("server refused initialize".to_owned()));
                }
            }
        }
    }
}

/// Returns when nobody can ask any more: the translation is gone. What is asked until then is put into `early`.
async fn until_nobody_asks(commands: &mut mpsc::Receiver<Command>, early: &mut VecDeque<Command>) {
    while early.len() < EARLY_MAX {
        match commands.recv().await {
            Some(command) => early.push_back(command),
            None => return,
        }
    }
    std::future::pending().await
}

/// Who waits for answers, and the task that notices when it leaves.
struct Client {
    answers: mpsc::Sender<Vec<u8>>,
    /// Dropping it ends that task, and with it the task's hold on the channel.
    _watch: oneshot::Sender<()>,
}

/// An open session.
struct Serving {
    session: Session,
    clock: Clock,
    idle_ms: u64,
    idle_since_ms: Option<u64>,
    standing: Arc<Standing>,
    askers: HashMap<Asker, Client>,
    next_asker: Asker,
    outbound: VecDeque<Vec<u8>>,
    left_in: mpsc::Sender<Asker>,
}

/// Whether a session goes on.
#[derive(PartialEq, Eq)]
enum Course {
    On,
    Over,
}

impl Serving {
    async fn run(
        mut self,
        mut link: Link,
        early: VecDeque<Command>,
        mut commands: mpsc::Receiver<Command>,
        mut left: mpsc::Receiver<Asker>,
    ) {
        for command in early {
            let mut acts = Vec::new();
            self.take(command, &mut acts);
            self.perform(acts).await;
        }
        self.publish();
        loop {
            let mut acts = Vec::new();
            tokio::select! {
                permit = link.to_server.reserve(), if !self.outbound.is_empty() => match permit {
                    Ok(permit) => {
                        if let Some(message) = self.outbound.pop_front() {
                            permit.send(message);
                        }
                        continue;
                    }
                    Err(_) => return,
                },
                said = link.from_server.recv() => {
                    let Some(FromServer::Message { bytes, during }) = said else {
                        // Whoever waits sees the end of its answers.
                        return;
                    };
                    let now_ms = self.clock.now_ms();
                    self.session.from_server(&bytes, during.as_deref(), now_ms, &mut acts);
                }
                command = commands.recv(), if self.outbound.len() < OUTBOUND_MAX => match command {
                    Some(command) => self.take(command, &mut acts),
                    None => {
                        self.session.close(&mut acts);
                        return self.perform(acts).await;
                    }
                },
                Some(asker) = left.recv() => self.leave(asker, &mut acts),
                () = sleep_until(self.clock, self.wake_ms()) => {
                    if self.wake(&mut acts) == Course::Over {
                        return;
                    }
                }
            }
            self.perform(acts).await;
            if self.outbound.len() > OUTBOUND_END {
                return;
            }
            self.publish();
        }
    }

    fn take(&mut self, command: Command, acts: &mut Vec<Act>) {
        // Before anything waits: a session that looks idle may be ended to make room.
        self.idle_since_ms = None;
        self.standing.set(self.session.is_occupied(), None);
        let (answers, reader) = mpsc::channel(ANSWERS_MAX);
        if command.reply.send(Ok(reader)).is_err() {
            return;
        }
        let asker = self.next_asker;
        self.next_asker += 1;
        let client = self.watch(asker, answers);
        self.askers.insert(asker, client);
        match command.parked {
            Some(parked) => {
                let now_ms = self.clock.now_ms();
                self.session
                    .resume(asker, &command.message, parked, now_ms, acts);
            }
            None => self.session.ask(asker, &command.message, acts),
        }
    }

    fn watch(&self, asker: Asker, answers: mpsc::Sender<Vec<u8>>) -> Client {
        let (watch, mut over) = oneshot::channel();
        let (watched, left) = (answers.clone(), self.left_in.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = watched.closed() => drop(left.send(asker).await),
                _ = &mut over => {}
            }
        });
        Client {
            answers,
            _watch: watch,
        }
    }

    fn leave(&mut self, asker: Asker, acts: &mut Vec<Act>) {
        if self.askers.remove(&asker).is_some() {
            self.session.left(asker, self.clock.now_ms(), acts);
        }
    }

    async fn perform(&mut self, acts: Vec<Act>) {
        let mut acts = VecDeque::from(acts);
        while let Some(act) = acts.pop_front() {
            match act {
                Act::ToServer(message) => self.outbound.push_back(message),
                Act::End(asker) => drop(self.askers.remove(&asker)),
                Act::Answer { asker, message } => {
                    let Some(client) = self.askers.get(&asker) else {
                        continue;
                    };
                    let stall = Duration::from_millis(ANSWER_STALL_MS);
                    if client.answers.send_timeout(message, stall).await.is_err() {
                        let mut more = Vec::new();
                        self.leave(asker, &mut more);
                        acts.extend(more);
                    }
                }
            }
        }
    }

    /// Tells the others how it stands.
    fn publish(&mut self) {
        let is_idle = self.session.is_idle() && self.askers.is_empty();
        self.idle_since_ms = match (is_idle, self.idle_since_ms) {
            (false, _) => None,
            (true, None) => Some(self.clock.now_ms()),
            (true, since_ms) => since_ms,
        };
        self.standing
            .set(self.session.is_occupied(), self.idle_since_ms);
    }

    fn wake_ms(&self) -> Option<u64> {
        let idle_end_ms = self.idle_since_ms.map(|since_ms| since_ms + self.idle_ms);
        idle_end_ms.into_iter().chain(self.session.wake_ms()).min()
    }

    fn wake(&mut self, acts: &mut Vec<Act>) -> Course {
        let now_ms = self.clock.now_ms();
        self.session.tick(now_ms, acts);
        let idle_end_ms = self.idle_since_ms.map(|since_ms| since_ms + self.idle_ms);
        let is_stale = idle_end_ms.is_some_and(|end_ms| now_ms >= end_ms);
        match is_stale || self.session.is_spent(now_ms) {
            true => Course::Over,
            false => Course::On,
        }
    }
}
