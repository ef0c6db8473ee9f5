//! The client's side: upstreams, and whatever control asks.

use std::sync::Arc;

use super::{KeyPair, TlsError, Trust};

/// Whom a client trusts, and what it proves itself with.
#[derive(Debug)]
pub struct ClientTlsSpec {
    /// Who may vouch for servers.
    pub trust: Trust,
    /// The client's own certificate.
    pub certificate: Option<KeyPair>,
}

/// A client's side of TLS. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ClientTls(Arc<rustls::ClientConfig>);

impl ClientTls {
    /// Builds it; ALPN `http/1.1`. Errors: what is wrong with the material.
    pub fn new(spec: ClientTlsSpec) -> Result<Self, TlsError> {
        let _ = spec;
        Err(TlsError::NoTrust)
    }

    /// The same with sessions of its own, for one thread: resuming then takes no lock that another thread takes.
    #[must_use]
    pub fn for_thread(&self) -> Self {
        self.clone()
    }

    /// For a runtime other than the workers'.
    #[must_use]
    pub fn config(&self) -> &Arc<rustls::ClientConfig> {
        &self.0
    }

    /// Whether both are one value.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
