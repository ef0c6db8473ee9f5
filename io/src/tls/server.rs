//! The listener's side.

use std::{fmt, sync::Arc, time::Duration};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::Ticketer,
    pki_types::UnixTime,
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::CertifiedKey,
};

use super::{
    ALPN_HTTP1, ALPN_HTTP1_0, CertificateDer, KeyPair, TlsError, Trust, bounded::Bounded, material,
    names::Certificates, provider,
};

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
///
/// Threads share the certificates and, at handshakes alone, the lock of the key for session tickets, which is taken for
/// reading and turned every six hours. Sessions live in the clients' tickets, not in a table that all handshakes would lock.
#[derive(Clone)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    clients: Clients,
}

/// Who vouches for clients.
#[derive(Clone)]
enum Clients {
    AreNotAsked,
    May(Arc<dyn ClientCertVerifier>),
    Must(Arc<dyn ClientCertVerifier>),
}

impl ServerTls {
    /// Builds it. Sessions of an earlier value cannot be resumed under this one, so nobody keeps an identity that the new
    /// trust would refuse.
    ///
    /// Errors: what is wrong with the material, with the index of the certificate; `NoTrust`, `BadCrl` and
    /// `BadCertificate` of [`ServerTlsSpec::client_auth`] come with the number of certificates as the index.
    pub fn new(spec: ServerTlsSpec) -> Result<Self, (usize, TlsError)> {
        let certificates = spec.certificates.len();
        let clients = Clients::new(&spec.client_auth).map_err(|error| (certificates, error))?;
        let keys = spec.certificates.into_iter().enumerate().map(certified);
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let keys = Certificates::new(keys).ok_or((0, TlsError::NoCertificate))?;
        let config = configured(spec.min_version, &clients, keys)
            .map_err(|error| (0, TlsError::BadCertificate(error.to_string())))?;
        Ok(Self {
            config: Arc::new(config),
            clients,
        })
    }

    /// Whether both are one value.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.config, &other.config)
    }

    /// Whether certificates that a client showed under an earlier configuration are still good under this one, at `now_secs`
    /// (Unix time). None shown is good unless this one requires some; any shown is not where this one asks for none, as
    /// nobody vouches for them.
    #[must_use]
    pub fn still_trusts(&self, certificates: &[CertificateDer<'static>], now_secs: u64) -> bool {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now_secs));
        match (&self.clients, certificates) {
            (Clients::Must(_), []) => false,
            (_, []) => true,
            (Clients::AreNotAsked, _) => false,
            (Clients::May(verifier) | Clients::Must(verifier), [own, others @ ..]) => {
                verifier.verify_client_cert(own, others, now).is_ok()
            }
        }
    }

    /// As [`ServerTls::still_trusts`], at the time by which handshakes are judged.
    pub(super) fn trusts_now(&self, certificates: &[CertificateDer<'static>]) -> bool {
        let now = self.config.time_provider.current_time();
        now.is_some_and(|now| self.still_trusts(certificates, now.as_secs()))
    }

    /// The same configuration, tickets included, changed.
    #[cfg(test)]
    pub(crate) fn altered(&self, alter: impl FnOnce(&mut ServerConfig)) -> Self {
        let mut config = ServerConfig::clone(&self.config);
        alter(&mut config);
        Self {
            config: Arc::new(config),
            clients: self.clients.clone(),
        }
    }

    pub(super) fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }
}

impl Clients {
    fn new(auth: &ClientAuth) -> Result<Self, TlsError> {
        Ok(match auth {
            ClientAuth::None => Self::AreNotAsked,
            ClientAuth::Optional(trust) => Self::May(verifier(trust, false)?),
            ClientAuth::Required(trust) => Self::Must(verifier(trust, true)?),
        })
    }

    fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        match self {
            Self::AreNotAsked => WebPkiClientVerifier::no_client_auth(),
            Self::May(verifier) | Self::Must(verifier) => verifier.clone(),
        }
    }
}

/// Lists are checked for the whole chain; no list, or an old one, counts as revoked. Chains may have six authorities
/// between the root and the client.
fn verifier(trust: &Trust, is_required: bool) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut builder = WebPkiClientVerifier::builder_with_provider(trust.anchors()?, provider());
    if !trust.revocations.is_empty() {
        builder = builder
            .with_crls(trust.revocations.iter().cloned())
            .enforce_revocation_expiration();
    }
    if !is_required {
        builder = builder.allow_unauthenticated();
    }
    let verifier = builder.build().map_err(material::refused)?;
    Ok(Arc::new(Bounded::new(verifier)))
}

fn certified((index, pair): (usize, KeyPair)) -> Result<Arc<CertifiedKey>, (usize, TlsError)> {
    material::certified(pair)
        .map(Arc::new)
        .map_err(|error| (index, error))
}

fn configured(
    min_version: MinVersion,
    clients: &Clients,
    keys: Certificates,
) -> Result<ServerConfig, rustls::Error> {
    let versions: &[&rustls::SupportedProtocolVersion] = match min_version {
        MinVersion::Tls12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        MinVersion::Tls13 => &[&rustls::version::TLS13],
    };
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)?
        .with_client_cert_verifier(clients.verifier())
        .with_cert_resolver(Arc::new(keys));
    config.alpn_protocols = vec![ALPN_HTTP1.to_vec(), ALPN_HTTP1_0.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = Ticketer::new()?;
    // One connection resumes one at a time; each ticket costs an encryption and, with client certificates, their size.
    config.send_tls13_tickets = 1;
    // Without it a man in the middle may splice two TLS 1.2 sessions of one client certificate (RFC 7627 §1).
    config.require_ems = !matches!(clients, Clients::AreNotAsked);
    Ok(config)
}

/// Shows nothing of keys.
impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clients = match self.clients {
            Clients::AreNotAsked => "none",
            Clients::May(_) => "optional",
            Clients::Must(_) => "required",
        };
        f.debug_struct("ServerTls")
            .field("client_auth", &clients)
            .finish_non_exhaustive()
    }
}
