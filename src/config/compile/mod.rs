//! Configuration → [`Snapshot`]: what the engine needs, with every check that the engine makes of its own parts.
//!
//! Read [`compile`] first. **Invariant:** loading compiles too, so what was loaded compiles again, whatever the port.

mod identity;
mod listener;
mod quotas;
mod upstream;

use std::fmt;

use crate::config::model::{self, Config};
use crate::config::problem::Problem;
use crate::engine::oauth::OAuthSurface;
use crate::engine::quota::Quota;
use crate::engine::seal::Sealer;
use crate::engine::snapshot::{
    AuditOverflow, AuditSettings, SessionSettings, Snapshot, SnapshotParts,
};

/// A problem and the key that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Dotted path of the key.
    pub key_path: String,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key_path, self.problem)?;
        self.problem
            .remedy()
            .map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

/// Compiles `config` into the snapshot numbered `revision`, for a main listener on `port`: the real one, where the
/// configuration leaves it to the kernel.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn compile(config: &Config, port: u16, revision: u64) -> Result<Snapshot, Vec<Finding>> {
    let mut findings = Findings::default();
    let plan = quotas::plan(config, &mut findings);
    let servers = upstream::servers(&config.upstreams, &mut findings);
    let identity = identity::authenticator(config, &mut findings);
    let hosts = listener::hosts(&config.server, port, &mut findings);
    let origins = listener::origins(&config.server, port, &mut findings);
    let cors = listener::cors(&config.server, port, &mut findings);
    let Some(quotas) = plan else {
        return Err(findings.0);
    };
    let parts = SnapshotParts {
        revision,
        servers,
        identity,
        quotas,
        hosts,
        origins,
        cors,
        limits: config.server.limits.clone(),
        audit: audit(&config.audit),
        sessions: sessions(&config.server.sessions),
        oauth: surface(config.auth.oauth.as_ref()),
        public_url: config.server.public_url.clone(),
        metrics_on_main: config.server.admin.metrics_on_main,
        trusted_proxies: config.server.trusted_proxies.clone(),
    };
    let snapshot = Snapshot::new(parts)
        .map_err(|conflicts| upstream::conflicts(&config.upstreams, conflicts, &mut findings));
    match snapshot {
        Ok(snapshot) if findings.0.is_empty() => Ok(snapshot),
        _ => Err(findings.0),
    }
}

/// What was found so far.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, key_path: impl Into<String>, problem: Problem) {
        self.0.push(Finding {
            key_path: key_path.into(),
            problem,
        });
    }

    /// A quota within the bounds of the engine.
    fn quota(&mut self, key_path: &str, rate_per_second: f64, burst: u32) -> Option<Quota> {
        let quota = Quota::new(rate_per_second, burst);
        quota
            .map_err(|error| {
                self.add(
                    key_path,
                    Problem::OutOfRange {
                        value: rate_per_second.to_string(),
                        accepted: error.to_string(),
                    },
                )
            })
            .ok()
    }
}

fn surface(oauth: Option<&model::OAuth>) -> OAuthSurface {
    oauth.map_or_else(OAuthSurface::default, |oauth| OAuthSurface {
        login: oauth.login,
        server: oauth.server.is_some(),
    })
}

fn audit(audit: &model::Audit) -> AuditSettings {
    let overflow = match audit.overflow {
        model::Overflow::Refuse => AuditOverflow::Refuse,
        model::Overflow::Drop => AuditOverflow::Drop,
    };
    AuditSettings {
        enabled: audit.enabled,
        overflow,
    }
}

fn sessions(sessions: &model::Sessions) -> SessionSettings {
    let sealer = sessions.key.as_ref();
    SessionSettings {
        ttl_secs: sessions.ttl.as_secs(),
        sealer: sealer.map(|key| Sealer::new(key.expose().as_bytes())),
        legacy_sse: sessions.legacy_sse,
    }
}
