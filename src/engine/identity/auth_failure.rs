//! Why nobody was authenticated.

use std::fmt;

use super::jwt::TokenFault;
use super::mtls::CertificateFault;
use super::opaque::OpaqueFault;
use super::{ChallengeError, CredentialError, Provider};

/// Why nobody was authenticated. The client learns only that it was not; the audit record gets the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthFailure {
    /// No Authorization header, and anonymous access is off.
    Missing,
    /// An Authorization header that holds no bearer token.
    Malformed(CredentialError),
    /// A token that is no API key, and of no other shape that is configured.
    NotAnApiKey,
    /// A key that is not in the table.
    UnknownKey,
    /// A key past its `expires_at`.
    ExpiredKey,
    /// A signed token that is refused, of another issuer than the gateway or of nobody that is known.
    Token(TokenFault),
    /// A token of the gateway's own that is refused.
    OwnToken(TokenFault),
    /// An opaque token that is refused, or of which nothing is known yet.
    Opaque(OpaqueFault),
    /// A client certificate that is refused.
    Certificate(CertificateFault),
}

impl AuthFailure {
    /// The word for metrics and audit records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "credential_missing",
            Self::Malformed(_) => "credential_malformed",
            Self::NotAnApiKey => "not_an_api_key",
            Self::UnknownKey => "key_unknown",
            Self::ExpiredKey => "key_expired",
            Self::Token(fault) | Self::OwnToken(fault) => fault.as_str(),
            Self::Opaque(fault) => fault.as_str(),
            Self::Certificate(fault) => fault.as_str(),
        }
    }

    /// By which provider the identity would have been proven, where the credential says.
    #[must_use]
    pub const fn provider(self) -> Option<Provider> {
        match self {
            Self::UnknownKey | Self::ExpiredKey => Some(Provider::ApiKey),
            Self::Token(_) => Some(Provider::Jwt),
            Self::OwnToken(_) | Self::Opaque(_) => Some(Provider::OAuth),
            Self::Certificate(_) => Some(Provider::Mtls),
            Self::Missing | Self::Malformed(_) | Self::NotAnApiKey => None,
        }
    }

    /// Whether nothing can be said of the credential at the moment: what it takes to tell is not at hand.
    #[must_use]
    pub const fn is_undecided(self) -> bool {
        matches!(
            self,
            Self::Token(TokenFault::KeysMissing(_))
                | Self::OwnToken(TokenFault::KeysMissing(_))
                | Self::Opaque(OpaqueFault::Unasked | OpaqueFault::Unavailable)
        )
    }

    /// Whether the credential was not looked at, because its address has failed too often.
    #[must_use]
    pub const fn is_untried(self) -> bool {
        matches!(
            self,
            Self::Token(TokenFault::Untried) | Self::Opaque(OpaqueFault::Untried)
        )
    }

    /// What the challenge may say.
    #[must_use]
    pub const fn challenge(self) -> ChallengeError {
        match self {
            Self::Missing | Self::Malformed(CredentialError::OtherScheme) => ChallengeError::None,
            // No token was sent (RFC 6750 §3.1).
            Self::Certificate(fault) if !matches!(fault, CertificateFault::BesideBearer) => {
                ChallengeError::None
            }
            _ => ChallengeError::InvalidToken,
        }
    }
}

impl fmt::Display for AuthFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("credential is missing"),
            Self::Malformed(error) => error.fmt(f),
            Self::NotAnApiKey => f.write_str("bearer token is no API key"),
            Self::UnknownKey => f.write_str("API key is not configured"),
            Self::ExpiredKey => f.write_str("API key has expired"),
            Self::Token(fault) | Self::OwnToken(fault) => fault.fmt(f),
            Self::Opaque(fault) => fault.fmt(f),
            Self::Certificate(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for AuthFailure {}
