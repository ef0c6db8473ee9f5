//! What one worker knows: the configuration in force, its pools, its counters, its ids.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use arc_swap::ArcSwap;
use arc_swap::cache::Cache;
use guard_io::http1::HeadIndex;
use guard_io::{Clock, ConnectionCaps, Stop};

use super::request_id::{RequestId, RequestIds};
use super::streams::StreamCounts;
use super::upstreams::Upstreams;
use super::waiters::Waiters;
use crate::engine::identity::jwt::SourceId;
use crate::engine::identity::{Principal, ProofCache, ProofVersion};
use crate::engine::limits::{Limits, PROOFS_PER_WORKER_MAX};
use crate::engine::quota::{self, Exceeded, HandleCache, PeerKey, Standing, TableFull};
use crate::engine::snapshot::{Server, Snapshot};
use crate::mailbox::{AuditWriter, Live, Shared};
use crate::metrics::WorkerMetrics;

/// Indexes of heads that are kept for the next exchange.
const SPARE_INDEXES_MAX: usize = 64;

/// One worker, shared by the tasks of its thread.
pub(super) struct Worker {
    pub(super) index: usize,
    pub(super) shared: Arc<Shared>,
    pub(super) audit: AuditWriter,
    pub(super) caps: ConnectionCaps,
    pub(super) streams: StreamCounts,
    /// Raised when a drain begins: nothing new is taken, idle connections and session streams end.
    pub(super) draining: Stop,
    /// Raised when the grace of a drain is over: whatever still runs is told and ended.
    pub(super) expired: Stop,
    /// Requests being served, detached ones included.
    pub(super) in_flight: Cell<usize>,
    /// Requests that go on after their clients left.
    pub(super) detached: Cell<usize>,
    /// Requests that wait for keys of an issuer.
    pub(super) key_waiters: Waiters<SourceId>,
    /// Requests to endpoints of OAuth that wait for control, by address.
    pub(super) oauth_waiters: Waiters<PeerKey>,
    /// Requests that wait for the issuers of their opaque tokens, by address.
    pub(super) vouch_waiters: Waiters<PeerKey>,
    live: RefCell<Cache<LiveRef, Arc<Live>>>,
    view: RefCell<Rc<View>>,
    quotas: RefCell<HandleCache>,
    /// Credentials that were proven, for the configuration and keys of `view`.
    pub(super) proofs: ProofCache,
    /// What addresses that failed too often may still try.
    pub(super) suspect_proofs: quota::Cell,
    ids: RequestIds,
    indexes: RefCell<Vec<HeadIndex>>,
}

/// The configuration of one exchange, with this worker's pools for it. Held for the whole exchange, without touching a
/// counter that other workers touch.
pub(super) struct View {
    pub(super) live: Arc<Live>,
    pub(super) upstreams: Upstreams,
}

impl View {
    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.live.snapshot
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.live.snapshot.limits
    }
}

/// `arc_swap`'s cache wants an owner that leads to the swap.
struct LiveRef(Arc<Shared>);

impl Deref for LiveRef {
    type Target = ArcSwap<Live>;

    fn deref(&self) -> &ArcSwap<Live> {
        &self.0.live
    }
}

impl Worker {
    /// Errors: another thread has this worker's lane, or the system has no random bytes.
    pub(super) fn new(
        index: usize,
        shared: Arc<Shared>,
        caps: ConnectionCaps,
        streams: StreamCounts,
    ) -> Option<Self> {
        let audit = AuditWriter::claim(&shared.workers[index].lane)?;
        let mut live = Cache::new(LiveRef(Arc::clone(&shared)));
        let first = Arc::clone(live.load());
        let upstreams = Upstreams::new(&first, None);
        Some(Self {
            index,
            audit,
            caps,
            streams,
            draining: Stop::new(),
            expired: Stop::new(),
            in_flight: Cell::new(0),
            detached: Cell::new(0),
            key_waiters: Waiters::default(),
            oauth_waiters: Waiters::default(),
            vouch_waiters: Waiters::default(),
            live: RefCell::new(live),
            view: RefCell::new(Rc::new(View {
                live: first,
                upstreams,
            })),
            quotas: RefCell::default(),
            proofs: ProofCache::new(PROOFS_PER_WORKER_MAX),
            suspect_proofs: quota::Cell::new(),
            ids: RequestIds::new().ok()?,
            indexes: RefCell::default(),
            shared,
        })
    }

    /// The configuration in force now. Cost: two comparisons when nothing has changed.
    pub(super) fn view(&self) -> Rc<View> {
        let mut live = self.live.borrow_mut();
        let current = live.load();
        let mut view = self.view.borrow_mut();
        if !Arc::ptr_eq(current, &view.live) {
            let upstreams = Upstreams::new(current, Some(&*view));
            self.proofs.align(ProofVersion {
                revision: current.snapshot.revision(),
                keys: current.keys_version,
            });
            *view = Rc::new(View {
                live: Arc::clone(current),
                upstreams,
            });
        }
        Rc::clone(&view)
    }

    pub(super) fn metrics(&self) -> &WorkerMetrics {
        &self.shared.workers[self.index].metrics
    }

    /// This worker's share of `limits.requests_in_flight`.
    pub(super) fn in_flight_max(&self, limits: &Limits) -> usize {
        limits
            .requests_in_flight
            .div_ceil(self.shared.workers.len().max(1))
    }

    pub(super) fn next_id(&self) -> RequestId {
        self.ids.next()
    }

    /// Charges `calls` (a tool's name each, where it is a call) to `principal`, all or nothing.
    pub(super) fn charge(
        &self,
        snapshot: &Snapshot,
        principal: &Principal,
        server: &Server,
        calls: &[Option<&str>],
    ) -> Result<Result<Option<Standing>, Exceeded>, TableFull> {
        let now_ns = Clock::monotonic_ns();
        let mut handles = self.quotas.borrow_mut();
        handles.charge(
            &self.shared.quotas,
            &snapshot.quotas,
            principal,
            &server.name,
            calls,
            now_ns,
        )
    }

    /// An index for one head; give it back.
    pub(super) fn take_index(&self) -> HeadIndex {
        self.indexes.borrow_mut().pop().unwrap_or_default()
    }

    pub(super) fn give_index(&self, index: HeadIndex) {
        let mut indexes = self.indexes.borrow_mut();
        if indexes.len() < SPARE_INDEXES_MAX {
            indexes.push(index);
        }
    }

    /// Work of every few seconds: closes idle upstream connections that are too old.
    pub(super) fn sweep(&self) {
        self.view().upstreams.sweep();
        self.quotas.borrow_mut().sweep(Clock::monotonic_ns());
    }
}
