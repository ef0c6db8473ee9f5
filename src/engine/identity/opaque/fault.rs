//! Why an opaque token proves nobody.

use std::fmt;

/// Why an opaque token proves nobody, or nobody yet. For records and metrics; the client learns only that it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpaqueFault {
    /// Nobody has asked its issuer yet.
    Unasked,
    /// Its issuer is not asked: its address has failed too often.
    Untried,
    /// Its issuer says that it is worth nothing.
    Inactive,
    /// Its issuer cannot be asked at the moment: nothing can be said of the token.
    Unavailable,
    /// It is neither for this gateway, or for another resource of it, nor was it issued to the gateway's own client.
    OtherAudience,
    /// Its issuer names no user, or one that can be no identity.
    NoUser,
    /// Past its end.
    Expired,
    /// It is a secret of the gateway's own that is no access token.
    OwnSecret,
}

impl OpaqueFault {
    /// The word for metrics and audit records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unasked => "opaque_unasked",
            Self::Untried => "opaque_untried",
            Self::Inactive => "opaque_inactive",
            Self::Unavailable => "opaque_unavailable",
            Self::OtherAudience => "opaque_audience",
            Self::NoUser => "opaque_no_user",
            Self::Expired => "opaque_expired",
            Self::OwnSecret => "opaque_own_secret",
        }
    }
}

impl fmt::Display for OpaqueFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unasked => "opaque token is one whose issuer was not asked",
            Self::Untried => "opaque token was not tried: its address has failed too often",
            Self::Inactive => "opaque token is not active, its issuer says",
            Self::Unavailable => "opaque token is of an issuer that cannot be asked at the moment",
            Self::OtherAudience => "opaque token is for another audience and another client",
            Self::NoUser => "opaque token names no user",
            Self::Expired => "opaque token has expired",
            Self::OwnSecret => "bearer token is a code, refresh token or client secret",
        })
    }
}

impl std::error::Error for OpaqueFault {}
