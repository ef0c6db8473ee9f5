//! What a certificate says of its holder.

use std::fmt;

/// The names in a client certificate that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    not_after_secs: u64,
}

impl ClientCertificate {
    /// Reads an end-entity certificate in DER that somebody has verified. Errors: what cannot be read.
    pub fn parse(der: &[u8]) -> Result<Self, CertificateError> {
        let _ = der;
        Err(CertificateError::Malformed)
    }

    /// A certificate that was shown and cannot be read: it proves nobody, and its holder is not a caller without one.
    #[must_use]
    pub const fn unreadable(_: CertificateError) -> Self {
        Self { not_after_secs: 0 }
    }

    /// When it ends, in seconds of Unix time.
    #[must_use]
    pub const fn not_after_secs(&self) -> u64 {
        self.not_after_secs
    }
}

/// Why a certificate gives no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateError {
    /// Not DER of an X.509 certificate.
    Malformed,
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("client certificate cannot be read")
    }
}

impl std::error::Error for CertificateError {}
