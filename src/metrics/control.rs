//! Counters that the control thread writes.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::labels::{ReloadResult, TlsReload};
use super::{Counter, Gauge, OAuthCells, SessionCells};

/// What control counts about itself. It is the only writer.
#[derive(Debug, Default)]
pub struct ControlMetrics {
    reloads: [Counter; ReloadResult::ALL.len()],
    tls_reloads: [Counter; TlsReload::ALL.len()],
    certificates: ArcSwap<Vec<CertificateEnd>>,
    /// Identities that have a live quota bucket.
    pub active_identities: Gauge,
    /// Bytes of audit records written to their sinks.
    pub audit_bytes: Counter,
    /// Writes to an audit sink that failed.
    pub audit_write_errors: Counter,
    /// Age in milliseconds of the oldest record that is not written yet.
    pub audit_lag_ms: Gauge,
    /// Clients that have registered themselves.
    pub oauth_clients: Gauge,
    /// Grants of OAuth that have not ended.
    pub oauth_grants: Gauge,
    /// Sessions that the gateway itself holds.
    pub sessions: Arc<SessionCells>,
    /// Providers of logins, and clients.
    pub oauth: Arc<OAuthCells>,
}

/// When one of the gateway's own certificates ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateEnd {
    /// The configuration key that names its file.
    pub key: Box<str>,
    /// Unix time.
    pub not_after_secs: u64,
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

    /// Counts one reading of certificates that changed.
    pub fn tls_reload(&self, result: TlsReload) {
        self.tls_reloads[result.index()].inc();
    }

    /// Readings of changed certificates that ended with `result`.
    #[must_use]
    pub fn tls_reloads(&self, result: TlsReload) -> u64 {
        self.tls_reloads[result.index()].value()
    }

    /// Stores when the certificates in force end.
    pub fn set_certificates(&self, certificates: Vec<CertificateEnd>) {
        self.certificates.store(Arc::new(certificates));
    }

    /// When the certificates in force end.
    #[must_use]
    pub fn certificates(&self) -> Arc<Vec<CertificateEnd>> {
        self.certificates.load_full()
    }
}
