//! What users of a provider may do: `[[auth.oauth.identities]]`, and the lists of `[auth.oauth]` for everybody else.

use std::sync::Arc;

use crate::engine::identity::mtls::IdentityPattern;
use crate::engine::policy::Grants;
use crate::engine::quota::Quota;

/// What some users may do.
#[derive(Clone, Debug)]
pub struct UserAccess {
    /// What they may use whatever their scopes, and what they may not.
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
}
