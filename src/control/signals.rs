//! Signals of the operating system.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What an operator asks for by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// SIGTERM, SIGINT: drain and end.
    End,
    /// SIGHUP: reload the configuration and reopen the audit file.
    Reload,
    /// SIGUSR1: reopen the audit file.
    Reopen,
}

/// The signals that are listened to.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    user1: Signal,
}

impl Signals {
    /// Takes the signals over from their defaults.
    pub(super) fn new() -> io::Result<Self> {
        Self::on([
            SignalKind::terminate(),
            SignalKind::interrupt(),
            SignalKind::hangup(),
            SignalKind::user_defined1(),
        ])
    }

    /// Listens to other signals in their place, so that a test process can still be ended.
    pub(super) fn on(kinds: [SignalKind; 4]) -> io::Result<Self> {
        let [terminate, interrupt, hangup, user1] = kinds;
        Ok(Self {
            terminate: signal(terminate)?,
            interrupt: signal(interrupt)?,
            hangup: signal(hangup)?,
            user1: signal(user1)?,
        })
    }

    /// The next signal. Safe to drop and call again.
    pub(super) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::End,
            _ = self.interrupt.recv() => Asked::End,
            _ = self.hangup.recv() => Asked::Reload,
            _ = self.user1.recv() => Asked::Reopen,
        }
    }

    /// The next signal to end; others are forgotten meanwhile.
    pub(super) async fn end(&mut self) {
        while self.next().await != Asked::End {}
    }
}
