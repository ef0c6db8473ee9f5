//! Client certificates as identities.
//!
//! A certificate comes from the TLS handshake, which verified it, or from a proxy in front that did (`source = "header"`), and
//! then only from an address of `trusted_proxy_ips` with that proxy's word that it verified. What this never does: verify
//! chains (the handshake does), or pick among several identities of one certificate. Sources: RFC 5280, RFC 6125, SPIFFE X.509-SVID.
//!
//! Read [`MtlsRules`] first.

mod certificate;
mod fault;
mod identify;
mod names;
mod proxy;
mod rules;
#[cfg(test)]
pub(in crate::engine::identity) mod testing;

pub use certificate::{CertificateError, ClientCertificate};
pub use fault::CertificateFault;
pub use proxy::ProxyFormat;
pub use rules::{
    CertificateOrigin, IdentityPattern, IdentitySource, MtlsAccess, MtlsIdentity, MtlsRules,
};
