//! Everything that the control thread and the workers hold in common.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use arc_swap::{ArcSwap, ArcSwapOption};
use guard_io::tls::{ClientTls, ServerTls};

use super::oauth::{oauth_requests, vouch_requests};
use super::{
    AuditLane, BridgeCalls, Doorbell, Health, KeyDesks, LaneBounds, OAuthRequests, Overflow, Phase,
    VouchRequests,
};
use crate::engine::identity::jwt::KeyRing;
use crate::engine::mcp::revision::Era;
use crate::engine::quota::{PeerQuotas, QuotaTable};
use crate::engine::seal::Sealer;
use crate::engine::snapshot::{AuditOverflow, ServerIndex, Snapshot, UpstreamAddress};
use crate::metrics::{ChildCells, ControlMetrics, UpstreamCells, WorkerMetrics};

/// The one structure behind both planes; workers get it in an [`Arc`] at start.
#[derive(Debug)]
pub struct Shared {
    /// The configuration in force. Workers read it through an `arc_swap::Cache` and keep the `Arc` for a whole exchange.
    pub live: ArcSwap<Live>,
    /// One entry a worker, in worker order.
    pub workers: Box<[WorkerShared]>,
    /// The quota buckets of every identity; they outlive configurations.
    pub quotas: QuotaTable,
    /// Failed authentications by address.
    pub peers: PeerQuotas,
    /// Requests to endpoints of OAuth by address.
    pub oauth_peers: PeerQuotas,
    /// `/health`, `/live` and `/ready`.
    pub health: Health,
    /// Counters that control writes.
    pub control: Arc<ControlMetrics>,
    /// Wakes control: a worker has moved on to another phase.
    pub doorbell: Arc<Doorbell>,
    /// Wakes the audit pump: a lane fills.
    pub audit_doorbell: Arc<Doorbell>,
    /// Connections to servers that control serves itself.
    pub bridge: BridgeCalls,
    /// Where keys of issuers are asked for.
    pub key_desks: KeyDesks,
    /// Requests to the endpoints of OAuth.
    pub oauth: OAuthRequests,
    /// Opaque tokens whose issuer is to be asked.
    pub vouching: VouchRequests,
    /// Seals sessions where `server.session_key` is not set: this process alone can open them.
    pub sealer: Sealer,
    /// Writes the body of `/metrics`, which the main listener may serve too.
    pub exposition: Exposition,
}

/// Turns what is shared into Prometheus text. Control knows how.
pub type Exposition = fn(&Shared) -> String;

impl Shared {
    /// What `workers` workers share, with `live` in force, `sealer` made for this process and `exposition` to show it.
    #[must_use]
    pub fn new(live: Live, workers: usize, sealer: Sealer, exposition: Exposition) -> Self {
        let (doorbell, audit_doorbell) = (Arc::<Doorbell>::default(), Arc::<Doorbell>::default());
        let overflow = overflow(&live.snapshot);
        let worker = |_| {
            let lane = AuditLane::new(LaneBounds::default(), overflow, Arc::clone(&audit_doorbell));
            WorkerShared::new(Arc::new(lane), Arc::clone(&doorbell))
        };
        Self {
            workers: (0..workers).map(worker).collect(),
            live: ArcSwap::from_pointee(live),
            quotas: QuotaTable::new(),
            peers: PeerQuotas::new(),
            oauth_peers: PeerQuotas::new(),
            health: Health::new(),
            control: Arc::default(),
            doorbell,
            audit_doorbell,
            bridge: BridgeCalls::new(),
            key_desks: KeyDesks::default(),
            oauth: oauth_requests(),
            vouching: vouch_requests(),
            sealer,
            exposition,
        }
    }

    /// The sealer of session ids under `snapshot`.
    #[must_use]
    pub fn sealer<'a>(&'a self, snapshot: &'a Snapshot) -> &'a Sealer {
        snapshot.sessions.sealer.as_ref().unwrap_or(&self.sealer)
    }

    /// Puts what `change` makes of the present state in force. For control alone: nobody else publishes, so nothing can come
    /// between.
    pub fn update(&self, change: impl FnOnce(&Live) -> Live) {
        let next = change(&self.live.load());
        self.publish(next);
    }

    /// Puts `live` in force for every exchange that begins from now on. For control alone.
    pub fn publish(&self, live: Live) {
        let overflow = overflow(&live.snapshot);
        self.workers
            .iter()
            .for_each(|worker| worker.lane.set_overflow(overflow));
        self.live.store(Arc::new(live));
    }
}

fn overflow(snapshot: &Snapshot) -> Overflow {
    match snapshot.audit.overflow {
        AuditOverflow::Refuse => Overflow::Refuse,
        AuditOverflow::Drop => Overflow::Drop,
    }
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

/// A configuration together with the running state of its servers, the keys and the certificates in force, swapped as one so
/// that all of it always agrees.
#[derive(Clone, Debug)]
pub struct Live {
    /// The compiled configuration.
    pub snapshot: Arc<Snapshot>,
    /// One entry a server, in the order of the snapshot.
    pub servers: Box<[Arc<ServerState>]>,
    /// The keys of every issuer that publishes them.
    pub keys: Arc<KeyRing>,
    /// Counts the changes of `keys`.
    pub keys_version: u64,
    /// What TLS the main listener speaks.
    pub tls: Option<ServerTls>,
    /// What TLS is spoken with each server, in the order of the snapshot; `None` for those that are not HTTPS.
    pub upstream_tls: Box<[Option<ClientTls>]>,
}

impl Live {
    /// The state of the server at `index`. Panics where the index is of another snapshot.
    #[must_use]
    pub fn server(&self, index: ServerIndex) -> &ServerState {
        &self.servers[index.as_usize()]
    }

    /// What TLS is spoken with the server at `index`, where there is material for it.
    #[must_use]
    pub fn tls_towards(&self, index: ServerIndex) -> Option<&ClientTls> {
        self.upstream_tls.get(index.as_usize())?.as_ref()
    }
}

/// The running state of one upstream server. It outlives a reload that keeps the server's name and address; counters outlive
/// a change of address too.
#[derive(Debug)]
pub struct ServerState {
    /// Configured name.
    pub name: Box<str>,
    /// Where it is, as configured.
    pub address: UpstreamAddress,
    /// Where `http://host` leads at the moment; control resolves it. Empty: the name does not resolve (answer 502), or the
    /// upstream is a unix socket.
    pub resolved: ArcSwap<Resolved>,
    /// What TLS control itself speaks with an https server: for bridges, which outlive a change of certificates.
    pub tls: ArcSwapOption<ClientTls>,
    /// What is counted about its processes, where it is a stdio server.
    pub children: Arc<ChildCells>,
    reach: AtomicU8,
    legacy: AtomicU8,
    modern: AtomicU8,
    /// When what was known of its eras was last called in question, in milliseconds of the monotonic clock.
    doubted_at_ms: AtomicU64,
    cells: Arc<[UpstreamCells]>,
}

/// Least time between two doubts of a server's eras, in milliseconds.
const DOUBT_MS_MIN: u64 = 30_000;

/// Whether a server speaks an era, as far as is known. It is a property of the server, so it is kept until that moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Speaks {
    /// Nobody has asked it yet.
    Unknown = 0,
    /// It does.
    Yes = 1,
    /// It does not: requests of the era are translated or refused.
    No = 2,
}

/// What control knows of a server from its probes. Only `/ready` and `/status` ask; requests always try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reach {
    /// Not probed: it is not required, or the first probe runs.
    Unknown = 0,
    /// The last probe connected.
    Up = 1,
    /// The last probe did not connect, or the name does not resolve.
    Down = 2,
}

impl Reach {
    /// As a word, for status answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

impl ServerState {
    /// A server that has not been probed yet, with counters for `workers` workers.
    #[must_use]
    pub fn new(name: &str, address: UpstreamAddress, workers: usize) -> Self {
        let cells = (0..workers).map(|_| UpstreamCells::default()).collect();
        Self::with_cells(name, address, cells, Arc::default())
    }

    /// The same server at another address: its counters go on.
    #[must_use]
    pub fn moved(&self, address: UpstreamAddress) -> Self {
        let (cells, children) = (Arc::clone(&self.cells), Arc::clone(&self.children));
        Self::with_cells(&self.name, address, cells, children)
    }

    fn with_cells(
        name: &str,
        address: UpstreamAddress,
        cells: Arc<[UpstreamCells]>,
        children: Arc<ChildCells>,
    ) -> Self {
        let unknown = || AtomicU8::new(Speaks::Unknown as u8);
        let (resolved, reach) = (ArcSwap::default(), AtomicU8::new(Reach::Unknown as u8));
        Self {
            name: name.into(),
            address,
            resolved,
            tls: ArcSwapOption::empty(),
            children,
            reach,
            legacy: unknown(),
            modern: unknown(),
            doubted_at_ms: AtomicU64::new(0),
            cells,
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

    /// What the last probe found.
    #[must_use]
    pub fn reach(&self) -> Reach {
        match self.reach.load(Relaxed) {
            1 => Reach::Up,
            2 => Reach::Down,
            _ => Reach::Unknown,
        }
    }

    /// Whether the server speaks `era`.
    #[must_use]
    pub fn speaks(&self, era: Era) -> Speaks {
        match self.era(era).load(Relaxed) {
            1 => Speaks::Yes,
            2 => Speaks::No,
            _ => Speaks::Unknown,
        }
    }

    /// Stores what was learnt of the server's eras.
    pub fn set_speaks(&self, era: Era, speaks: Speaks) {
        self.era(era).store(speaks as u8, Relaxed);
    }

    /// An answer does not fit what is known of the server's eras, as if another version of it had taken its place: both are to
    /// be asked for anew. At most twice a minute, so that nobody can make the gateway ask all the time.
    pub fn doubt_eras(&self, now_ms: u64) {
        let last_ms = self.doubted_at_ms.load(Relaxed);
        let is_due = last_ms == 0 || now_ms.saturating_sub(last_ms) >= DOUBT_MS_MIN;
        let swap = || {
            let swapped = self
                .doubted_at_ms
                .compare_exchange(last_ms, now_ms, Relaxed, Relaxed);
            swapped.is_ok()
        };
        if is_due && swap() {
            self.set_speaks(Era::Legacy, Speaks::Unknown);
            self.set_speaks(Era::Modern, Speaks::Unknown);
        }
    }

    const fn era(&self, era: Era) -> &AtomicU8 {
        match era {
            Era::Legacy => &self.legacy,
            Era::Modern => &self.modern,
        }
    }

    /// Stores what a probe found; returns whether that is news. For control alone.
    pub fn set_reach(&self, reach: Reach) -> bool {
        self.reach.swap(reach as u8, Relaxed) != reach as u8
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
