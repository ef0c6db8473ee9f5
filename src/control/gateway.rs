//! The control loop of a running gateway.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::admin::{Access, ReloadRequest};
use super::audit::AuditHandle;
use super::bridge::Bridges;
use super::jwks::KeyKeeper;
use super::oauth::OAuthService;
use super::reload::{self, Reloaded};
use super::signals::{Asked, Signals};
use super::source::Source;
use super::tls::{self, Materials, TlsWatch};
use super::{probe, resolve};
use crate::config::{Config, Loaded, Refused};
use crate::engine::snapshot::AuditOverflow;
use crate::mailbox::{DataPlane, Live, Phase, Reach, Readiness, Shared, ToWorker};

/// How often readiness is computed and the workers are looked after.
const TICK: Duration = Duration::from_secs(1);

/// Ticks between two probes of required upstreams.
const PROBE_TICKS: u64 = 5;

/// Ticks between two look-ups of upstream names.
const RESOLVE_TICKS: u64 = 30;

/// Ticks between two looks at the files of certificates.
const TLS_TICKS: u64 = 2;

/// Ticks between two sweeps of the quota tables.
const SWEEP_TICKS: u64 = 60;

/// Time that workers get beyond the drain timeout to abort what is left.
const ABORT_TIME: Duration = Duration::from_secs(2);

/// Time that children get to end, by themselves and then by force.
const CHILDREN_TIME: Duration = Duration::from_secs(8);

/// Time that the last audit records get.
const AUDIT_TIME: Duration = Duration::from_secs(5);

/// A gateway that serves.
pub(super) struct Gateway {
    pub(super) source: Source,
    pub(super) config: Config,
    pub(super) port: u16,
    pub(super) shared: Arc<Shared>,
    pub(super) audit: AuditHandle,
    pub(super) access: Arc<Access>,
    pub(super) plane: Box<dyn DataPlane>,
    pub(super) bridges: Arc<Bridges>,
    pub(super) keys: KeyKeeper,
    pub(super) oauth: Arc<OAuthService>,
    pub(super) reloads: mpsc::Receiver<ReloadRequest>,
    pub(super) tls: TlsWatch,
}

/// Why the control loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Asked,
    WorkerEnded,
}

/// What the loop turns to next.
enum Turn {
    Signal(Asked),
    Reload(ReloadRequest),
    Tick,
    Rung,
}

impl Gateway {
    /// Serves until it is told to end, then drains. Returns whether all went well.
    pub(super) async fn run(mut self, mut signals: Signals) -> bool {
        let cause = self.serve(&mut signals).await;
        let drained = self.drain(&mut signals).await;
        cause == Cause::Asked && drained
    }

    async fn serve(&mut self, signals: &mut Signals) -> Cause {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut chores = Chores::default();
        loop {
            let turn = tokio::select! {
                asked = signals.next() => Turn::Signal(asked),
                Some(request) = self.reloads.recv() => Turn::Reload(request),
                () = self.shared.doorbell.rung() => Turn::Rung,
                _ = ticks.tick() => Turn::Tick,
            };
            match turn {
                Turn::Signal(Asked::End) => return Cause::Asked,
                Turn::Signal(Asked::Reopen) => self.audit.reopen().await,
                Turn::Signal(Asked::Reload) => {
                    self.audit.reopen().await;
                    tokio::select! {
                        _ = self.reload() => {}
                        () = signals.end() => return Cause::Asked,
                    }
                }
                Turn::Reload(request) => tokio::select! {
                    outcome = self.reload() => drop(request.send(outcome)),
                    () = signals.end() => return Cause::Asked,
                },
                Turn::Tick => {
                    chores.tick(&self.shared);
                    if chores.ticks.is_multiple_of(TLS_TICKS) {
                        self.tls.tick(&self.shared).await;
                    }
                }
                Turn::Rung => {}
            }
            if self.plane.ended() > 0 {
                tracing::error!("a worker has ended by itself; the gateway stops");
                return Cause::WorkerEnded;
            }
            self.refresh_readiness();
        }
    }

    async fn reload(&mut self) -> Reloaded {
        let outcome = match self.load().await {
            Ok((loaded, materials)) => {
                let parts = reload::Parts {
                    shared: &self.shared,
                    audit: &self.audit,
                    keys: &mut self.keys,
                    oauth: &self.oauth,
                };
                let fresh = reload::Fresh {
                    config: loaded.config,
                    warnings: loaded.warnings,
                    materials: &materials,
                };
                let applied = reload::apply(fresh, &mut self.config, self.port, parts).await;
                if matches!(applied, Reloaded::Applied { .. }) {
                    self.tls = TlsWatch::new(&self.config, materials, &self.shared);
                }
                applied
            }
            Err(refused) => Reloaded::rejected_by(&refused.diagnostics),
        };
        if matches!(outcome, Reloaded::Applied { .. }) {
            self.access
                .token
                .store(self.config.server.admin.token.clone().map(Arc::new));
            self.bridges.reconcile(&self.shared.live.load());
            self.plane.post(ToWorker::Reloaded);
        }
        outcome.announce(&self.shared, &self.audit).await;
        outcome
    }

    /// The configuration and the certificates that it names, as they are now.
    async fn load(&self) -> Result<(Loaded, Materials), Refused> {
        let loaded = self.source.load()?;
        let before = Arc::clone(self.tls.materials());
        let loading = spawn_blocking(move || tls::load(loaded, &before, tls::now_secs()));
        loading.await.unwrap_or_else(|error| {
            // It panicked, which is a defect of ours and no reason to end: the reload is refused.
            tracing::error!(%error, "certificates could not be loaded");
            Err(Refused {
                diagnostics: Vec::new(),
            })
        })
    }

    fn refresh_readiness(&self) {
        let readiness = readiness(&self.shared, self.audit.is_stalled());
        if self.shared.health.set_readiness(readiness.clone()) {
            tracing::info!(readiness = readiness.as_str(), "readiness changed");
        }
    }

    /// Lets the workers finish, writes the last audit records. A second signal ends the process at once.
    async fn drain(mut self, signals: &mut Signals) -> bool {
        self.reloads.close();
        self.shared.health.set_readiness(Readiness::Draining);
        let grace = self.config.server.drain_timeout;
        let deadline = Instant::now() + grace;
        tracing::info!(grace_ms = grace.as_millis() as u64, "draining");
        self.plane.post(ToWorker::Drain { deadline });
        let workers_ended = tokio::select! {
            ended = self.workers_ended(deadline + ABORT_TIME) => ended,
            () = signals.end() => {
                tracing::warn!("second signal: ending at once");
                std::process::exit(1);
            }
        };
        self.bridges.shutdown(CHILDREN_TIME).await;
        let recorded = self.audit.stop(AUDIT_TIME).await;
        if let Err(error) = &recorded {
            tracing::error!(%error, "audit log is incomplete");
        }
        let joined = workers_ended && self.join();
        tracing::info!("stopped");
        joined && recorded.is_ok()
    }

    async fn workers_ended(&self, limit: Instant) -> bool {
        while self.plane.ended() < self.shared.workers.len() {
            if Instant::now() >= limit {
                tracing::error!("workers did not end in time");
                return false;
            }
            tokio::select! {
                () = self.shared.doorbell.rung() => {}
                () = sleep(Duration::from_millis(20)) => {}
            }
        }
        true
    }

    fn join(self) -> bool {
        let panicked = self.plane.join();
        panicked
            .iter()
            .for_each(|name| tracing::error!(worker = name, "worker has panicked"));
        panicked.is_empty()
    }
}

/// What is due now and then.
#[derive(Debug, Default)]
struct Chores {
    ticks: u64,
    probing: Option<JoinHandle<()>>,
    resolving: Option<JoinHandle<()>>,
}

impl Chores {
    fn tick(&mut self, shared: &Arc<Shared>) {
        let due = |every: u64| self.ticks % every == every - 1;
        let (probe_due, resolve_due, sweep_due) =
            (due(PROBE_TICKS), due(RESOLVE_TICKS), due(SWEEP_TICKS));
        self.ticks += 1;
        let live = || shared.live.load_full();
        if probe_due && is_over(self.probing.as_ref()) {
            let live = live();
            self.probing = Some(tokio::spawn(
                async move { probe::probe_required(&live).await },
            ));
        }
        if resolve_due && is_over(self.resolving.as_ref()) {
            let live = live();
            self.resolving = Some(tokio::spawn(async move { resolve::refresh(&live).await }));
        }
        if sweep_due {
            sweep(shared, &live());
        }
    }
}

fn is_over(task: Option<&JoinHandle<()>>) -> bool {
    task.is_none_or(JoinHandle::is_finished)
}

fn sweep(shared: &Shared, live: &Live) {
    let now_ns = monotonic_ns();
    shared.quotas.sweep(&live.snapshot.quotas, now_ns);
    shared.peers.sweep(now_ns);
    shared.oauth_peers.sweep(now_ns);
}

/// The clock that quotas are charged by.
pub(super) fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

/// Whether traffic should come, and if not, the first reason why.
pub(super) fn readiness(shared: &Shared, audit_stalled: bool) -> Readiness {
    let live = shared.live.load();
    if shared
        .workers
        .iter()
        .any(|worker| worker.phase() == Phase::Starting)
    {
        return Readiness::Starting;
    }
    if let Some(issuer) = issuer_without_keys(shared) {
        return Readiness::KeysMissing { issuer };
    }
    for (server, state) in live.snapshot.servers().iter().zip(&live.servers) {
        match (server.required, state.reach()) {
            (true, Reach::Down) => {
                return Readiness::UpstreamDown {
                    server: server.name.clone(),
                };
            }
            (true, Reach::Unknown) => return Readiness::Starting,
            _ => {}
        }
    }
    let audit = live.snapshot.audit;
    if audit_stalled && audit.enabled && audit.overflow == AuditOverflow::Refuse {
        return Readiness::AuditStalled;
    }
    Readiness::Ready
}

/// The first issuer that was configured at the start and whose keys were never fetched. One that a reload adds, or whose keys
/// were lost since, does not take a gateway out of service that serves others.
fn issuer_without_keys(shared: &Shared) -> Option<Box<str>> {
    let desks = shared.key_desks.all();
    let waited_for = desks
        .iter()
        .filter(|desk| desk.gates_readiness && !desk.was_fetched());
    waited_for
        .map(|desk| desk.report().issuers.first().cloned().unwrap_or_default())
        .next()
}

#[cfg(test)]
mod tests;
