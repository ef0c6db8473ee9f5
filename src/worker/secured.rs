//! What the TLS handshake of a connection settled, and whether it still stands.

use std::cell::{OnceCell, RefCell};

use guard_io::tls::{ServerTls, TlsPeer};

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

    /// Whether the listener, which speaks `tls` now, would still take `peer`: an authority may have been taken away or a
    /// certificate revoked since the handshake. Cost: a comparison, but for the first time after a change.
    pub(super) fn stands(&self, tls: &ServerTls, peer: &TlsPeer, now_secs: u64) -> bool {
        if self.good_under.borrow().is_same(tls) {
            return true;
        }
        let stands = tls.still_trusts(&peer.certificates, now_secs);
        if stands {
            *self.good_under.borrow_mut() = tls.clone();
        }
        stands
    }

    /// What `peer` showed, where its certificate is a credential under `snapshot`. Read when it is first asked for.
    pub(super) fn certificate(
        &self,
        peer: &TlsPeer,
        snapshot: &Snapshot,
    ) -> Option<&ClientCertificate> {
        let rules = snapshot.identity.mtls()?;
        if rules.origin != CertificateOrigin::Native {
            return None;
        }
        let der = peer.certificates.first()?;
        let read = || ClientCertificate::parse(der).unwrap_or_else(ClientCertificate::unreadable);
        Some(self.certificate.get_or_init(read))
    }
}
