//! Certificates and keys, by their files.

use std::path::PathBuf;

/// `[server.tls]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// `cert_path` and `key_path`, then `[[server.tls.certificates]]`: at least one, the first for clients that name none of
    /// the others' names.
    pub certificates: Vec<CertificateFiles>,
    /// Whether the first is that of the section itself, rather than of the list.
    pub has_own: bool,
    /// Whether clients show certificates.
    pub client_auth: ClientAuth,
    /// Who may vouch for clients; present unless `client_auth` is `none`.
    pub client_ca_path: Option<PathBuf>,
    /// Revocation lists.
    pub crl_path: Option<PathBuf>,
    /// Oldest version.
    pub min_version: TlsVersion,
}

/// `server.tls.client_auth`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// Clients are not asked for certificates.
    None,
    /// They are asked; one that is shown must be good.
    Optional,
    /// Without a good one there is no connection.
    Required,
}

/// `server.tls.min_version`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// `1.2`
    Tls12,
    /// `1.3`
    Tls13,
}

/// `tls_ca_path`, `tls_client_cert_path` and `tls_client_key_path` of an `https` upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamTls {
    /// Who may vouch for the server; the system's authorities where absent.
    pub ca_path: Option<PathBuf>,
    /// What the gateway proves itself with.
    pub client: Option<CertificateFiles>,
}

/// A certificate chain and its private key, in PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, the end entity's first.
    pub cert_path: PathBuf,
    /// The key.
    pub key_path: PathBuf,
}
