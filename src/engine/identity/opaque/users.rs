//! What users of a provider may do: `[[auth.oauth.identities]]`, and the lists of `[auth.oauth]` for everybody else.

use std::sync::Arc;

use crate::engine::identity::jwt::ScopeMap;
use crate::engine::identity::mtls::IdentityPattern;
use crate::engine::identity::principal::Proven;
use crate::engine::identity::ties::Ties;
use crate::engine::identity::{Granted, Principal, Provider};
use crate::engine::policy::Grants;
use crate::engine::quota::Quota;

/// What some users may do.
#[derive(Clone, Debug)]
pub struct UserAccess {
    /// What they may use whatever their scopes, and what they may not: the lists of the rule together with `denied_tools` of
    /// `[auth.oauth]`.
    pub grants: Arc<Grants>,
    /// Their quota, where they have one of their own.
    pub quota: Option<Quota>,
    /// Which scopes of the map count for them, by place; `None`: each.
    pub scopes: Option<Box<[bool]>>,
}

/// One `[[auth.oauth.identities]]`.
#[derive(Clone, Debug)]
pub struct UserRule {
    /// Matched against the whole user id.
    pub pattern: IdentityPattern,
    /// What those that match may do.
    pub access: UserAccess,
}

/// Where further scopes could come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::identity) enum Further {
    /// An authorization server that clients are told of.
    Obtainable,
    /// From nobody that a client could be sent to.
    None,
}

/// What a token says of a user, found good.
pub(in crate::engine::identity) struct UserToken<'a> {
    /// Who vouched for the user.
    pub(in crate::engine::identity) realm: &'a str,
    /// The user, in characters that an identity may have.
    pub(in crate::engine::identity) user: &'a str,
    /// The scopes that mean something.
    pub(in crate::engine::identity) map: &'a Arc<ScopeMap>,
    /// Which of them the token has, by place in the map.
    pub(in crate::engine::identity) held: Box<[bool]>,
    /// Where others could come from.
    pub(in crate::engine::identity) further: Further,
    /// What the proof hangs on.
    pub(in crate::engine::identity) ties: Ties,
}

/// Rules in the order of the file; the first that matches counts.
#[derive(Clone, Debug)]
pub struct UserRules {
    /// `[[auth.oauth.identities]]`.
    pub rules: Vec<UserRule>,
    /// For users that none of them matches.
    pub default: UserAccess,
}

impl UserRules {
    /// What `user` may do.
    #[must_use]
    pub fn access(&self, user: &str) -> &UserAccess {
        let found = self.rules.iter().find(|rule| rule.pattern.matches(user));
        found.map_or(&self.default, |rule| &rule.access)
    }

    /// The principal that `token` proves: one identity for one user, with whichever kind of token. Scopes that do not count for
    /// the user are neither held nor asked for.
    pub(in crate::engine::identity) fn principal(&self, token: UserToken<'_>) -> Principal {
        let UserToken { map, held, .. } = token;
        let access = self.access(token.user);
        let (grants, held) = match &access.scopes {
            Some(counting) => {
                let counted = held
                    .iter()
                    .zip(counting)
                    .map(|(held, counts)| *held && *counts);
                let counted: Box<[bool]> = counted.collect();
                let grants = map.grants_of_some(&access.grants, &counted, counting);
                (grants, counted)
            }
            None => (map.grants(&access.grants, &held), held),
        };
        let obtainable = match token.further {
            Further::Obtainable => access.scopes.clone(),
            Further::None => Some(vec![false; held.len()].into()),
        };
        Principal::new(Proven {
            provider: Provider::OAuth,
            realm: Some(token.realm),
            id: token.user,
            grants,
            quota: access.quota,
            ties: token.ties,
            granted: (!held.is_empty()).then(|| Granted {
                map: Arc::clone(map),
                held,
                obtainable,
            }),
        })
    }
}
