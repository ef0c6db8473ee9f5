//! Messages from control to workers, and what control needs of the data plane.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::Shared;
use crate::config::model::Server;

/// What control tells a worker. Configuration is not among it: workers see a new [`Live`](super::Live) by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToWorker {
    /// A new configuration is published: let go of idle upstream connections and cached verdicts of the old one.
    Reloaded,
    /// Stop accepting, finish what runs, end streams in order, return; whatever still runs at `deadline` is aborted.
    Drain {
        /// When the grace period (`server.drain_timeout`) ends.
        deadline: Instant,
    },
}

/// Where a worker stands. It sets its own phase ([`WorkerShared::set_phase`](super::WorkerShared::set_phase)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// The runtime is being built.
    Starting = 0,
    /// Connections are accepted.
    Serving = 1,
    /// No longer accepting; requests are being finished.
    Draining = 2,
    /// Every exchange is over and its record written.
    Stopped = 3,
}

impl Phase {
    /// All phases, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Starting, Self::Serving, Self::Draining, Self::Stopped];

    /// As a word, for status answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Serving => "serving",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
        }
    }
}

/// Binds the main listeners for so many workers, before there is a snapshot: port 0 becomes a real port, which the policies
/// for Host and Origin need. The error is a sentence for the operator.
pub type Bind = fn(&Server, usize) -> Result<Box<dyn Bound>, String>;

/// Main listeners that are bound and not served yet.
pub trait Bound {
    /// The address that is really listened on (port 0 filled in).
    fn local_addr(&self) -> SocketAddr;

    /// Starts the workers. The error is a sentence for the operator: what, why, remedy.
    fn start(self: Box<Self>, shared: Arc<Shared>) -> Result<Box<dyn DataPlane>, String>;
}

/// The running workers as control sees them. `worker` implements it, so that neither side imports the other.
pub trait DataPlane: Send {
    /// The IO mechanism that the workers got, in the words of the start-up log line.
    fn io_mode(&self) -> String;

    /// Hands `message` to every worker and wakes it. Never blocks.
    fn post(&self, message: ToWorker);

    /// Worker threads that have ended, by return or by panic. Before a drain was asked for, any number above zero is a
    /// failure of the process.
    fn ended(&self) -> usize;

    /// Joins every worker thread; returns the names of those that panicked. Blocks until all have ended.
    fn join(self: Box<Self>) -> Vec<String>;
}
