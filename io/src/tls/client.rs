//! The client's side: upstreams, and whatever control asks.

use std::{fmt, sync::Arc};

use rustls::{
    ClientConfig, SupportedProtocolVersion,
    client::{Resumption, WebPkiServerVerifier},
};

use super::{ALPN_HTTP1, KeyPair, TlsError, Trust, material, provider};
use crate::limits::TLS_CLIENT_SESSIONS_MAX;

/// Whom a client trusts, and what it proves itself with.
#[derive(Debug)]
pub struct ClientTlsSpec {
    /// Who may vouch for servers.
    pub trust: Trust,
    /// The client's own certificate.
    pub certificate: Option<KeyPair>,
}

/// A client's side of TLS. Cheap to clone.
#[derive(Clone)]
pub struct ClientTls(Arc<ClientConfig>);

impl ClientTls {
    /// Builds it: TLS 1.2 and 1.3, ALPN `http/1.1`. Servers are verified with the name that is connected to.
    ///
    /// Errors: what is wrong with the material.
    pub fn new(spec: ClientTlsSpec) -> Result<Self, TlsError> {
        Self::speaking(&[&rustls::version::TLS13, &rustls::version::TLS12], spec)
    }

    /// As [`ClientTls::new`], of these versions.
    pub(super) fn speaking(
        versions: &[&'static SupportedProtocolVersion],
        spec: ClientTlsSpec,
    ) -> Result<Self, TlsError> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .map_err(|error| TlsError::BadCertificate(error.to_string()))?
            .with_webpki_verifier(verifier(&spec.trust)?);
        let mut config = match spec.certificate {
            None => builder.with_no_client_auth(),
            Some(pair) => builder.with_client_cert_resolver(Arc::new(
                rustls::sign::SingleCertAndKey::from(material::certified(pair)?),
            )),
        };
        config.alpn_protocols = vec![ALPN_HTTP1.to_vec()];
        config.resumption = Resumption::in_memory_sessions(TLS_CLIENT_SESSIONS_MAX);
        Ok(Self(Arc::new(config)))
    }

    /// The same with sessions of its own, for one thread: resuming then takes no lock that another thread takes.
    #[must_use]
    pub fn for_thread(&self) -> Self {
        let mut config = ClientConfig::clone(&self.0);
        config.resumption = Resumption::in_memory_sessions(TLS_CLIENT_SESSIONS_MAX);
        Self(Arc::new(config))
    }

    /// For a runtime other than the workers'.
    #[must_use]
    pub fn config(&self) -> &Arc<ClientConfig> {
        &self.0
    }

    /// Whether both are one value.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

fn verifier(trust: &Trust) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    let mut builder = WebPkiServerVerifier::builder_with_provider(trust.anchors()?, provider());
    if !trust.revocations.is_empty() {
        builder = builder
            .with_crls(trust.revocations.iter().cloned())
            .enforce_revocation_expiration();
    }
    builder.build().map_err(material::refused)
}

/// Shows nothing of keys.
impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").finish_non_exhaustive()
    }
}
