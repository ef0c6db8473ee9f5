//! The sources that a configuration names.

use std::time::Duration;

use crate::config::Config;
use crate::config::model::{FetchUrl, JwtKeys};
use crate::engine::identity::jwt::{Algorithm, SourceId};

/// One source as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SourceSettings {
    pub(super) id: SourceId,
    pub(super) url: FetchUrl,
    /// What a key without `alg` may be used for.
    pub(super) algorithms: Vec<Algorithm>,
    /// How long a set counts as fresh.
    pub(super) life_max: Duration,
    /// The issuers that use it.
    pub(super) issuers: Vec<Box<str>>,
}

impl SourceSettings {
    /// Whether the same is fetched in the same way; issuers may come and go.
    pub(super) fn is_same_source(&self, other: &Self) -> bool {
        self.id == other.id && self.url == other.url && self.life_max == other.life_max
    }
}

/// The sources of `config`, each once. Issuers with the same URL and algorithms share one; the shortest of their
/// `cache_duration_secs` holds for all, and the `jwks_ca_path` of the first.
pub(super) fn sources(config: &Config) -> Vec<SourceSettings> {
    let mut found: Vec<SourceSettings> = Vec::new();
    for issuer in &config.auth.jwt {
        let JwtKeys::Jwks {
            url,
            cache_duration,
        } = &issuer.keys
        else {
            continue;
        };
        let id = SourceId::of(&url.text, &issuer.algorithms);
        match found.iter_mut().find(|source| source.id == id) {
            Some(source) => {
                source.life_max = source.life_max.min(*cache_duration);
                source.issuers.push(issuer.issuer.as_str().into());
            }
            None => found.push(SourceSettings {
                id,
                url: url.clone(),
                algorithms: issuer.algorithms.clone(),
                life_max: *cache_duration,
                issuers: vec![issuer.issuer.as_str().into()],
            }),
        }
    }
    found
}
