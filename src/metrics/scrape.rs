//! One scrape: the cells of all workers added up.

use super::exposition::{Exposition, Samples};
use super::labels::{
    AuthResult, Bound, ChildEnd, ChildStart, OAuthResult, ProviderCall, ProviderResult,
    ReloadResult, STATUSES, SessionEvent, TlsHandshake, TlsReload, UnplacedMessage, UpstreamResult,
    VouchResult, provider_label,
};
use super::worker::METHODS_MAX;
use super::{
    ChildCells, ControlMetrics, Counter, Gauge, HistogramTotal, OAuthCells, SessionCells,
    UpstreamCells, WorkerMetrics, family,
};
use crate::engine::audit::Decision;
use crate::engine::identity::Provider;
use crate::engine::mcp::methods::Method;
use crate::engine::oauth::OAuthEndpoint;

/// Adds everything that the workers have counted.
pub fn workers(out: &mut Exposition, workers: &[&WorkerMetrics]) {
    requests(out, workers);
    judgements(out, workers);
    oauth(out, workers);
    levels(out, workers);
    each_worker(out, workers);
}

/// One upstream server as a scrape sees it.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamSource<'a> {
    /// Configured name.
    pub server: &'a str,
    /// `http` or `unix`.
    pub transport: &'a str,
    /// The cells of every worker.
    pub cells: &'a [UpstreamCells],
    /// What the last probe found; `None` where it is not probed.
    pub up: Option<bool>,
    /// Where it is a child of the gateway: what is counted about such.
    pub children: Option<&'a ChildCells>,
}

/// Adds everything that was counted about upstream servers.
pub fn upstreams(out: &mut Exposition, servers: &[UpstreamSource<'_>]) {
    let mut requests = out.family(&family::UPSTREAM_REQUESTS);
    each_result(servers, |labels, total| {
        requests.used(labels, total.count());
    });
    let mut latency = out.family(&family::UPSTREAM_LATENCY);
    each_result(servers, |labels, total| {
        latency.histogram(labels, total);
    });
    let mut connections = out.family(&family::UPSTREAM_CONNECTIONS);
    for UpstreamSource {
        server,
        transport,
        cells,
        ..
    } in servers
    {
        let busy = level(cells, |cells| &cells.connections_busy);
        let idle = level(cells, |cells| &cells.connections_idle);
        connections
            .value(&[server, transport, "busy"], busy)
            .value(&[server, transport, "idle"], idle);
    }
    each_server(out.family(&family::UPSTREAM_OPENED), servers, |cells| {
        &cells.connections_opened
    });
    each_server(out.family(&family::UPSTREAM_REUSED), servers, |cells| {
        &cells.connections_reused
    });
    let mut reach = out.family(&family::UPSTREAM_UP);
    for server in servers {
        if let Some(up) = server.up {
            reach.value(&[server.server, server.transport], f64::from(u8::from(up)));
        }
    }
}

/// Adds what was counted about children of stdio servers.
pub fn children(out: &mut Exposition, servers: &[UpstreamSource<'_>]) {
    let each = || {
        servers
            .iter()
            .filter_map(|server| Some((server.server, server.children?)))
    };
    let mut alive = out.family(&family::CHILDREN);
    for (server, cells) in each() {
        alive.value(&[server], cells.alive.value() as f64);
    }
    let mut starts = out.family(&family::CHILD_STARTS);
    for (server, cells) in each() {
        for &result in ChildStart::ALL {
            starts.used(&[server, result.as_str()], cells.starts(result));
        }
    }
    let mut ends = out.family(&family::CHILD_ENDS);
    for (server, cells) in each() {
        for &how in ChildEnd::ALL {
            ends.used(&[server, how.as_str()], cells.ends(how));
        }
    }
}

/// Adds what was counted about sessions that the gateway itself holds.
pub fn sessions(out: &mut Exposition, cells: &SessionCells) {
    out.family(&family::SESSIONS)
        .value(&[], cells.held.value() as f64);
    let mut events = out.family(&family::SESSION_EVENTS);
    for &event in SessionEvent::ALL {
        events.used(&[event.as_str()], cells.counted(event));
    }
    let mut unplaced = out.family(&family::UNPLACED_MESSAGES);
    for &reason in UnplacedMessage::ALL {
        unplaced.used(&[reason.as_str()], cells.unplaced_for(reason));
    }
}

/// Adds what control counts about itself.
pub fn control(out: &mut Exposition, control: &ControlMetrics) {
    let single = |out: &mut Exposition, family, value| {
        out.family(family).value(&[], value);
    };
    single(
        out,
        &family::ACTIVE_IDENTITIES,
        control.active_identities.value() as f64,
    );
    single(
        out,
        &family::AUDIT_WRITTEN_BYTES,
        control.audit_bytes.value() as f64,
    );
    single(
        out,
        &family::AUDIT_WRITE_ERRORS,
        control.audit_write_errors.value() as f64,
    );
    single(
        out,
        &family::AUDIT_LAG,
        control.audit_lag_ms.value() as f64 / 1e3,
    );
    single(
        out,
        &family::OAUTH_CLIENTS,
        control.oauth_clients.value() as f64,
    );
    single(
        out,
        &family::OAUTH_GRANTS,
        control.oauth_grants.value() as f64,
    );
    let mut reloads = out.family(&family::CONFIG_RELOADS);
    for &result in ReloadResult::ALL {
        reloads.value(&[result.as_str()], control.reloads(result) as f64);
    }
    let mut ends = out.family(&family::TLS_CERTIFICATE_ENDS);
    for certificate in control.certificates().iter() {
        ends.value(&[&certificate.key], certificate.not_after_secs as f64);
    }
    let mut reloads = out.family(&family::TLS_RELOADS);
    for &result in TlsReload::ALL {
        reloads.used(&[result.as_str()], control.tls_reloads(result));
    }
}

/// Providers of logins, and clients.
pub fn providers(out: &mut Exposition, cells: &OAuthCells) {
    let mut vouches = out.family(&family::OAUTH_VOUCHES);
    for &result in VouchResult::ALL {
        vouches.used(&[result.as_str()], cells.vouches(result));
    }
    let mut requests = out.family(&family::OAUTH_PROVIDER_REQUESTS);
    for &call in ProviderCall::ALL {
        for &result in ProviderResult::ALL {
            let labels = [call.as_str(), result.as_str()];
            requests.used(&labels, cells.requests(call, result));
        }
    }
}

/// The label of row `index` of the method tables.
pub(super) fn method_label(index: usize) -> &'static str {
    Method::KNOWN
        .get(index)
        .copied()
        .unwrap_or(Method::Other)
        .as_str()
}

fn requests(out: &mut Exposition, workers: &[&WorkerMetrics]) {
    let mut family = out.family(&family::REQUESTS);
    for method in 0..METHODS_MAX {
        for (slot, status) in STATUSES.iter().enumerate() {
            let count = total(workers, |worker| worker.requests()[method][slot].value());
            family.used(&[method_label(method), status], count);
        }
    }
    let mut family = out.family(&family::REQUEST_DURATION);
    for method in 0..METHODS_MAX {
        let mut total = HistogramTotal::default();
        workers
            .iter()
            .for_each(|worker| total.add(&worker.durations()[method]));
        family.histogram(&[method_label(method)], &total);
    }
}

fn judgements(out: &mut Exposition, workers: &[&WorkerMetrics]) {
    let mut auth = out.family(&family::AUTH);
    for provider in Provider::ALL.into_iter().map(Some).chain([None]) {
        for &result in AuthResult::ALL {
            let count = total(workers, |worker| worker.auth_count(provider, result));
            auth.used(&[provider_label(provider), result.as_str()], count);
        }
    }
    let mut decisions = out.family(&family::DECISIONS);
    for decision in Decision::ALL {
        let count = total(workers, |worker| worker.decision_count(decision));
        decisions.value(&[decision.as_str()], count as f64);
    }
    let mut quota = out.family(&family::RATE_LIMIT);
    for allowed in [true, false] {
        let count = total(workers, |worker| worker.rate_limit_count(allowed));
        quota.value(&[if allowed { "true" } else { "false" }], count as f64);
    }
    let mut bounds = out.family(&family::BOUNDS_REACHED);
    for &bound in Bound::ALL {
        let count = total(workers, |worker| worker.bound_count(bound));
        bounds.value(&[bound.as_str()], count as f64);
    }
    let mut handshakes = out.family(&family::TLS_HANDSHAKES);
    for &result in TlsHandshake::ALL {
        let count = total(workers, |worker| worker.tls_handshakes(result));
        handshakes.used(&[result.as_str()], count);
    }
}

fn oauth(out: &mut Exposition, workers: &[&WorkerMetrics]) {
    let mut requests = out.family(&family::OAUTH_REQUESTS);
    for endpoint in OAuthEndpoint::ALL {
        for &result in OAuthResult::ALL {
            let count = total(workers, |worker| worker.oauth_count(endpoint, result));
            requests.used(&[endpoint.as_str(), result.as_str()], count);
        }
    }
}

fn levels(out: &mut Exposition, workers: &[&WorkerMetrics]) {
    let mut gauge = |family, of: fn(&WorkerMetrics) -> &Gauge| {
        let level: i64 = workers.iter().map(|worker| of(worker).value()).sum();
        out.family(family).value(&[], level as f64);
    };
    gauge(&family::REQUESTS_IN_FLIGHT, |worker| {
        &worker.requests_in_flight
    });
    gauge(&family::CONNECTIONS, |worker| &worker.connections);
    gauge(&family::STREAMS, |worker| &worker.streams);
    let mut counter = |family, of: fn(&WorkerMetrics) -> &Counter| {
        let count = total(workers, |worker| of(worker).value());
        out.family(family).value(&[], count as f64);
    };
    counter(&family::CONNECTIONS_ACCEPTED, |worker| {
        &worker.connections_accepted
    });
    counter(&family::REQUEST_BYTES, |worker| &worker.request_bytes);
    counter(&family::RESPONSE_BYTES, |worker| &worker.response_bytes);
}

fn each_worker(out: &mut Exposition, workers: &[&WorkerMetrics]) {
    let mut requests = out.family(&family::WORKER_REQUESTS);
    for (index, worker) in workers.iter().enumerate() {
        let count: u64 = worker.requests().iter().flatten().map(Counter::value).sum();
        requests.value(&[&index.to_string()], count as f64);
    }
    let mut connections = out.family(&family::WORKER_CONNECTIONS);
    for (index, worker) in workers.iter().enumerate() {
        connections.value(&[&index.to_string()], worker.connections.value() as f64);
    }
}

fn total(workers: &[&WorkerMetrics], of: impl Fn(&WorkerMetrics) -> u64) -> u64 {
    workers.iter().map(|worker| of(worker)).sum()
}

fn level(cells: &[UpstreamCells], of: fn(&UpstreamCells) -> &Gauge) -> f64 {
    cells.iter().map(|cells| of(cells).value()).sum::<i64>() as f64
}

fn each_result(servers: &[UpstreamSource<'_>], mut emit: impl FnMut(&[&str], &HistogramTotal)) {
    for UpstreamSource {
        server,
        transport,
        cells,
        ..
    } in servers
    {
        for &result in UpstreamResult::ALL {
            let mut total = HistogramTotal::default();
            cells
                .iter()
                .for_each(|cells| total.add(cells.latency(result)));
            emit(&[server, transport, result.as_str()], &total);
        }
    }
}

fn each_server(
    mut out: Samples<'_>,
    servers: &[UpstreamSource<'_>],
    of: fn(&UpstreamCells) -> &Counter,
) {
    for UpstreamSource {
        server,
        transport,
        cells,
        ..
    } in servers
    {
        let count: u64 = cells.iter().map(|cells| of(cells).value()).sum();
        out.value(&[server, transport], count as f64);
    }
}

#[cfg(test)]
mod tests;
