//! Who is calling, proven.

use std::fmt;
use std::sync::Arc;

use super::jwt::ScopeMap;
use super::record_id::shortened;
use super::ties::Ties;
use crate::engine::policy::Grants;
use crate::engine::quota::Quota;
use crate::engine::route::Resource;
use crate::engine::session::Owner;

/// How an identity was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provider {
    /// A key of `[[auth.api_keys]]`.
    ApiKey,
    /// No credential, with `[auth.anonymous]` configured.
    Anonymous,
    /// A signed token.
    Jwt,
    /// A login with the provider of `[auth.oauth]`: a token of the gateway's own, or an opaque one that the provider vouched for.
    OAuth,
    /// A client certificate.
    Mtls,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Self; 5] = [
        Self::ApiKey,
        Self::Anonymous,
        Self::Jwt,
        Self::OAuth,
        Self::Mtls,
    ];

    /// The label in metrics and audit records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Anonymous => "anonymous",
            Self::Jwt => "jwt",
            Self::OAuth => "oauth",
            Self::Mtls => "mtls",
        }
    }

    /// What identities of this provider begin with, so that equal ids of two providers are two identities.
    const fn namespace(self) -> &'static str {
        match self {
            Self::ApiKey => "key:",
            Self::Anonymous => "",
            Self::Jwt => "jwt:",
            Self::OAuth => "oauth:",
            Self::Mtls => "mtls:",
        }
    }
}

/// A proven identity with its rights. Only a check of this folder can make one. Cheap to clone.
#[derive(Clone)]
pub struct Principal(Arc<Inner>);

struct Inner {
    provider: Provider,
    identity: Box<str>,
    /// Where the id begins in `identity`.
    id_start: usize,
    /// The identity in audit records, where they have no room for all of it.
    record_id: Option<Box<str>>,
    grants: Arc<Grants>,
    quota: Option<Quota>,
    ties: Ties,
    granted: Option<Granted>,
    owner: Owner,
}

/// The scopes of a token, and those that its issuer could have given it: so that a refusal can name what is missing.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The issuer's scopes that mean something here.
    pub map: Arc<ScopeMap>,
    /// Which of them the token has, by place in the map.
    pub held: Box<[bool]>,
    /// Which of the others a new token could have, by place in the map; `None`: each.
    pub obtainable: Option<Box<[bool]>>,
}

impl Granted {
    /// Whether the scope at `place` is none that the token has, and one that a new token could have.
    #[must_use]
    pub fn may_gain(&self, place: usize) -> bool {
        let is_set = |flags: &[bool]| flags.get(place).is_some_and(|flag| *flag);
        !is_set(&self.held) && self.obtainable.as_deref().is_none_or(is_set)
    }
}

/// What a check found out about a caller.
pub(super) struct Proven<'a> {
    pub(super) provider: Provider,
    /// Who vouches for the id, where the provider has several that do: an issuer. Part of the identity.
    pub(super) realm: Option<&'a str>,
    pub(super) id: &'a str,
    pub(super) grants: Arc<Grants>,
    pub(super) quota: Option<Quota>,
    pub(super) ties: Ties,
    pub(super) granted: Option<Granted>,
}

impl Principal {
    pub(super) fn new(proven: Proven<'_>) -> Self {
        let mut identity = proven.provider.namespace().to_owned();
        if let Some(realm) = proven.realm {
            push_realm(&mut identity, realm);
        }
        let id_start = identity.len();
        identity.push_str(proven.id);
        Self(Arc::new(Inner {
            provider: proven.provider,
            owner: Owner::new(proven.provider, &identity),
            record_id: shortened(&identity),
            identity: identity.into(),
            id_start,
            grants: proven.grants,
            quota: proven.quota,
            ties: proven.ties,
            granted: proven.granted,
        }))
    }

    /// How the identity was proven.
    #[must_use]
    pub fn provider(&self) -> Provider {
        self.0.provider
    }

    /// The namespaced identity, such as `key:full`: unique across providers. Keys quotas, sessions and audit records.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.0.identity
    }

    /// The identity as audit records write it: in full where they have room for it, and else shortened so that no two look
    /// alike.
    #[must_use]
    pub fn record_id(&self) -> &str {
        self.0.record_id.as_deref().unwrap_or(self.identity())
    }

    /// Who its sessions belong to.
    #[must_use]
    pub fn owner(&self) -> Owner {
        self.0.owner
    }

    /// The id as configured, without its namespace.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.identity[self.0.id_start..]
    }

    /// Who vouches for the id, where the provider has several that do: the issuer of a token.
    #[must_use]
    pub fn realm(&self) -> Option<&str> {
        let realm = &self.0.identity[self.0.provider.namespace().len()..self.0.id_start];
        realm.strip_suffix(' ')
    }

    /// The scopes of its token, where it came with one whose issuer maps scopes.
    #[must_use]
    pub fn granted(&self) -> Option<&Granted> {
        self.0.granted.as_ref()
    }

    /// What it may use.
    #[must_use]
    pub fn grants(&self) -> &Grants {
        &self.0.grants
    }

    /// Its own quota, where it has one; else the default applies.
    #[must_use]
    pub fn quota(&self) -> Option<Quota> {
        self.0.quota
    }

    /// Whether its credential has run out by `now_secs` (Unix time), for streams that outlive the check.
    #[must_use]
    pub fn is_expired(&self, now_secs: u64) -> bool {
        let expiry = self.0.ties.expires_at_secs;
        expiry.is_some_and(|expiry| now_secs >= expiry)
    }

    /// Whether whoever vouched for it must be asked again by `now_secs` (Unix time), for streams that only wait: a call that is
    /// under way may be finished.
    #[must_use]
    pub fn is_to_be_renewed(&self, now_secs: u64) -> bool {
        now_secs >= self.0.ties.proof_ends_at_secs()
    }

    /// Whether its credential is for `resource`; where none is asked for, whichever it is for.
    #[must_use]
    pub fn is_for(&self, resource: Option<Resource<'_>>) -> bool {
        self.0.ties.allow(resource)
    }

    /// Paths of the resources that its credential is for; `None`: every one of the gateway's.
    #[must_use]
    pub fn resources(&self) -> Option<&[Box<str>]> {
        self.0.ties.resources.as_deref()
    }

    /// What its proof hangs on.
    pub(super) fn ties(&self) -> &Ties {
        &self.0.ties
    }

    /// When its credential runs out, in seconds of Unix time.
    #[must_use]
    pub fn expires_at_secs(&self) -> Option<u64> {
        self.0.ties.expires_at_secs
    }
}

/// Appends `realm` and the space that ends it: the first one, whatever follows, so that no two pairs of realm and id make one
/// identity. The configuration refuses a realm that holds a space; one that came here all the same would not move its end.
fn push_realm(identity: &mut String, realm: &str) {
    identity.push_str(&realm.replace(' ', "%20"));
    identity.push(' ');
}

#[cfg(test)]
impl Principal {
    /// A caller that nobody proved: whom tests of other modules speak of.
    pub(crate) fn for_test(
        issuer: &str,
        subject: &str,
        grants: Arc<Grants>,
        granted: Option<Granted>,
    ) -> Self {
        Self::new(Proven {
            provider: Provider::Jwt,
            realm: Some(issuer),
            id: subject,
            grants,
            quota: None,
            ties: Ties::default(),
            granted,
        })
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Principal").field(&self.identity()).finish()
    }
}

#[cfg(test)]
#[path = "principal/tests.rs"]
mod tests;
