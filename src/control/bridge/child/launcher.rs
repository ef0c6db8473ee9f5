//! What all children of one server have in common: how they are started, and what is remembered of them.

use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use guard_io::process::{Pipes, ProcessGroup};
use tokio::time::Instant;

use super::backoff::Backoff;
use super::chatter::{Chatter, Verdict, printable};
use super::command::{SpawnError, command};
use crate::control::process;
use crate::engine::snapshot::ChildCommand;
use crate::mailbox::{Reach, ServerState};
use crate::metrics::{ChildEnd, ChildStart};

/// One server's children. They outlive the connector that started them.
#[derive(Debug)]
pub(super) struct Launcher {
    pub(super) name: Arc<str>,
    state: Arc<ServerState>,
    pub(super) command: Arc<ChildCommand>,
    backoff: Mutex<Backoff>,
    chatter: Chatter,
    epoch: Instant,
}

impl Launcher {
    pub(super) fn new(state: Arc<ServerState>, command: Arc<ChildCommand>) -> Self {
        Self {
            name: (&*state.name).into(),
            state,
            command,
            backoff: Mutex::default(),
            chatter: Chatter::new(),
            epoch: Instant::now(),
        }
    }

    /// Whether a child may be started now.
    pub(super) fn may_start(&self) -> bool {
        let may = self.backoff().may_start(self.now_ms());
        if !may {
            self.state.children.start(ChildStart::BackingOff);
        }
        may
    }

    /// Starts a child. Blocks for about a millisecond: the child dies with the thread that starts it, so no other thread can.
    pub(super) fn spawn(self: &Arc<Self>) -> Result<(ProcessGroup, Pipes, Arc<Trace>), SpawnError> {
        let started_ms = self.now_ms();
        self.backoff().started(started_ms, chance());
        let open_files = process::open_files_before();
        let spawned = ProcessGroup::spawn(&mut command(&self.command), open_files);
        let (group, pipes) = spawned.map_err(|error| {
            let error = SpawnError::new(&self.command, error);
            self.state.children.start(ChildStart::Failed);
            self.failed(started_ms, &error.to_string());
            error
        })?;
        self.state.children.start(ChildStart::Started);
        let trace = Trace {
            pid: group.id(),
            started_ms,
            has_answered: AtomicBool::new(false),
            launcher: Arc::clone(self),
        };
        tracing::debug!(server = &*self.name, pid = trace.pid, "child started");
        Ok((group, pipes, Arc::new(trace)))
    }

    fn failed(&self, started_ms: u64, why: &str) {
        self.backoff().failed(started_ms, self.now_ms(), chance());
        if self.state.set_reach(Reach::Down) {
            tracing::warn!(
                server = &*self.name,
                "{why}; it is tried again with growing pauses"
            );
        }
    }

    fn worked(&self) {
        self.backoff().worked();
        let before = self.state.reach();
        if self.state.set_reach(Reach::Up) && before == Reach::Down {
            tracing::info!(server = &*self.name, "children of the server work again");
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// No code that can panic runs under the lock, so what a poisoned lock guards is whole.
    fn backoff(&self) -> MutexGuard<'_, Backoff> {
        self.backoff.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Any number. Without random bytes the pauses are merely even.
fn chance() -> u64 {
    getrandom::u64().unwrap_or_default()
}

/// One child, as far as the log, the counters and the back-off are concerned.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) pid: u32,
    started_ms: u64,
    has_answered: AtomicBool,
    launcher: Arc<Launcher>,
}

impl Trace {
    /// Somebody looks after the child from now on, until [`ended`](Self::ended).
    pub(super) fn begun(&self) {
        self.launcher.state.children.alive.inc();
    }

    /// The child has sent a message: it works.
    pub(super) fn answered(&self) {
        if !self.has_answered.swap(true, Relaxed) {
            self.launcher.worked();
        }
    }

    /// The child has left by itself, with `status` where it has exited. Where it never answered, that is a failed start.
    pub(super) fn left_early(&self) {
        if !self.has_answered.load(Relaxed) {
            let why =
                "child ended before it answered anything; its standard error in this log says why";
            self.launcher.failed(self.started_ms, why);
        }
    }

    /// Nothing of the child's group is left.
    pub(super) fn ended(&self, how: ChildEnd, status: ExitStatus) {
        self.launcher.state.children.alive.dec();
        self.launcher.state.children.end(how);
        let (server, pid) = (&*self.launcher.name, self.pid);
        match how {
            ChildEnd::Exited | ChildEnd::LineTooLarge => self.sometimes(|| {
                tracing::warn!(server, pid, %status, how = how.as_str(), "child ended in the middle of its session");
            }),
            _ => tracing::debug!(server, pid, %status, how = how.as_str(), "child stopped"),
        }
    }

    /// Logs a line of standard output that is no message.
    pub(super) fn noise(&self, line: &[u8]) {
        let (server, pid) = (&*self.launcher.name, self.pid);
        self.sometimes(|| {
            tracing::warn!(server, pid, line = %printable(line), "child wrote to standard output what is no message; skipped");
        });
    }

    /// Logs a line of standard error.
    pub(super) fn complaint(&self, line: &[u8]) {
        let (server, pid) = (&*self.launcher.name, self.pid);
        self.sometimes(|| tracing::info!(server, pid, "stderr: {}", printable(line)));
    }

    /// Calls `log` as long as the server has a share of the log left.
    fn sometimes(&self, log: impl FnOnce()) {
        let Verdict::Log(suppressed) = self.launcher.chatter.judge(self.launcher.now_ms()) else {
            return;
        };
        if suppressed > 0 {
            tracing::warn!(
                server = &*self.launcher.name,
                "{suppressed} lines suppressed"
            );
        }
        log();
    }
}
