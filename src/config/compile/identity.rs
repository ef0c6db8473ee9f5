//! Who may come in and what each may use.

mod jwt;
mod mtls;
mod oauth;

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::compile::Findings;
use crate::config::model::{Anonymous, ApiKey, Config, RateLimit, Upstream};
use crate::config::problem::Problem;
use crate::engine::identity::{
    self, AnonymousAccess, ApiKeyError, ApiKeys, Authenticator, AuthenticatorParts,
};
use crate::engine::limits::API_KEYS_MAX;
use crate::engine::policy::{EntryError, Grants};
use crate::engine::quota::Quota;

pub(super) fn authenticator(config: &Config, findings: &mut Findings) -> Authenticator {
    let mut compiler = Compiler {
        config,
        findings,
        known: HashMap::new(),
    };
    let keys = config
        .auth
        .api_keys
        .iter()
        .map(|key| compiler.api_key(key))
        .collect();
    let anonymous = config
        .auth
        .anonymous
        .as_ref()
        .map(|anonymous| compiler.anonymous(anonymous));
    let provider = config.auth.oauth.as_ref();
    let provider = provider.map(|oauth| compiler.provider(oauth));
    let (own, opaque) = provider.map_or((None, None), |found| (found.own, found.opaque));
    let issuers = compiler.issuers(own, &config.auth.jwt);
    let mtls = config.auth.mtls.as_ref().map(|mtls| compiler.mtls(mtls));
    let keys = ApiKeys::compile(keys).unwrap_or_else(|errors| {
        for error in errors {
            refuse_key(&config.auth.api_keys, error, findings);
        }
        ApiKeys::default()
    });
    Authenticator::new(AuthenticatorParts {
        keys,
        issuers,
        opaque,
        mtls,
        anonymous,
    })
}

/// Both lists of an identity.
type Lists<'c> = (&'c [String], &'c [String]);

struct Compiler<'c, 'f> {
    config: &'c Config,
    findings: &'f mut Findings,
    /// Thousands of keys share a few pairs of lists.
    known: HashMap<Lists<'c>, Arc<Grants>>,
}

impl<'c> Compiler<'c, '_> {
    fn api_key(&mut self, key: &'c ApiKey) -> identity::ApiKey {
        identity::ApiKey {
            id: key.id.clone(),
            key_hash: key.key_hash,
            grants: self.grants(&key.key_path, (&key.allowed_tools, &key.denied_tools)),
            quota: self.quota(&key.key_path, key.rate_limit, key.burst_size),
            expires_at_secs: key
                .expires_at_unix_secs
                .map(|secs| u64::try_from(secs).unwrap_or(0)),
        }
    }

    fn anonymous(&mut self, anonymous: &'c Anonymous) -> AnonymousAccess {
        let path = "auth.anonymous";
        AnonymousAccess {
            grants: self.grants(path, (&anonymous.allowed_tools, &[])),
            quota: self.quota(path, anonymous.rate_limit, None),
        }
    }

    /// The quota of an identity that has one of its own: what it does not say is the default.
    fn quota(&mut self, path: &str, rate: Option<f64>, burst: Option<u32>) -> Option<Quota> {
        let RateLimit {
            requests_per_second,
            burst_size,
            ..
        } = self.config.rate_limit;
        let own = rate.is_some() || burst.is_some();
        let (rate, burst) = (
            rate.unwrap_or(requests_per_second),
            burst.unwrap_or(burst_size),
        );
        if own {
            self.findings
                .quota(&format!("{path}.rate_limit"), rate, burst)
        } else {
            None
        }
    }

    fn grants(&mut self, path: &str, lists: Lists<'c>) -> Arc<Grants> {
        if let Some(grants) = self.known.get(&lists) {
            return Arc::clone(grants);
        }
        let grants = Arc::new(Grants::compile(lists.0, lists.1).unwrap_or_else(|errors| {
            refuse_entries(path, errors, self.findings);
            Grants::default()
        }));
        for (key, list) in [("allowed_tools", lists.0), ("denied_tools", lists.1)] {
            refuse_unknown_servers(
                &format!("{path}.{key}"),
                list,
                &self.config.upstreams,
                self.findings,
            );
        }
        self.known.insert(lists, Arc::clone(&grants));
        grants
    }
}

pub(super) fn refuse_entries(path: &str, errors: Vec<EntryError>, findings: &mut Findings) {
    for error in errors {
        let list = format!("{path}.{}", error.list.key());
        refuse_entry(&list, error, findings);
    }
}

/// Reports an entry of the list at `list`.
fn refuse_entry(list: &str, error: EntryError, findings: &mut Findings) {
    let problem = Problem::BadEntry {
        entry: error.entry,
        reason: error.reason.to_string(),
    };
    findings.add(format!("{list}[{}]", error.index), problem);
}

/// An entry for a server that does not exist would silently allow, or deny, nothing.
pub(super) fn refuse_unknown_servers(
    path: &str,
    list: &[String],
    upstreams: &[Upstream],
    findings: &mut Findings,
) {
    for (index, entry) in list.iter().enumerate() {
        let Some((name, _)) = entry.split_once("::") else {
            continue;
        };
        if crate::engine::policy::is_server_name(name)
            && upstreams.iter().all(|upstream| upstream.name != name)
        {
            let accepted = upstreams
                .iter()
                .map(|upstream| upstream.name.clone())
                .collect();
            findings.add(
                format!("{path}[{index}]"),
                Problem::UnknownServer {
                    name: name.to_owned(),
                    accepted,
                },
            );
        }
    }
}

fn refuse_key(keys: &[ApiKey], error: ApiKeyError, findings: &mut Findings) {
    let (index, key) = match error {
        ApiKeyError::SameId { index } | ApiKeyError::BadId { index } => (index, "id"),
        ApiKeyError::SameKey { index } => (index, "key_hash"),
        ApiKeyError::TooMany => {
            let accepted = format!("up to {API_KEYS_MAX} keys");
            return findings.add(
                "auth.api_keys",
                Problem::OutOfRange {
                    value: keys.len().to_string(),
                    accepted,
                },
            );
        }
    };
    let refused = &keys[index];
    let same = |other: &&ApiKey| {
        if key == "id" {
            other.id == refused.id
        } else {
            other.key_hash.matches(&refused.key_hash)
        }
    };
    let first = keys.iter().find(same).unwrap_or(refused);
    let other = format!("{}.{key}", first.key_path);
    findings.add(
        format!("{}.{key}", refused.key_path),
        Problem::SameAs { other },
    );
}
