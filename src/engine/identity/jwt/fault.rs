//! Why a token is refused.

use std::fmt;

use super::SourceId;
use crate::engine::mcp::json::Syntax;

/// Why a token proves nobody. For records and metrics; the client learns only that it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// Not three parts of base64url with JSON objects in the first two, JSON that not every parser reads alike, or a header
    /// parameter of the wrong type.
    Malformed,
    /// No configured issuer has this `iss`.
    UnknownIssuer,
    /// `alg` is none that the issuer's keys are for; `none` among them.
    Algorithm,
    /// `crit` is present.
    Critical,
    /// `typ` is not what is required.
    WrongType,
    /// No key of the issuer fits; its set may have changed since it was fetched. Also where the token names no key and none
    /// of those that were tried is good.
    UnknownKey(SourceId),
    /// It names no key, and its issuer has more that fit than are tried.
    NoKeyId,
    /// The issuer's keys are not known at the moment: nothing can be said of the token.
    KeysMissing(SourceId),
    /// It was not looked at: its address has failed too often, and so have others.
    Untried,
    /// The signature is not good.
    BadSignature,
    /// `exp` is missing, no number, negative or beyond the year 9999.
    NoExpiry,
    /// Past `exp`.
    Expired,
    /// Before `nbf`.
    NotYetValid,
    /// `aud` has none of the configured audiences, or is another resource of the gateway.
    WrongAudience,
    /// The claim that names the user is missing, empty, too long or no text.
    NoUser,
    /// A claim is of the wrong JSON type; in a token of the gateway's own also missing.
    BadClaim,
    /// The grant that it came of was taken back.
    Revoked,
}

impl TokenFault {
    /// The word for metrics and audit records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "token_malformed",
            Self::UnknownIssuer => "token_issuer_unknown",
            Self::Algorithm => "token_algorithm",
            Self::Critical => "token_critical",
            Self::WrongType => "token_type",
            Self::UnknownKey(_) => "token_key_unknown",
            Self::NoKeyId => "token_no_key_id",
            Self::KeysMissing(_) => "token_keys_missing",
            Self::Untried => "token_untried",
            Self::BadSignature => "token_signature",
            Self::NoExpiry => "token_no_expiry",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::WrongAudience => "token_audience",
            Self::NoUser => "token_no_user",
            Self::BadClaim => "token_claim",
            Self::Revoked => "token_revoked",
        }
    }
}

impl From<Syntax> for TokenFault {
    fn from(_: Syntax) -> Self {
        Self::Malformed
    }
}

impl fmt::Display for TokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "token is malformed",
            Self::UnknownIssuer => "token is of an issuer that is not configured",
            Self::Algorithm => "token is signed with an algorithm that is not taken",
            Self::Critical => "token has critical header parameters",
            Self::WrongType => "token is of another type",
            Self::UnknownKey(_) => "token is signed with a key that its issuer does not publish",
            Self::NoKeyId => "token names no key and its issuer has several",
            Self::KeysMissing(_) => "keys of the token's issuer are not known at the moment",
            Self::Untried => "token was not tried: its address has failed too often",
            Self::BadSignature => "token has a signature that is not good",
            Self::NoExpiry => "token has no expiry",
            Self::Expired => "token has expired",
            Self::NotYetValid => "token is not valid yet",
            Self::WrongAudience => "token is for another audience",
            Self::NoUser => "token names no user",
            Self::BadClaim => "token has a claim of the wrong type",
            Self::Revoked => "token is of a grant that was revoked",
        })
    }
}

impl std::error::Error for TokenFault {}
