//! Why there is no TLS.

use std::{fmt, io};

use rustls::{CertificateError, Error, OtherError};

/// Why material is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsError {
    /// The PEM text holds no certificate.
    NoCertificate,
    /// The PEM text holds no private key.
    NoKey,
    /// The PEM text is malformed.
    BadPem(String),
    /// A certificate cannot be parsed, or is of no use.
    BadCertificate(String),
    /// The private key cannot be used.
    BadKey(String),
    /// The key is not that of the certificate.
    KeyMismatch,
    /// A revocation list cannot be used.
    BadCrl(String),
    /// There is no certificate authority to trust.
    NoTrust,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCertificate => f.write_str("no certificate in PEM form is in it"),
            Self::NoKey => f.write_str("no private key in PEM form is in it"),
            Self::BadPem(why) => write!(f, "PEM text is malformed: {why}"),
            Self::BadCertificate(why) => write!(f, "certificate cannot be used: {why}"),
            Self::BadKey(why) => write!(f, "private key cannot be used: {why}"),
            Self::KeyMismatch => f.write_str("private key is not that of the certificate"),
            Self::BadCrl(why) => write!(f, "revocation list cannot be used: {why}"),
            Self::NoTrust => f.write_str("no certificate authority is in it"),
        }
    }
}

impl std::error::Error for TlsError {}

/// Why a handshake did not end in a connection.
#[derive(Debug)]
pub enum HandshakeFailure {
    /// Not within the time given.
    TimedOut,
    /// The peer left, or the socket failed.
    Gone,
    /// What came first is no TLS record: most likely plain HTTP. Nothing was sent, and nothing was read.
    NotTls,
    /// The peer's certificate was refused, or is missing.
    Certificate(String),
    /// The peer broke the protocol, or the two have nothing in common.
    Protocol(String),
}

impl fmt::Display for HandshakeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("handshake timed out"),
            Self::Gone => f.write_str("peer left during the handshake"),
            Self::NotTls => f.write_str("peer does not speak TLS"),
            Self::Certificate(why) => write!(f, "peer's certificate is refused: {why}"),
            Self::Protocol(why) => write!(f, "handshake failed: {why}"),
        }
    }
}

impl std::error::Error for HandshakeFailure {}

impl HandshakeFailure {
    /// What rustls says.
    pub(super) fn of_error(error: &Error) -> Self {
        match error {
            Error::InvalidCertificate(CertificateError::Other(OtherError(why))) => {
                Self::Certificate(why.to_string())
            }
            Error::InvalidCertificate(_)
            | Error::NoCertificatesPresented
            | Error::InvalidCertRevocationList(_) => Self::Certificate(error.to_string()),
            _ => Self::Protocol(error.to_string()),
        }
    }

    /// What the socket says.
    pub(super) fn of_socket(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Gone,
        }
    }
}
