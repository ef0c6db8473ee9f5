//! Certificates and keys, from PEM text.

use std::fmt;

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use super::TlsError;

/// A certificate chain, the end entity's first, with its private key.
pub struct KeyPair {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl KeyPair {
    /// Reads both from PEM. Errors: `NoCertificate`, `NoKey`, `BadPem`.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let _ = (chain, key);
        Err(TlsError::NoCertificate)
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair")
            .field("certificates", &self.chain.len())
            .finish_non_exhaustive()
    }
}

/// Certificate authorities, with the revocation lists that they signed.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    pub(super) roots: Vec<CertificateDer<'static>>,
    pub(super) revocations: Vec<CertificateRevocationListDer<'static>>,
}

impl Trust {
    /// Reads authorities from PEM, and revocation lists from PEM or DER where there are any. Errors: `NoTrust`, `BadPem`, `BadCrl`.
    pub fn from_pem(roots: &[u8], revocations: Option<&[u8]>) -> Result<Self, TlsError> {
        let _ = (roots, revocations);
        Err(TlsError::NoTrust)
    }

    /// These authorities, without revocation lists.
    #[must_use]
    pub fn from_roots(roots: Vec<CertificateDer<'static>>) -> Self {
        Self {
            roots,
            revocations: Vec::new(),
        }
    }
}
