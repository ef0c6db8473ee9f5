//! Counters that the control thread writes.

use std::sync::Arc;

use super::labels::ReloadResult;
use super::{Counter, Gauge, SessionCells};

/// What control counts about itself. It is the only writer.
#[derive(Debug, Default)]
pub struct ControlMetrics {
    reloads: [Counter; ReloadResult::ALL.len()],
    /// Identities that have a live quota bucket.
    pub active_identities: Gauge,
    /// Bytes of audit records written to their sinks.
    pub audit_bytes: Counter,
    /// Writes to an audit sink that failed.
    pub audit_write_errors: Counter,
    /// Age in milliseconds of the oldest record that is not written yet.
    pub audit_lag_ms: Gauge,
    /// Sessions that the gateway itself holds.
    pub sessions: Arc<SessionCells>,
}

impl ControlMetrics {
    /// Counts one reload.
    pub fn reload(&self, result: ReloadResult) {
        self.reloads[result.index()].inc();
    }

    /// Reloads that ended with `result`.
    #[must_use]
    pub fn reloads(&self, result: ReloadResult) -> u64 {
        self.reloads[result.index()].value()
    }
}
