//! What the TLS handshake of a connection settled, and whether it still stands.

use std::cell::{OnceCell, RefCell};

use guard_io::Stream;
use guard_io::tls::ServerTls;

use crate::engine::identity::mtls::{CertificateOrigin, ClientCertificate};
use crate::engine::snapshot::Snapshot;

/// The TLS side of a connection from a client.
pub(super) struct Secured {
    /// The listener's side when the client was last found good.
    good_under: RefCell<ServerTls>,
    certificate: OnceCell<ClientCertificate>,
}

impl Secured {
    /// A connection whose handshake under `tls` has just ended.
    pub(super) fn new(tls: ServerTls) -> Self {
        Self {
            good_under: RefCell::new(tls),
            certificate: OnceCell::new(),
        }
    }

    /// Whether the listener, which speaks `tls` now, would still take the client of `stream`: an authority may have been taken away or a
    /// certificate revoked since the handshake. Cost: a comparison, but for the first time after a change.
    pub(super) fn stands(&self, tls: &ServerTls, stream: &Stream, now_secs: u64) -> bool {
        if self.good_under.borrow().is_same(tls) {
            return true;
        }
        let stands = stream.with_certificates(|shown| tls.still_trusts(shown, now_secs));
        if stands {
            *self.good_under.borrow_mut() = tls.clone();
        }
        stands
    }

    /// What the client of `stream` showed, where its certificate is a credential under `snapshot`. Read when it is first asked for.
    pub(super) fn certificate(
        &self,
        stream: &Stream,
        snapshot: &Snapshot,
    ) -> Option<&ClientCertificate> {
        let rules = snapshot.identity.mtls()?;
        if rules.origin != CertificateOrigin::Native {
            return None;
        }
        if let Some(known) = self.certificate.get() {
            return Some(known);
        }
        let read = stream.with_certificates(|shown| {
            let der = shown.first()?;
            Some(ClientCertificate::parse(der).unwrap_or_else(ClientCertificate::unreadable))
        })?;
        Some(self.certificate.get_or_init(|| read))
    }
}
