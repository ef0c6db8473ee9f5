//! The check that turns a request's credential into a principal.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::authorization_server::{AuthorizationServer, is_authorization_server};
use super::jwt::{JwtIssuers, KeyRing};
use super::mtls::{CertificateFault, ClientCertificate, MtlsRules};
use super::opaque::{Further, OpaqueFault, OpaqueTokens, Verdict};
use super::principal::{Principal, Proven, Provider};
use super::ties::Ties;
use super::{ApiKeys, AuthFailure, Credential, KEY_PREFIX, ProofCache, Suspicion};
use crate::engine::mcp::headers::CertificateHeaders;
use crate::engine::oauth::SecretKind;
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
    has_bound_tokens: bool,
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
    /// What the caller asks for: a token for another resource is none. Absent for pages, which are about every resource.
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
                ties: Ties::default(),
                granted: None,
            })
        });
        Self {
            has_bound_tokens: parts.opaque.is_some() || parts.issuers.own().is_some(),
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
        let token = credential.token();
        if token.starts_with(KEY_PREFIX.as_bytes()) {
            return self.keys.check(credential, proving.now_secs);
        }
        if JwtIssuers::looks_like(token) {
            // Where no signed token is taken, none is shown to anybody else either.
            return match self.issuers.is_empty() {
                true => Err(AuthFailure::NotAnApiKey),
                false => self.issuers.check(token, proving),
            };
        }
        if token.starts_with(SecretKind::FAMILY.as_bytes()) {
            return Err(AuthFailure::Opaque(OpaqueFault::OwnSecret));
        }
        match &self.opaque {
            Some(opaque) => opaque.check(token, self.further(opaque), proving),
            None => Err(AuthFailure::NotAnApiKey),
        }
    }

    /// Where a user with an opaque token could get one with further scopes: at the gateway itself, or at the provider where it
    /// is one that clients are told of.
    fn further(&self, opaque: &OpaqueTokens) -> Further {
        let is_offered = self.issuers.own().is_some_and(|(_, own)| own.is_offered);
        match is_offered || is_authorization_server(&opaque.realm) {
            true => Further::Obtainable,
            false => Further::None,
        }
    }

    /// Whether some credentials are for one resource alone, so that [`Proving::resource`] has to be known.
    #[must_use]
    pub const fn has_bound_tokens(&self) -> bool {
        self.has_bound_tokens
    }

    /// Where clients can be sent for tokens: the gateway itself first, where it offers them, then every issuer that names an
    /// authorization server. May repeat one.
    pub fn authorization_servers(&self) -> impl Iterator<Item = AuthorizationServer<'_>> {
        let own = self.issuers.own().filter(|(_, own)| own.is_offered);
        let foreign = self.issuers.issuers().iter();
        let foreign = foreign.filter(|issuer| issuer.own.is_none());
        // Whoever can get tokens of the gateway's own needs none of the provider's.
        let opaque = self.opaque.as_ref().filter(|_| own.is_none());
        let issuers = own.map(|(issuer, _)| issuer).into_iter().chain(foreign);
        let issuers = issuers.map(|issuer| AuthorizationServer {
            issuer: &issuer.issuer,
            scopes: &issuer.scopes,
        });
        let vouching = opaque.map(|opaque| AuthorizationServer {
            issuer: &opaque.realm,
            scopes: &opaque.scopes,
        });
        let all = issuers.chain(vouching);
        all.filter(|server| is_authorization_server(server.issuer))
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
            Provider::OAuth => self.vouches_for(principal, keys),
        };
        is_configured && !principal.is_expired(now_secs)
    }

    /// Whether the way in which a user of a provider was proven is still one: a token of the gateway's own, which has a key, or an
    /// opaque one.
    fn vouches_for(&self, principal: &Principal, keys: &KeyRing) -> bool {
        let is_of = |realm: &str| principal.realm() == Some(realm);
        match (principal.ties().key, self.issuers.own(), &self.opaque) {
            (Some(_), Some((issuer, own)), _) => {
                is_of(&own.realm) && issuer.stands_by(principal, keys)
            }
            (None, _, Some(opaque)) => is_of(&opaque.realm),
            _ => false,
        }
    }

    /// The principal that a token with `scopes` would prove, to say what it may do: nothing was proven. `vouching` is the issuer of
    /// signed tokens, or the provider that users log in with. `None` where there is no such one or `user` can be no user.
    #[must_use]
    pub fn explain_token(&self, vouching: &str, user: &str, scopes: &[&str]) -> Option<Principal> {
        let own = self
            .issuers
            .own()
            .filter(|(_, own)| *own.realm == *vouching);
        if let Some((issuer, _)) = own {
            return self.issuers.explain_as(&issuer.issuer, user, scopes);
        }
        let signed = self.issuers.explain_as(vouching, user, scopes);
        signed.or_else(|| {
            let opaque = self.opaque.as_ref()?;
            let is_its = *opaque.realm == *vouching;
            is_its.then(|| opaque.explain_as(user, scopes, self.further(opaque)))?
        })
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

#[cfg(test)]
mod order;
#[cfg(test)]
#[path = "tests.rs"]
mod tests;
