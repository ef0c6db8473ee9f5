//! From what a request shows to a principal.

use std::net::IpAddr;

use super::proxy::{Evidence, Told};
use super::{
    CertificateFault, CertificateOrigin, ClientCertificate, MtlsAccess, MtlsRules, ProxyFormat,
};
use crate::engine::identity::principal::{Principal, Proven, Provider};
use crate::engine::identity::ties::Ties;
use crate::engine::identity::{ProofCache, ProofDigest, Proving};

/// The certificate that a request comes with; nothing is proven yet.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine::identity) enum Shown<'a> {
    /// In the handshake.
    Native(&'a ClientCertificate),
    /// To a proxy that is believed.
    Told(Told<'a>),
}

impl MtlsRules {
    /// The certificate that the request comes with, if it does; the other origin's is not looked at.
    ///
    /// Errors: what a believed proxy tells is ambiguous, or not verified.
    pub(in crate::engine::identity) fn shown<'a>(
        &self,
        proving: &Proving<'a>,
    ) -> Result<Option<Shown<'a>>, CertificateFault> {
        if self.origin == CertificateOrigin::Native {
            return Ok(proving.certificate.map(Shown::Native));
        }
        match (self.believed(proving.peer), proving.told) {
            (Some(format), Some(headers)) => {
                Ok(Told::find(headers, format, self.source)?.map(Shown::Told))
            }
            _ => Ok(None),
        }
    }

    /// The principal behind `shown`. With a cache a certificate that was proven before costs a look-up: nothing is parsed
    /// and nothing allocated.
    pub(in crate::engine::identity) fn prove(
        &self,
        shown: Shown<'_>,
        proving: &Proving<'_>,
    ) -> Result<Principal, CertificateFault> {
        let digest = match shown {
            Shown::Native(certificate) => *certificate.digest(),
            Shown::Told(told) => told.digest(),
        };
        let known = |cache: &ProofCache| cache.find(&digest, proving.now_secs);
        if let Some(principal) = proving.cache.and_then(known) {
            return Ok(principal);
        }
        match shown {
            Shown::Native(certificate) => self.prove_certificate(certificate, digest, proving),
            Shown::Told(told) => match told.read(self.source)? {
                Evidence::Certificate(certificate) => {
                    self.prove_certificate(&certificate, digest, proving)
                }
                Evidence::Name(name) => {
                    let principal = self.principal(&name, None)?;
                    keep(proving, digest, &principal, None);
                    Ok(principal)
                }
            },
        }
    }

    /// The principal behind a certificate that was verified, at `now_secs` (Unix time). Its rights are those of the first
    /// entry that matches, else the default's.
    ///
    /// Errors: `Unreadable`, `OutOfTime`, `NoIdentity`, `Ambiguous`, `BadName`, `Unmapped`. Cost: one allocation, and the
    /// patterns up to the one that matches.
    pub fn identify(
        &self,
        certificate: &ClientCertificate,
        now_secs: u64,
    ) -> Result<Principal, CertificateFault> {
        let name = certificate.name(self.source, now_secs)?;
        // `expires_at_secs` is the first second that is too late; `notAfter` the last that is not.
        let expires_at_secs = certificate.not_after_secs().saturating_add(1);
        self.principal(name, Some(expires_at_secs))
    }

    /// The principal that a certificate with this name would be, for `explain` alone: nothing was proven.
    #[must_use]
    pub fn principal_for(&self, name: &str) -> Option<Principal> {
        let name = self.source.admit(name)?;
        self.principal(&name, None).ok()
    }

    /// Whether a name still maps to somebody.
    pub(in crate::engine::identity) fn maps(&self, name: &str) -> bool {
        self.access(name).is_some()
    }

    /// What headers from `peer` are read in, where it is a proxy that is believed. IPv4 mapped into IPv6 counts as IPv4.
    pub(in crate::engine::identity) fn believed(&self, peer: IpAddr) -> Option<ProxyFormat> {
        match &self.origin {
            CertificateOrigin::Header { proxies, format } => proxies
                .iter()
                .any(|range| range.contains(peer))
                .then_some(*format),
            CertificateOrigin::Native => None,
        }
    }

    fn prove_certificate(
        &self,
        certificate: &ClientCertificate,
        digest: ProofDigest,
        proving: &Proving<'_>,
    ) -> Result<Principal, CertificateFault> {
        let principal = self.identify(certificate, proving.now_secs)?;
        keep(
            proving,
            digest,
            &principal,
            Some(certificate.not_before_secs()),
        );
        Ok(principal)
    }

    fn principal(
        &self,
        name: &str,
        expires_at_secs: Option<u64>,
    ) -> Result<Principal, CertificateFault> {
        let access = self.access(name).ok_or(CertificateFault::Unmapped)?;
        Ok(Principal::new(Proven {
            provider: Provider::Mtls,
            realm: None,
            id: name,
            grants: access.grants.clone(),
            quota: access.quota,
            ties: Ties::until(expires_at_secs),
            granted: None,
        }))
    }

    fn access(&self, name: &str) -> Option<&MtlsAccess> {
        self.identities
            .iter()
            .find(|identity| identity.pattern.matches(name))
            .map(|identity| &identity.access)
            .or(self.default.as_ref())
    }
}

fn keep(
    proving: &Proving<'_>,
    digest: ProofDigest,
    principal: &Principal,
    not_before_secs: Option<u64>,
) {
    if let Some(cache) = proving.cache {
        cache.keep(digest, principal, not_before_secs);
    }
}

#[cfg(test)]
mod tests;
