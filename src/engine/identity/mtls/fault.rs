//! Why a certificate proves nobody.

use std::fmt;

use super::CertificateError;

/// Why a certificate, or what a proxy says of one, proves nobody. For records and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    /// It cannot be read.
    Unreadable(CertificateError),
    /// It has no name of the kind that is asked for.
    NoIdentity,
    /// It has several.
    Ambiguous,
    /// Its name is too long, or holds what no name may hold.
    BadName,
    /// No entry of `auth.mtls.identities` matches, and there is no default.
    Unmapped,
    /// It has ended, or has not begun.
    OutOfTime,
    /// The proxy says that it did not verify it.
    Unverified,
    /// The proxy's headers are repeated, contradict each other, or are malformed.
    BadHeaders,
    /// A bearer token came with it, and `auth.mtls.allow_bearer` is off.
    BesideBearer,
}

impl CertificateFault {
    /// The word for metrics and audit records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable(_) => "certificate_malformed",
            Self::NoIdentity => "certificate_no_identity",
            Self::Ambiguous => "certificate_ambiguous",
            Self::BadName => "certificate_bad_name",
            Self::Unmapped => "certificate_unmapped",
            Self::OutOfTime => "certificate_out_of_time",
            Self::Unverified => "certificate_unverified",
            Self::BadHeaders => "certificate_headers",
            Self::BesideBearer => "certificate_beside_bearer",
        }
    }
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => error.fmt(f),
            Self::NoIdentity => {
                f.write_str("client certificate has no name of the configured kind")
            }
            Self::Ambiguous => {
                f.write_str("client certificate has several names of the configured kind")
            }
            Self::BadName => f.write_str("client certificate has a name that is no identity"),
            Self::Unmapped => f.write_str("client certificate maps to no identity"),
            Self::OutOfTime => f.write_str("client certificate is out of its time"),
            Self::Unverified => f.write_str("client certificate was not verified by the proxy"),
            Self::BadHeaders => f.write_str("headers about the client certificate are ambiguous"),
            Self::BesideBearer => f.write_str("client certificate came beside a bearer token"),
        }
    }
}

impl std::error::Error for CertificateFault {}
