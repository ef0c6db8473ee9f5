//! Issuers of signed tokens.

use std::sync::Arc;

use super::{Compiler, refuse_entry, refuse_unknown_servers};
use crate::config::model::{Jwt, JwtKeys};
use crate::config::problem::Problem;
use crate::config::secret::Secret;
use crate::engine::identity::jwt::{
    BadKey, JwtIssuer, JwtIssuers, JwtIssuersError, KeySet, KeySource, ScopeGrants, ScopeMap,
    SourceId,
};
use crate::engine::limits::JWT_ISSUERS_MAX;
use crate::engine::policy::Grants;
use crate::signatures;

impl<'c> Compiler<'c, '_> {
    pub(super) fn issuers(&mut self, issuers: &'c [Jwt]) -> JwtIssuers {
        let compiled = issuers.iter().map(|jwt| self.issuer(jwt)).collect();
        JwtIssuers::compile(compiled).unwrap_or_else(|errors| {
            errors
                .into_iter()
                .for_each(|error| self.refuse_issuer(issuers, error));
            JwtIssuers::default()
        })
    }

    fn issuer(&mut self, jwt: &'c Jwt) -> JwtIssuer {
        let path = &jwt.key_path;
        JwtIssuer {
            issuer: jwt.issuer.as_str().into(),
            audiences: jwt
                .audience
                .iter()
                .map(|text| text.as_str().into())
                .collect(),
            algorithms: jwt.algorithms.clone(),
            keys: self.key_source(jwt),
            user_id_claim: jwt.user_id_claim.as_str().into(),
            scopes_claim: jwt.scopes_claim.as_str().into(),
            scopes: Arc::new(self.scopes(jwt)),
            grants: self.grants(path, (&jwt.allowed_tools, &jwt.denied_tools)),
            quota: self.quota(path, jwt.rate_limit, jwt.burst_size),
            leeway_secs: jwt.leeway.as_secs(),
            require_at_jwt: jwt.require_at_jwt,
            own: None,
        }
    }

    fn key_source(&mut self, jwt: &Jwt) -> KeySource {
        match &jwt.keys {
            JwtKeys::Secret(secret) => KeySource::Fixed(Arc::new(self.secret_keys(jwt, secret))),
            JwtKeys::Jwks { url, .. } => KeySource::Jwks(SourceId::of(&url.text, &jwt.algorithms)),
        }
    }

    /// The keys of a shared secret. A build that verifies no signatures checks configurations: there, nobody's token is good.
    fn secret_keys(&mut self, jwt: &Jwt, secret: &Secret) -> KeySet {
        let Some(library) = signatures::library() else {
            return KeySet::default();
        };
        KeySet::of_secret(secret.expose().as_bytes(), &jwt.algorithms, library).unwrap_or_else(
            |error| {
                // Short ones were refused when reading.
                if error != BadKey::TooShort {
                    let accepted = error.to_string();
                    let key_path = format!("{}.secret", jwt.key_path);
                    let value = None;
                    self.findings
                        .add(key_path, Problem::Malformed { value, accepted });
                }
                KeySet::default()
            },
        )
    }

    /// Scopes allow and never deny: `denied_tools` of the issuer holds whatever they say.
    fn scopes(&mut self, jwt: &Jwt) -> ScopeMap {
        let scopes = jwt.scope_tool_mapping.iter().map(|(scope, entries)| {
            let list = format!("{}.scope_tool_mapping.{scope}", jwt.key_path);
            let grants = Grants::compile(entries, &[]).unwrap_or_else(|errors| {
                errors
                    .into_iter()
                    .for_each(|error| refuse_entry(&list, error, self.findings));
                Grants::default()
            });
            refuse_unknown_servers(&list, entries, &self.config.upstreams, self.findings);
            ScopeGrants {
                scope: scope.as_str().into(),
                grants: Arc::new(grants),
            }
        });
        ScopeMap::new(scopes.collect())
    }

    fn refuse_issuer(&mut self, issuers: &[Jwt], error: JwtIssuersError) {
        match error {
            JwtIssuersError::SameIssuer { index } => {
                let refused = &issuers[index];
                let first = issuers.iter().find(|first| first.issuer == refused.issuer);
                let other = format!("{}.issuer", first.unwrap_or(refused).key_path);
                self.findings.add(
                    format!("{}.issuer", refused.key_path),
                    Problem::SameAs { other },
                );
            }
            // Refused when reading.
            JwtIssuersError::BadIssuer { index } => {
                let refused = &issuers[index];
                let value = Some(refused.issuer.clone());
                let accepted = "text without spaces and control characters".to_owned();
                self.findings.add(
                    format!("{}.issuer", refused.key_path),
                    Problem::Malformed { value, accepted },
                );
            }
            JwtIssuersError::TooMany => {
                let value = issuers.len().to_string();
                let accepted = format!("up to {JWT_ISSUERS_MAX} issuers");
                self.findings
                    .add("auth.jwt", Problem::OutOfRange { value, accepted });
            }
        }
    }
}
