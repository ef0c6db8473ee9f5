//! Everything that the control thread and the workers hold in common.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};

use arc_swap::ArcSwap;

use super::{AuditLane, Doorbell, Health, Phase};
use crate::engine::snapshot::Snapshot;
use crate::metrics::{ControlMetrics, UpstreamCells, WorkerMetrics};

/// The one structure behind both planes; workers get it in an [`Arc`] at start.
#[derive(Debug)]
pub struct Shared {
    /// The configuration in force. Workers read it through an `arc_swap::Cache` and keep the `Arc` for a whole exchange.
    pub live: ArcSwap<Live>,
    /// One entry a worker, in worker order.
    pub workers: Box<[WorkerShared]>,
    /// `/health`, `/live` and `/ready`.
    pub health: Health,
    /// Counters that control writes.
    pub control: Arc<ControlMetrics>,
    /// Wakes control.
    pub doorbell: Arc<Doorbell>,
}

/// What one worker and control share.
#[derive(Debug)]
pub struct WorkerShared {
    /// Where the worker's audit records go. The worker claims the writing end once ([`AuditWriter`](super::AuditWriter)).
    pub lane: Arc<AuditLane>,
    /// The worker's counters: written by that worker alone.
    pub metrics: Arc<WorkerMetrics>,
    phase: AtomicU8,
    doorbell: Arc<Doorbell>,
}

impl WorkerShared {
    /// A worker that has not started.
    #[must_use]
    pub fn new(lane: Arc<AuditLane>, doorbell: Arc<Doorbell>) -> Self {
        Self {
            lane,
            metrics: Arc::default(),
            phase: AtomicU8::new(Phase::Starting as u8),
            doorbell,
        }
    }

    /// Where the worker stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        Phase::ALL[usize::from(self.phase.load(Relaxed)).min(Phase::ALL.len() - 1)]
    }

    /// Called by the worker itself as it moves on; wakes control.
    pub fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
        self.doorbell.ring();
    }
}

/// A configuration together with the running state of its servers, swapped as one so that indexes always agree.
#[derive(Debug)]
pub struct Live {
    /// The compiled configuration.
    pub snapshot: Arc<Snapshot>,
    /// One entry a server, in the order of the snapshot.
    pub servers: Box<[Arc<ServerState>]>,
}

/// The running state of one upstream server. It outlives a reload that keeps the server's name and address.
#[derive(Debug)]
pub struct ServerState {
    /// Configured name.
    pub name: Box<str>,
    /// Where `http://host` leads at the moment; control resolves it. Empty: the name does not resolve (answer 502), or the
    /// upstream is a unix socket, whose address is in the snapshot.
    pub resolved: ArcSwap<Resolved>,
    /// Whether the last probe reached it. Only `/ready` and `/status` ask; requests always try.
    reachable: AtomicBool,
    cells: Box<[UpstreamCells]>,
}

impl ServerState {
    /// A server that has not been probed yet, with counters for `workers` workers.
    #[must_use]
    pub fn new(name: &str, resolved: Resolved, workers: usize) -> Self {
        Self {
            name: name.into(),
            resolved: ArcSwap::from_pointee(resolved),
            reachable: AtomicBool::new(true),
            cells: (0..workers).map(|_| UpstreamCells::default()).collect(),
        }
    }

    /// The counters of this server that `worker` writes. Panics where `worker` is not below the number of workers.
    #[must_use]
    pub fn metrics(&self, worker: usize) -> &UpstreamCells {
        &self.cells[worker]
    }

    /// The counters of every worker, for merging.
    #[must_use]
    pub fn cells(&self) -> &[UpstreamCells] {
        &self.cells
    }

    /// Whether the last probe reached the server.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        self.reachable.load(Relaxed)
    }

    /// Stores what a probe found; returns whether that is news. For control alone.
    pub fn set_reachable(&self, reachable: bool) -> bool {
        self.reachable.swap(reachable, Relaxed) != reachable
    }
}

/// The addresses that a server's host name stands for, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved(pub Box<[SocketAddr]>);

impl Resolved {
    /// The addresses in the order in which to try them.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.0
    }
}
