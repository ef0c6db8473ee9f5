//! The body of `GET /status`.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::scrape::transport;
use crate::engine::snapshot::{Server, UpstreamAddress};
use crate::mailbox::{KeyReport, ServerState, Shared, WorkerShared};

/// What does not change while the process runs.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// Main listener.
    pub(super) address: SocketAddr,
    /// What the workers got from the kernel.
    pub(super) io_mode: String,
    /// Configuration file.
    pub(super) config_path: String,
}

/// Version, uptime, revision, workers, servers and issuers. For operators: it names addresses, never secrets.
pub(super) fn status(shared: &Shared, facts: &Facts) -> Value {
    let live = shared.live.load();
    let servers = live.snapshot.servers().iter().zip(&live.servers);
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_secs": shared.health.uptime_secs(),
        "readiness": shared.health.readiness().as_str(),
        "listening": facts.address.to_string(),
        "io": facts.io_mode,
        "config": { "path": facts.config_path, "revision": live.snapshot.revision() },
        "identities": shared.quotas.identities(),
        "workers": shared.workers.iter().enumerate().map(worker).collect::<Vec<_>>(),
        "servers": servers.map(server).collect::<Vec<_>>(),
        "issuers": shared.key_desks.all().iter().flat_map(|desk| issuers(desk.report())).collect::<Vec<_>>(),
    })
}

fn worker((index, worker): (usize, &WorkerShared)) -> Value {
    json!({
        "worker": index,
        "phase": worker.phase().as_str(),
        "connections": worker.metrics.connections.value(),
        "requests_in_flight": worker.metrics.requests_in_flight.value(),
        "streams": worker.metrics.streams.value(),
        "audit_queued_bytes": worker.lane.queued_bytes(),
    })
}

fn server((server, state): (&Server, &std::sync::Arc<ServerState>)) -> Value {
    let address = match &server.upstream.address {
        UpstreamAddress::Http { host, port, .. } => format!("{host}:{port}"),
        UpstreamAddress::Unix { path } => format!("unix:{}", path.display()),
        UpstreamAddress::Child(child) => child.command.to_string(),
    };
    let resolved: Vec<String> = state
        .resolved
        .load()
        .addresses()
        .iter()
        .map(ToString::to_string)
        .collect();
    json!({
        "name": server.name,
        "transport": transport(&server.upstream),
        "address": address,
        "resolved": resolved,
        "required": server.required,
        "state": state.reach().as_str(),
    })
}

/// The issuers whose keys are those of `report`. An error names hosts and statuses, never what was answered.
fn issuers(report: KeyReport) -> impl Iterator<Item = Value> {
    report.issuers.into_iter().map(move |issuer| {
        json!({
            "issuer": issuer,
            "jwks_url": report.url,
            "keys": report.keys,
            "age_secs": report.fetched_at.map(|at| at.elapsed().as_secs()),
            "stale": report.is_stale,
            "last_error": report.last_error,
        })
    })
}
