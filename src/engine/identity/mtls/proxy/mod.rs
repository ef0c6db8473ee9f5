//! What a proxy in front tells of the certificate that it was shown, in headers.
//!
//! Nothing here asks who sent them: that is asked before ([`MtlsRules`](super::MtlsRules)). **Invariant:** headers either
//! tell of one verified certificate, or of none, or they are refused. What is contradictory, repeated or malformed is never
//! read as "no certificate", since a caller without one may be anonymous.
//!
//! Read [`Told`] first. Sources: the proxies' documentation, with the configuration for each in `docs/client-certificates.md`.

mod encoded;
mod envoy;
mod format;
mod subject;

pub use format::ProxyFormat;

use super::{CertificateFault, ClientCertificate, IdentitySource};
use crate::engine::identity::{ProofCache, ProofDigest, Provider};
use crate::engine::mcp::headers::{CertificateField, CertificateHeaders, RepeatedField};

/// A certificate that the proxy verified, as its headers have it; not read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::identity) struct Told<'h> {
    format: ProxyFormat,
    value: &'h [u8],
}

/// What [`Told`] holds, once read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// The certificate.
    Certificate(ClientCertificate),
    /// The name that is asked for, and no more.
    Name(Box<str>),
}

impl From<RepeatedField> for CertificateFault {
    fn from(_: RepeatedField) -> Self {
        Self::BadHeaders
    }
}

impl<'h> Told<'h> {
    /// What `headers` tell in `format` of a certificate; `None` where they tell that there is none.
    ///
    /// Errors: `Unverified` without the proxy's word that it verified, `BadHeaders`, `NoIdentity`.
    pub(super) fn find(
        headers: CertificateHeaders<'h>,
        format: ProxyFormat,
        source: IdentitySource,
    ) -> Result<Option<Self>, CertificateFault> {
        let value = match format {
            ProxyFormat::Plain => find_plain(headers, source),
            ProxyFormat::Nginx => find_nginx(headers),
            ProxyFormat::Haproxy => find_haproxy(headers),
            ProxyFormat::Envoy => find_alone(headers, CertificateField::ForwardedClientCert),
            ProxyFormat::Traefik => find_alone(headers, CertificateField::ForwardedTlsClientCert),
        };
        Ok(value?.map(|value| Self { format, value }))
    }

    /// What its proofs are kept under. Format and source are the configuration's, with which the cache is emptied.
    pub(super) fn digest(&self) -> ProofDigest {
        ProofCache::digest(Provider::Mtls, self.value)
    }

    /// Reads it for a name of the kind `source`. Errors: `BadHeaders`, `Unverified`, `Unreadable`, and those of the name.
    pub(super) fn read(&self, source: IdentitySource) -> Result<Evidence, CertificateFault> {
        let der = match self.format {
            ProxyFormat::Plain => return plain_name(self.value, source).map(Evidence::Name),
            ProxyFormat::Envoy => return envoy::read(self.value, source),
            ProxyFormat::Nginx => encoded::url_encoded_pem(self.value),
            ProxyFormat::Haproxy => encoded::base64(self.value),
            ProxyFormat::Traefik => encoded::first_of_list(self.value),
        };
        certificate(&der.ok_or(CertificateFault::BadHeaders)?).map(Evidence::Certificate)
    }
}

fn certificate(der: &[u8]) -> Result<ClientCertificate, CertificateFault> {
    ClientCertificate::parse(der).map_err(CertificateFault::Unreadable)
}

/// Whether there is a verified certificate, by the word of a proxy that says `SUCCESS`, `NONE` or a failure.
fn is_verified(marker: Option<&[u8]>, is_told: bool) -> Result<bool, CertificateFault> {
    match (marker.unwrap_or_default(), is_told) {
        (b"SUCCESS", _) => Ok(true),
        (b"" | b"NONE", false) => Ok(false),
        (b"NONE", true) => Err(CertificateFault::BadHeaders),
        _ => Err(CertificateFault::Unverified),
    }
}

fn find_plain<'h>(
    headers: CertificateHeaders<'h>,
    source: IdentitySource,
) -> Result<Option<&'h [u8]>, CertificateFault> {
    use CertificateField::{PlainCn, PlainSanDns, PlainSanEmail, PlainSanUri, PlainVerified};
    let wanted = match source {
        IdentitySource::Cn => PlainCn,
        IdentitySource::SanDns => PlainSanDns,
        IdentitySource::SanEmail => PlainSanEmail,
        IdentitySource::SanUri => PlainSanUri,
    };
    let mut is_told = false;
    for field in [PlainCn, PlainSanDns, PlainSanEmail, PlainSanUri] {
        is_told |= headers.value(field)?.is_some_and(|value| !value.is_empty());
    }
    if !is_verified(headers.value(PlainVerified)?, is_told)? {
        return Ok(None);
    }
    match headers.value(wanted)? {
        None | Some([]) => Err(CertificateFault::NoIdentity),
        name => Ok(name),
    }
}

fn find_nginx<'h>(headers: CertificateHeaders<'h>) -> Result<Option<&'h [u8]>, CertificateFault> {
    let marker = headers.value(CertificateField::SslVerify)?;
    let certificate = headers
        .value(CertificateField::SslCert)?
        .unwrap_or_default();
    let is_there = is_verified(marker, !certificate.is_empty())?;
    match (is_there, certificate) {
        (false, _) => Ok(None),
        (true, []) => Err(CertificateFault::BadHeaders),
        (true, _) => Ok(Some(certificate)),
    }
}

/// `ssl_c_verify` is 0 without a certificate too, so `ssl_c_used` says whether there is one.
fn find_haproxy<'h>(headers: CertificateHeaders<'h>) -> Result<Option<&'h [u8]>, CertificateFault> {
    let used = headers
        .value(CertificateField::SslUsed)?
        .unwrap_or_default();
    let verify = headers
        .value(CertificateField::SslVerify)?
        .unwrap_or_default();
    let certificate = headers.value(CertificateField::SslDer)?.unwrap_or_default();
    match (used, verify, certificate) {
        (b"" | b"0", _, []) => Ok(None),
        (b"1", b"0", []) | (b"0", _, _) => Err(CertificateFault::BadHeaders),
        (b"1", b"0", _) => Ok(Some(certificate)),
        _ => Err(CertificateFault::Unverified),
    }
}

/// A format of one field, which is there only where the proxy verified a certificate.
fn find_alone<'h>(
    headers: CertificateHeaders<'h>,
    field: CertificateField,
) -> Result<Option<&'h [u8]>, CertificateFault> {
    match headers.value(field)? {
        Some([]) => Err(CertificateFault::BadHeaders),
        value => Ok(value),
    }
}

/// A name alone. A comma may be where somebody on the way joined two fields of one name (RFC 9110 §5.3), so it is refused
/// even where a name could have one.
fn plain_name(value: &[u8], source: IdentitySource) -> Result<Box<str>, CertificateFault> {
    if value.contains(&b',') {
        return Err(CertificateFault::BadHeaders);
    }
    let text = std::str::from_utf8(value).ok();
    text.and_then(|text| source.admit(text))
        .map(String::into_boxed_str)
        .ok_or(CertificateFault::BadName)
}

#[cfg(test)]
mod tests;
