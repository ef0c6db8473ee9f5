//! Users of a provider: what each may do, and the tokens that say who they are.

use std::sync::Arc;

use super::{Compiler, refuse_entries};
use crate::config::model::{OAuth, OAuthIdentity};
use crate::engine::identity::jwt::{
    Algorithm, JwtIssuer, KeySource, OwnTokens, ScopeMap, SourceId,
};
use crate::engine::identity::opaque::{OpaqueTokens, UserAccess, UserRule, UserRules};
use crate::engine::policy::Grants;
use crate::engine::route::PublicBase;

/// Where it is written.
const PATH: &str = "auth.oauth";

/// `[auth.oauth]`, compiled.
pub(super) struct Provider {
    /// Tokens that the gateway signs itself, where people log in.
    pub(super) own: Option<JwtIssuer>,
    /// Tokens of the provider's own, where they are taken.
    pub(super) opaque: Option<OpaqueTokens>,
}

impl<'c> Compiler<'c, '_> {
    pub(super) fn provider(&mut self, oauth: &'c OAuth) -> Provider {
        let scopes = Arc::new(self.scopes(PATH, &oauth.scope_tool_mapping));
        let users = Arc::new(self.users(oauth, &scopes));
        let base = self.config.server.public_url.as_deref();
        let base = base.and_then(PublicBase::parse);
        let signing = base.clone().filter(|_| oauth.login);
        Provider {
            own: signing.map(|base| own_issuer(oauth, base, &scopes, &users)),
            opaque: oauth.opaque_tokens.then(|| OpaqueTokens {
                realm: oauth.realm.as_str().into(),
                client_id: oauth.client_id.as_str().into(),
                audiences: boxed(&oauth.audience),
                base,
                scopes: Arc::clone(&scopes),
                users: Arc::clone(&users),
            }),
        }
    }

    fn users(&mut self, oauth: &'c OAuth, scopes: &ScopeMap) -> UserRules {
        let identities = oauth.identities.iter();
        UserRules {
            rules: identities
                .map(|one| self.user_rule(oauth, one, scopes))
                .collect(),
            default: UserAccess {
                grants: self.grants(PATH, (&oauth.allowed_tools, &oauth.denied_tools)),
                quota: self.quota(PATH, oauth.rate_limit, oauth.burst_size),
                scopes: None,
            },
        }
    }

    /// One entry, with the limits of the section where it has none of its own.
    fn user_rule(
        &mut self,
        oauth: &'c OAuth,
        one: &'c OAuthIdentity,
        scopes: &ScopeMap,
    ) -> UserRule {
        let rate = one.rate_limit.or(oauth.rate_limit);
        let burst = one.burst_size.or(oauth.burst_size);
        let counting = one.scopes.as_ref().map(|counting| {
            let known = scopes.scopes().iter();
            known
                .map(|known| counting.iter().any(|scope| **scope == *known.scope))
                .collect()
        });
        UserRule {
            pattern: one.pattern.clone(),
            access: UserAccess {
                grants: self.user_grants(oauth, one),
                quota: self.quota(&one.key_path, rate, burst),
                scopes: counting,
            },
        }
    }

    /// What nobody may use, these may not use either, whatever they may use beside it.
    fn user_grants(&mut self, oauth: &'c OAuth, one: &'c OAuthIdentity) -> Arc<Grants> {
        let own = self.grants(&one.key_path, (&one.allowed_tools, &one.denied_tools));
        if oauth.denied_tools.is_empty() {
            return own;
        }
        let denied = [one.denied_tools.as_slice(), &oauth.denied_tools].concat();
        let both = Grants::compile(&one.allowed_tools, &denied);
        both.map(Arc::new).unwrap_or_else(|errors| {
            // Each list alone was judged where it is written; this is about both together.
            if self.findings.0.is_empty() {
                refuse_entries(&one.key_path, errors, self.findings);
            }
            Arc::default()
        })
    }
}

/// The gateway as an issuer of tokens for its users. Keys of either algorithm verify, so that tokens outlive a change of it.
fn own_issuer(
    oauth: &OAuth,
    base: PublicBase,
    scopes: &Arc<ScopeMap>,
    users: &Arc<UserRules>,
) -> JwtIssuer {
    let issuer = format!("{}{}", base.origin(), base.path());
    JwtIssuer {
        audiences: vec![issuer.as_str().into()],
        issuer: issuer.into(),
        algorithms: vec![Algorithm::Es256, Algorithm::EdDsa],
        keys: KeySource::Jwks(SourceId::own()),
        user_id_claim: "sub".into(),
        scopes_claim: "scope".into(),
        scopes: Arc::clone(scopes),
        grants: Arc::clone(&users.default.grants),
        quota: users.default.quota,
        leeway_secs: 0,
        require_at_jwt: true,
        own: Some(OwnTokens {
            realm: oauth.realm.as_str().into(),
            base,
            users: Arc::clone(users),
            is_offered: oauth.server.is_some(),
        }),
    }
}

fn boxed(texts: &[String]) -> Vec<Box<str>> {
    texts.iter().map(|text| text.as_str().into()).collect()
}
