//! The listener's side.

use std::sync::Arc;

use super::{KeyPair, TlsError, Trust};

/// What a listener proves itself with, and what it asks of clients.
#[derive(Debug)]
pub struct ServerTlsSpec {
    /// At least one. The client's SNI picks by the names in the certificates; the first is for every other name.
    pub certificates: Vec<KeyPair>,
    /// Whether clients show certificates.
    pub client_auth: ClientAuth,
    /// Oldest version.
    pub min_version: MinVersion,
}

/// Whether clients show certificates.
#[derive(Clone, Debug)]
pub enum ClientAuth {
    /// They are not asked.
    None,
    /// They are asked; one that is shown must be good.
    Optional(Trust),
    /// Without a good one there is no connection.
    Required(Trust),
}

/// Oldest version of TLS that is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinVersion {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// A listener's side of TLS. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ServerTls(Arc<rustls::ServerConfig>);

impl ServerTls {
    /// Builds it. Sessions of an earlier value cannot be resumed under this one, so nobody keeps an identity that the new
    /// trust would refuse. Errors: what is wrong with the material, with the index of the certificate.
    pub fn new(spec: ServerTlsSpec) -> Result<Self, (usize, TlsError)> {
        let _ = spec;
        Err((0, TlsError::NoCertificate))
    }

    /// Whether both are one value.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether certificates that a client showed under an earlier configuration are still good under this one, at `now_secs`
    /// (Unix time).
    #[must_use]
    pub fn still_trusts(
        &self,
        certificates: &[super::CertificateDer<'static>],
        now_secs: u64,
    ) -> bool {
        let _ = (certificates, now_secs, &self.0);
        false
    }
}
