//! The provider's metadata, looked for at its issuer.
//!
//! The OpenID document is asked for before that of RFC 8414: where a server has both, the former alone names the userinfo
//! endpoint.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use guard_io::http1::Method;
use tokio::sync::Mutex;

use super::ProviderFault;
use super::ask::Question;
use super::endpoints::Endpoints;
use super::remote::Remote;
use crate::config::model::FetchUrl;
use crate::engine::limits::{DISCOVERY_LIFE_MS, DISCOVERY_RETRY_MS, DISCOVERY_STALE_MS_MAX};
use crate::metrics::ProviderCall;

/// What was found, and when.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    /// Held while one looks, so that all others wait for what it finds.
    turn: Mutex<Option<Failed>>,
    found: ArcSwapOption<Found>,
}

#[derive(Debug)]
struct Found {
    endpoints: Arc<Endpoints>,
    at: Instant,
}

#[derive(Debug)]
struct Failed {
    at: Instant,
    fault: ProviderFault,
}

impl Discovery {
    /// What was found, however old; asks nobody.
    pub(super) fn last(&self) -> Option<Arc<Endpoints>> {
        let found = self.found.load();
        found.as_ref().map(|found| Arc::clone(&found.endpoints))
    }

    fn within(&self, age_ms: u64) -> Option<Arc<Endpoints>> {
        let found = self.found.load();
        let found = found.as_ref()?;
        let is_within = found.at.elapsed() < Duration::from_millis(age_ms);
        is_within.then(|| Arc::clone(&found.endpoints))
    }
}

impl Remote {
    /// Every endpoint that is known. Errors: they are to be looked for, and cannot be found.
    pub(super) async fn endpoints(&self) -> Result<Arc<Endpoints>, ProviderFault> {
        if let Some(known) = &self.known {
            return Ok(Arc::clone(known));
        }
        if let Some(fresh) = self.discovery.within(DISCOVERY_LIFE_MS) {
            return Ok(fresh);
        }
        let mut failed = self.discovery.turn.lock().await;
        if let Some(fresh) = self.discovery.within(DISCOVERY_LIFE_MS) {
            return Ok(fresh);
        }
        let is_recent =
            |failed: &&Failed| failed.at.elapsed() < Duration::from_millis(DISCOVERY_RETRY_MS);
        let fault = match failed.as_ref().filter(is_recent) {
            Some(failed) => failed.fault.clone(),
            None => match self.discover().await {
                Ok(endpoints) => {
                    *failed = None;
                    return Ok(self.take_over(endpoints));
                }
                Err(fault) => {
                    let (at, fault) = (Instant::now(), fault);
                    *failed = Some(Failed {
                        at,
                        fault: fault.clone(),
                    });
                    fault
                }
            },
        };
        // A login must not fail because the metadata cannot be renewed for a while.
        self.discovery.within(DISCOVERY_STALE_MS_MAX).ok_or(fault)
    }

    fn take_over(&self, endpoints: Endpoints) -> Arc<Endpoints> {
        let endpoints = Arc::new(endpoints);
        self.discovery.found.store(Some(Arc::new(Found {
            endpoints: Arc::clone(&endpoints),
            at: Instant::now(),
        })));
        endpoints
    }

    async fn discover(&self) -> Result<Endpoints, ProviderFault> {
        let Some(issuer) = &self.config.issuer else {
            let why = "auth.oauth has neither endpoints nor an issuer";
            return Err(ProviderFault::Unavailable(why.to_owned()));
        };
        let mut last = ProviderFault::Unavailable(String::new());
        for url in places(issuer) {
            let question = Question::new(ProviderCall::Discovery, Method::Get, &url);
            let answer = self.ask(&question).await?;
            last = match (answer.status, answer.object()) {
                (200, Some(document)) => {
                    let endpoints = Endpoints::discovered(&self.config, issuer, document);
                    return endpoints.map_err(|why| {
                        ProviderFault::Unavailable(format!("metadata at {}: {why}", url.text))
                    });
                }
                (status, _) => ProviderFault::Unavailable(format!(
                    "metadata at {}: answer has status {status}; 200 and a JSON object are needed",
                    url.text
                )),
            };
        }
        Err(last)
    }
}

/// Where the metadata of `issuer` may be: OpenID Connect Discovery §4, then RFC 8414 §3.1.
fn places(issuer: &FetchUrl) -> [FetchUrl; 2] {
    let end = issuer.text.len() - issuer.target.len().min(issuer.text.len());
    let has_path = issuer.text.ends_with(&issuer.target);
    let (origin, path) = match has_path {
        true => issuer.text.split_at(end),
        false => (issuer.text.as_str(), ""),
    };
    let path = path.trim_end_matches('/');
    let at = |target: String| FetchUrl {
        text: format!("{origin}{target}"),
        target,
        ..issuer.clone()
    };
    [
        at(format!("{path}/.well-known/openid-configuration")),
        at(format!("/.well-known/oauth-authorization-server{path}")),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::places;
    use crate::config::parse_fetch;

    #[test]
    fn metadata_is_looked_for_where_the_specifications_put_it() {
        for (issuer, openid, oauth) in [
            (
                "https://id.example",
                "https://id.example/.well-known/openid-configuration",
                "https://id.example/.well-known/oauth-authorization-server",
            ),
            (
                "https://id.example/",
                "https://id.example/.well-known/openid-configuration",
                "https://id.example/.well-known/oauth-authorization-server",
            ),
            (
                "https://id.example:8443/realms/a",
                "https://id.example:8443/realms/a/.well-known/openid-configuration",
                "https://id.example:8443/.well-known/oauth-authorization-server/realms/a",
            ),
            (
                "http://[::1]:80/a/",
                "http://[::1]:80/a/.well-known/openid-configuration",
                "http://[::1]:80/.well-known/oauth-authorization-server/a",
            ),
        ] {
            let [first, second] = places(&parse_fetch(issuer).unwrap());
            assert_eq!(first.text, openid);
            assert_eq!(second.text, oauth);
            for found in [first, second] {
                assert_eq!(parse_fetch(&found.text).unwrap(), found);
            }
        }
    }
}
