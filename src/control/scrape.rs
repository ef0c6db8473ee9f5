//! The body of `/metrics`.

use super::usage;
use crate::engine::snapshot::{HttpTransport, Server, Upstream, UpstreamAddress};
use crate::mailbox::{AuditLane, KeyDesk, KeyReport, Reach, Readiness, ServerState, Shared};
use crate::metrics::scrape::{self, UpstreamSource};
use crate::metrics::{Exposition, JwksResult, WorkerMetrics, family};

/// Everything there is to count, as Prometheus text.
#[must_use]
pub fn metrics(shared: &Shared) -> String {
    let mut out = Exposition::default();
    let live = shared.live.load();
    let workers: Vec<&WorkerMetrics> = shared
        .workers
        .iter()
        .map(|worker| &*worker.metrics)
        .collect();
    let servers = live.snapshot.servers().iter().zip(&live.servers);
    let servers: Vec<_> = servers
        .map(|(server, state)| source(server, state))
        .collect();
    scrape::workers(&mut out, &workers);
    scrape::upstreams(&mut out, &servers);
    scrape::children(&mut out, &servers);
    scrape::sessions(&mut out, &shared.control.sessions);
    shared
        .control
        .active_identities
        .set(i64::try_from(shared.quotas.identities()).unwrap_or(i64::MAX));
    scrape::control(&mut out, &shared.control);
    audit(&mut out, shared);
    issuers(&mut out, shared);
    scrape::providers(&mut out, &shared.control.oauth);
    let ready = *shared.health.readiness() == Readiness::Ready;
    out.family(&family::CONFIG_REVISION)
        .value(&[], live.snapshot.revision() as f64);
    out.family(&family::READY)
        .value(&[], f64::from(u8::from(ready)));
    out.family(&family::UPTIME)
        .value(&[], shared.health.uptime_secs() as f64);
    out.family(&family::BUILD_INFO)
        .value(&[env!("CARGO_PKG_VERSION")], 1.0);
    usage::expose(&mut out, shared);
    out.encode()
}

/// The `transport` of a server's labels.
#[must_use]
pub(super) const fn transport(upstream: &Upstream) -> &'static str {
    match (&upstream.address, upstream.speech.transport) {
        (UpstreamAddress::Child(_), _) => "stdio",
        (_, HttpTransport::Streamable) => "http",
        (_, HttpTransport::Sse) => "sse",
    }
}

fn source<'a>(configured: &Server, server: &'a ServerState) -> UpstreamSource<'a> {
    UpstreamSource {
        server: &server.name,
        transport: transport(&configured.upstream),
        cells: server.cells(),
        children: matches!(server.address, UpstreamAddress::Child(_)).then_some(&*server.children),
        up: match server.reach() {
            Reach::Unknown => None,
            Reach::Up => Some(true),
            Reach::Down => Some(false),
        },
    }
}

/// Keys of issuers. Those that share a source have the same figures.
fn issuers(out: &mut Exposition, shared: &Shared) {
    let desks = shared.key_desks.all();
    let reports: Vec<(&KeyDesk, KeyReport)> =
        desks.iter().map(|desk| (&**desk, desk.report())).collect();
    let each = || {
        reports.iter().flat_map(|(desk, report)| {
            let issuers = report.issuers.iter();
            issuers.map(move |issuer| (&**issuer, *desk, report))
        })
    };
    let mut fetches = out.family(&family::JWKS_FETCHES);
    for (issuer, desk, _) in each() {
        for &result in JwksResult::ALL {
            fetches.used(&[issuer, result.as_str()], desk.fetches(result));
        }
    }
    let mut age = out.family(&family::JWKS_AGE);
    for (issuer, _, report) in each() {
        if let Some(fetched_at) = report.fetched_at {
            age.value(&[issuer], fetched_at.elapsed().as_secs_f64());
        }
    }
    let mut keys = out.family(&family::JWKS_KEYS);
    for (issuer, _, report) in each() {
        keys.value(&[issuer], report.keys as f64);
    }
    let mut stale = out.family(&family::JWKS_STALE);
    for (issuer, _, report) in each() {
        stale.value(&[issuer], f64::from(u8::from(report.is_stale)));
    }
}

fn audit(out: &mut Exposition, shared: &Shared) {
    let sum = |of: fn(&AuditLane) -> u64| {
        shared
            .workers
            .iter()
            .map(|worker| of(&worker.lane))
            .sum::<u64>() as f64
    };
    out.family(&family::AUDIT_RECORDS)
        .value(&[], sum(AuditLane::records));
    out.family(&family::AUDIT_DROPPED)
        .value(&[], sum(AuditLane::dropped));
    out.family(&family::AUDIT_REFUSED)
        .value(&[], sum(AuditLane::refused));
    out.family(&family::AUDIT_QUEUED_BYTES)
        .value(&[], sum(|lane| lane.queued_bytes() as u64));
}
