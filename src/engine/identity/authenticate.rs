//! The check that turns a request's credential into a principal.

use std::fmt;
use std::sync::Arc;

use super::principal::{Principal, Proven, Provider};
use super::{ApiKeys, ChallengeError, Challenges, Credential, CredentialError};
use crate::engine::policy::Grants;
use crate::engine::quota::Quota;

/// What `[auth.anonymous]` gives to callers without a credential.
#[derive(Clone, Debug)]
pub struct AnonymousAccess {
    /// What they may use.
    pub grants: Arc<Grants>,
    /// The quota that they share.
    pub quota: Option<Quota>,
}

/// Every way in which this configuration proves identities.
#[derive(Debug, Default)]
pub struct Authenticator {
    keys: ApiKeys,
    anonymous: Option<Principal>,
    challenges: Challenges,
}

impl Authenticator {
    /// Puts the parts together. Without keys and without anonymous access nobody gets in.
    #[must_use]
    pub fn new(keys: ApiKeys, anonymous: Option<AnonymousAccess>, challenges: Challenges) -> Self {
        let anonymous = anonymous.map(|access| {
            Principal::new(Proven {
                provider: Provider::Anonymous,
                id: "anonymous",
                grants: access.grants,
                quota: access.quota,
                expires_at_secs: None,
            })
        });
        Self {
            keys,
            anonymous,
            challenges,
        }
    }

    /// Proves who is calling by the value of the Authorization header, at `now_secs` (Unix time).
    ///
    /// A caller without the header is anonymous where that is configured. A bad credential is refused even then, so that a
    /// caller never acts as somebody it did not ask to be. Cost: one SHA-256 and one lookup; allocates nothing.
    pub fn authenticate(
        &self,
        authorization: Option<&[u8]>,
        now_secs: u64,
    ) -> Result<Principal, AuthFailure> {
        let Some(header) = authorization else {
            return self.anonymous.clone().ok_or(AuthFailure::Missing);
        };
        let credential = Credential::parse(header).map_err(AuthFailure::Malformed)?;
        self.keys.check(credential, now_secs)
    }

    /// Whether the identity that `principal` was proven to be may still act at `now_secs`, under this configuration: for
    /// streams that outlive the request that opened them.
    #[must_use]
    pub fn still_holds(&self, principal: &Principal, now_secs: u64) -> bool {
        let is_configured = match principal.provider() {
            Provider::ApiKey => self.keys.holds(principal.id()),
            Provider::Anonymous => self.anonymous.is_some(),
            Provider::Jwt | Provider::OAuth | Provider::Mtls => false,
        };
        is_configured && !principal.is_expired(now_secs)
    }

    /// The configured identity with this id, for `explain` alone: nothing was proven.
    #[must_use]
    pub fn explain_as(&self, id: &str) -> Option<&Principal> {
        let mut known = self.keys.principals().chain(&self.anonymous);
        known.find(|principal| principal.id() == id || principal.identity() == id)
    }

    /// The table of keys.
    #[must_use]
    pub const fn keys(&self) -> &ApiKeys {
        &self.keys
    }

    /// Whether callers without a credential get in.
    #[must_use]
    pub const fn allows_anonymous(&self) -> bool {
        self.anonymous.is_some()
    }

    /// The WWW-Authenticate values.
    #[must_use]
    pub const fn challenges(&self) -> &Challenges {
        &self.challenges
    }
}

/// Why nobody was authenticated. The client learns only that it was not; the audit record gets the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthFailure {
    /// No Authorization header, and anonymous access is off.
    Missing,
    /// An Authorization header that holds no bearer token.
    Malformed(CredentialError),
    /// A token that is no API key, with nothing else configured.
    NotAnApiKey,
    /// A key that is not in the table.
    UnknownKey,
    /// A key past its `expires_at`.
    ExpiredKey,
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
        }
    }

    /// What the challenge may say.
    #[must_use]
    pub const fn challenge(self) -> ChallengeError {
        match self {
            Self::Missing | Self::Malformed(CredentialError::OtherScheme) => ChallengeError::None,
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
        }
    }
}

impl std::error::Error for AuthFailure {}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
