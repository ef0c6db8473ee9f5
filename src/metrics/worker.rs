//! Counters of one worker.

use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use super::labels::{AuthResult, Bound, OAuthResult, STATUSES, TlsHandshake, status_slot};
use super::{Counter, Gauge, Histogram};
use crate::engine::audit::Decision;
use crate::engine::identity::Provider;
use crate::engine::oauth::OAuthEndpoint;

/// Rows for JSON-RPC methods. The engine's closed set fits; the last row takes what lies beyond.
pub const METHODS_MAX: usize = 64;

/// Everything that one worker counts, apart from its upstreams ([`UpstreamCells`](super::UpstreamCells)).
///
/// Each worker has one, in memory of its own, and is its only writer: an increment is a load and a store.
#[derive(Debug)]
#[repr(align(128))]
pub struct WorkerMetrics {
    requests: Box<[[Counter; STATUSES.len()]; METHODS_MAX]>,
    durations: Box<[Histogram; METHODS_MAX]>,
    auth: [[Counter; AuthResult::ALL.len()]; PROVIDERS],
    rate_limit: [Counter; 2],
    decisions: [Counter; Decision::ALL.len()],
    bounds: [Counter; Bound::ALL.len()],
    tls_handshakes: [Counter; TlsHandshake::ALL.len()],
    oauth: [[Counter; OAuthResult::ALL.len()]; OAuthEndpoint::ALL.len()],
    /// Connections accepted since the start.
    pub connections_accepted: Counter,
    /// Client connections open.
    pub connections: Gauge,
    /// Requests being served, streams included.
    pub requests_in_flight: Gauge,
    /// SSE streams open towards clients.
    pub streams: Gauge,
    /// Bytes of request bodies read.
    pub request_bytes: Counter,
    /// Bytes of answers sent.
    pub response_bytes: Counter,
    thread_id: AtomicI32,
}

impl WorkerMetrics {
    /// Counts one answered request. `method` is the index of its JSON-RPC method in the engine's closed set.
    #[inline]
    pub fn request(&self, method: usize, status: u16, duration_ns: u64) {
        let row = method.min(METHODS_MAX - 1);
        self.requests[row][status_slot(status)].inc();
        self.durations[row].observe(duration_ns);
    }

    /// Counts one authentication; `provider` is `None` where no credential named one.
    #[inline]
    pub fn auth(&self, provider: Option<Provider>, result: AuthResult) {
        self.auth[provider_row(provider)][result.index()].inc();
    }

    /// Counts one question to the quota.
    #[inline]
    pub fn rate_limit(&self, allowed: bool) {
        self.rate_limit[usize::from(allowed)].inc();
    }

    /// Counts one judged JSON-RPC message.
    #[inline]
    pub fn decision(&self, decision: Decision) {
        self.decisions[decision as usize].inc();
    }

    /// Counts one arrival at a bound.
    #[inline]
    pub fn bound(&self, bound: Bound) {
        self.bounds[bound.index()].inc();
    }

    /// Counts one TLS handshake with a client.
    #[inline]
    pub fn tls_handshake(&self, result: TlsHandshake) {
        self.tls_handshakes[result.index()].inc();
    }

    /// Counts one request to an endpoint of OAuth.
    #[inline]
    pub fn oauth(&self, endpoint: OAuthEndpoint, result: OAuthResult) {
        self.oauth[endpoint as usize][result.index()].inc();
    }

    /// Notes the kernel's id of the worker's thread, from which a scrape reads its processor time.
    pub fn set_thread_id(&self, thread_id: i32) {
        self.thread_id.store(thread_id, Relaxed);
    }

    /// The kernel's id of the worker's thread, once it runs.
    #[must_use]
    pub fn thread_id(&self) -> Option<i32> {
        Some(self.thread_id.load(Relaxed)).filter(|&id| id > 0)
    }

    pub(super) fn requests(&self) -> &[[Counter; STATUSES.len()]; METHODS_MAX] {
        &self.requests
    }

    pub(super) fn durations(&self) -> &[Histogram; METHODS_MAX] {
        &self.durations
    }

    pub(super) fn auth_count(&self, provider: Option<Provider>, result: AuthResult) -> u64 {
        self.auth[provider_row(provider)][result.index()].value()
    }

    pub(super) fn rate_limit_count(&self, allowed: bool) -> u64 {
        self.rate_limit[usize::from(allowed)].value()
    }

    pub(super) fn decision_count(&self, decision: Decision) -> u64 {
        self.decisions[decision as usize].value()
    }

    /// TLS handshakes that ended with `result`.
    #[must_use]
    pub fn tls_handshakes(&self, result: TlsHandshake) -> u64 {
        self.tls_handshakes[result.index()].value()
    }

    pub(super) fn oauth_count(&self, endpoint: OAuthEndpoint, result: OAuthResult) -> u64 {
        self.oauth[endpoint as usize][result.index()].value()
    }

    pub(super) fn bound_count(&self, bound: Bound) -> u64 {
        self.bounds[bound.index()].value()
    }
}

/// A row a provider, and one for none.
const PROVIDERS: usize = Provider::ALL.len() + 1;

fn provider_row(provider: Option<Provider>) -> usize {
    provider.map_or(PROVIDERS - 1, |provider| provider as usize)
}

impl Default for WorkerMetrics {
    fn default() -> Self {
        Self {
            requests: Box::new(std::array::from_fn(|_| {
                std::array::from_fn(|_| Counter::default())
            })),
            durations: Box::new(std::array::from_fn(|_| Histogram::default())),
            auth: std::array::from_fn(|_| std::array::from_fn(|_| Counter::default())),
            rate_limit: Default::default(),
            decisions: Default::default(),
            bounds: Default::default(),
            tls_handshakes: Default::default(),
            oauth: Default::default(),
            connections_accepted: Counter::default(),
            connections: Gauge::default(),
            requests_in_flight: Gauge::default(),
            streams: Gauge::default(),
            request_bytes: Counter::default(),
            response_bytes: Counter::default(),
            thread_id: AtomicI32::new(0),
        }
    }
}
