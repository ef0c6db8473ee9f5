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
    /// The gateway itself (`own`), where it signs tokens, then the issuers of the file.
    pub(super) fn issuers(&mut self, own: Option<JwtIssuer>, issuers: &'c [Jwt]) -> JwtIssuers {
        let owned = usize::from(own.is_some());
        let compiled = own
            .into_iter()
            .chain(issuers.iter().map(|jwt| self.issuer(jwt)));
        JwtIssuers::compile(compiled.collect()).unwrap_or_else(|errors| {
            errors
                .into_iter()
                .for_each(|error| self.refuse_issuer(issuers, owned, error));
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
            scopes: Arc::new(self.scopes(path, &jwt.scope_tool_mapping)),
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

    /// The map of the section at `path`. Scopes allow and never deny: its `denied_tools` holds whatever they say.
    pub(super) fn scopes(&mut self, path: &str, mapping: &[(String, Vec<String>)]) -> ScopeMap {
        let scopes = mapping.iter().map(|(scope, entries)| {
            let list = format!("{path}.scope_tool_mapping.{scope}");
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

    /// Reports an issuer by its place behind `owned` others, which are not of the file.
    fn refuse_issuer(&mut self, issuers: &[Jwt], owned: usize, error: JwtIssuersError) {
        match error {
            JwtIssuersError::SameIssuer { index } => {
                let Some(refused) = index.checked_sub(owned).map(|index| &issuers[index]) else {
                    return;
                };
                let first = issuers.iter().find(|first| first.issuer == refused.issuer);
                let is_own = first.is_some_and(|first| first.key_path == refused.key_path);
                let other = match first {
                    Some(first) if !is_own => format!("{}.issuer", first.key_path),
                    _ => "server.public_url".to_owned(),
                };
                self.findings.add(
                    format!("{}.issuer", refused.key_path),
                    Problem::SameAs { other },
                );
            }
            // Refused when reading; a public URL with such characters is no base of anything.
            JwtIssuersError::BadIssuer { index } => {
                let Some(refused) = index.checked_sub(owned).map(|index| &issuers[index]) else {
                    return;
                };
                let value = Some(refused.issuer.clone());
                let accepted = "text without spaces and control characters".to_owned();
                self.findings.add(
                    format!("{}.issuer", refused.key_path),
                    Problem::Malformed { value, accepted },
                );
            }
            JwtIssuersError::TooMany => {
                let value = issuers.len().to_string();
                let accepted = format!("up to {} issuers", JWT_ISSUERS_MAX - owned);
                self.findings
                    .add("auth.jwt", Problem::OutOfRange { value, accepted });
            }
        }
    }
}
