//! The check that turns a request's credential into a principal.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::jwt::{JwtIssuers, KeyRing, TokenFault};
use super::mtls::{CertificateFault, ClientCertificate, MtlsRules};
use super::opaque::{OpaqueTokens, Verdict};
use super::principal::{Principal, Proven, Provider};
use super::{
    ApiKeys, ChallengeError, Credential, CredentialError, KEY_PREFIX, ProofCache, Suspicion,
};
use crate::engine::mcp::headers::CertificateHeaders;
use crate::engine::policy::Grants;
use crate::engine::quota::Quota;
use crate::engine::route::Resource;

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
    issuers: JwtIssuers,
    opaque: Option<OpaqueTokens>,
    mtls: Option<MtlsRules>,
    anonymous: Option<Principal>,
}

/// What an [`Authenticator`] is put together from.
#[derive(Debug, Default)]
pub struct AuthenticatorParts {
    /// `[[auth.api_keys]]`.
    pub keys: ApiKeys,
    /// `[auth.jwt]`.
    pub issuers: JwtIssuers,
    /// `[auth.oauth]`, where opaque tokens are taken.
    pub opaque: Option<OpaqueTokens>,
    /// `[auth.mtls]`, where it is enabled.
    pub mtls: Option<MtlsRules>,
    /// `[auth.anonymous]`.
    pub anonymous: Option<AnonymousAccess>,
}

/// What a check draws on beside the configuration and the request.
#[derive(Clone, Copy, Debug)]
pub struct Proving<'a> {
    /// Wall-clock time, in seconds of Unix time.
    pub now_secs: u64,
    /// The issuers' keys.
    pub keys: &'a KeyRing,
    /// What this worker has proven before, aligned with the configuration and `keys`; without it every proof is made anew.
    pub cache: Option<&'a ProofCache>,
    /// The certificate that the client showed in the handshake.
    pub certificate: Option<&'a ClientCertificate>,
    /// What the head tells of a certificate, which is believed of certain proxies alone.
    pub told: Option<CertificateHeaders<'a>>,
    /// The other end of the connection: a client, or a proxy.
    pub peer: IpAddr,
    /// What the caller asks for: a token for another resource is none.
    pub resource: Option<Resource<'a>>,
    /// What the issuer of the caller's opaque token says of it, once it was asked.
    pub verdict: Option<&'a Verdict>,
    /// What is known of the address that the credential came from, where failures are counted.
    pub suspicion: Option<Suspicion<'a>>,
}

/// A ring without keys.
static NO_KEYS: KeyRing = KeyRing::EMPTY;

impl Proving<'static> {
    /// Nothing but the time: no keys, nothing proven before, no certificate.
    #[must_use]
    pub const fn bare(now_secs: u64) -> Self {
        Self {
            now_secs,
            keys: &NO_KEYS,
            cache: None,
            certificate: None,
            told: None,
            peer: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            resource: None,
            verdict: None,
            suspicion: None,
        }
    }
}

impl Authenticator {
    /// Puts the parts together. Where they are empty nobody gets in.
    #[must_use]
    pub fn new(parts: AuthenticatorParts) -> Self {
        let anonymous = parts.anonymous.map(|access| {
            Principal::new(Proven {
                provider: Provider::Anonymous,
                realm: None,
                id: "anonymous",
                grants: access.grants,
                quota: access.quota,
                expires_at_secs: None,
                key: None,
                granted: None,
            })
        });
        Self {
            keys: parts.keys,
            issuers: parts.issuers,
            opaque: parts.opaque,
            mtls: parts.mtls,
            anonymous,
        }
    }

    /// Proves who is calling by the value of the Authorization header and what `proving` has of the connection.
    ///
    /// Which provider decides is a matter of what was presented: a certificate, where certificates are identities; a bearer
    /// token, by its shape. Beside a certificate a bearer token is refused, unless the configuration makes it the identity;
    /// then the certificate is none, however bad the token. A caller with neither is anonymous where that is configured. A
    /// bad credential is refused even then, so that a caller never acts as somebody it did not ask to be.
    ///
    /// Cost where the credential was proven before: one SHA-256 and one look-up; allocates nothing.
    pub fn authenticate(
        &self,
        authorization: Option<&[u8]>,
        proving: &Proving<'_>,
    ) -> Result<Principal, AuthFailure> {
        if let Some(rules) = &self.mtls
            && let Some(shown) = rules.shown(proving).map_err(AuthFailure::Certificate)?
        {
            match authorization {
                None => {
                    return rules
                        .prove(shown, proving)
                        .map_err(AuthFailure::Certificate);
                }
                Some(_) if !rules.allow_bearer => {
                    return Err(AuthFailure::Certificate(CertificateFault::BesideBearer));
                }
                Some(_) => {}
            }
        }
        match authorization {
            Some(header) => self.bearer(header, proving),
            None => self.anonymous.clone().ok_or(AuthFailure::Missing),
        }
    }

    /// The provider that a bearer token is for, by its shape; no other is tried.
    fn bearer(&self, header: &[u8], proving: &Proving<'_>) -> Result<Principal, AuthFailure> {
        let credential = Credential::parse(header).map_err(AuthFailure::Malformed)?;
        let is_key = credential.token().starts_with(KEY_PREFIX.as_bytes());
        if !is_key && !self.issuers.is_empty() && JwtIssuers::looks_like(credential.token()) {
            return self.issuers.check(credential.token(), proving);
        }
        self.keys.check(credential, proving.now_secs)
    }

    /// How many fields of the head tell of a certificate and are not believed: those of anybody but a configured proxy, and
    /// of such a proxy those of other formats than its own. They are never forwarded either.
    #[must_use]
    pub fn disbelieved(&self, headers: CertificateHeaders<'_>, peer: IpAddr) -> u16 {
        let fields = headers.fields();
        let format = self.mtls.as_ref().and_then(|rules| rules.believed(peer));
        let believed = format.map_or(0, |format| fields.present(format.fields()));
        fields.seen().saturating_sub(believed)
    }

    /// Whether the identity that `principal` was proven to be may still act at `now_secs`, under this configuration and these
    /// `keys`: for streams that outlive the request that opened them.
    #[must_use]
    pub fn still_holds(&self, principal: &Principal, keys: &KeyRing, now_secs: u64) -> bool {
        let is_configured = match principal.provider() {
            Provider::ApiKey => self.keys.holds(principal.id()),
            Provider::Anonymous => self.anonymous.is_some(),
            Provider::Mtls => self
                .mtls
                .as_ref()
                .is_some_and(|rules| rules.maps(principal.id())),
            Provider::Jwt => principal
                .realm()
                .and_then(|issuer| self.issuers.issuer_of(issuer))
                .is_some_and(|issuer| issuer.stands_by(principal, keys)),
            Provider::OAuth => false,
        };
        is_configured && !principal.is_expired(now_secs)
    }

    /// The configured identity with this id, for `explain` alone: nothing was proven.
    #[must_use]
    pub fn explain_as(&self, id: &str) -> Option<&Principal> {
        let mut known = self.keys.principals().chain(&self.anonymous);
        known.find(|principal| principal.id() == id || principal.identity() == id)
    }

    /// Whom a certificate with this name stands for, for `explain` alone: nothing was proven.
    #[must_use]
    pub fn explain_certificate(&self, name: &str) -> Option<Principal> {
        self.mtls.as_ref()?.principal_for(name)
    }

    /// The issuers of signed tokens.
    #[must_use]
    pub const fn issuers(&self) -> &JwtIssuers {
        &self.issuers
    }

    /// How opaque tokens are taken.
    #[must_use]
    pub const fn opaque(&self) -> Option<&OpaqueTokens> {
        self.opaque.as_ref()
    }

    /// How client certificates become identities.
    #[must_use]
    pub const fn mtls(&self) -> Option<&MtlsRules> {
        self.mtls.as_ref()
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
}

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
    /// A signed token that is refused.
    Token(TokenFault),
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
            Self::Token(fault) => fault.as_str(),
            Self::Certificate(fault) => fault.as_str(),
        }
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
            Self::Token(fault) => fault.fmt(f),
            Self::Certificate(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for AuthFailure {}

#[cfg(test)]
mod order;
#[cfg(test)]
#[path = "tests.rs"]
mod tests;
