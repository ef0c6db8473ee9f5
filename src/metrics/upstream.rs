//! Counters of one upstream server on one worker.

use super::labels::UpstreamResult;
use super::{Counter, Gauge, Histogram};

const RESULTS: usize = UpstreamResult::ALL.len();

/// What one worker counts about one upstream server.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct UpstreamCells {
    latency: [Histogram; RESULTS],
    /// Connections opened.
    pub connections_opened: Counter,
    /// Requests sent over a connection that had been used before.
    pub connections_reused: Counter,
    /// Connections that carry an exchange.
    pub connections_busy: Gauge,
    /// Connections that wait in the pool.
    pub connections_idle: Gauge,
}

impl UpstreamCells {
    /// Counts one finished request: `latency_ns` from its first byte out to the first byte of the answer, or to the failure.
    #[inline]
    pub fn observe(&self, result: UpstreamResult, latency_ns: u64) {
        self.latency[result.index()].observe(latency_ns);
    }

    /// The latencies of requests that ended with `result`; their count is the number of requests.
    #[must_use]
    pub fn latency(&self, result: UpstreamResult) -> &Histogram {
        &self.latency[result.index()]
    }
}
