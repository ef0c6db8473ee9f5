//! From one configuration to the next while the gateway runs.

use std::sync::Arc;

use serde_json::{Value, json};

use super::audit::{AuditHandle, AuditSettings, Event};
use super::jwks::KeyKeeper;
use super::oauth::OAuthService;
use super::tls::{self, Materials};
use super::{probe, resolve};
use crate::config::model::OAuth;
use crate::config::{Config, Diagnostic, compile};
use crate::engine::snapshot::Snapshot;
use crate::mailbox::{Live, ServerState, Shared};
use crate::metrics::ReloadResult;

/// How a reload ended.
#[derive(Clone, Debug)]
pub(super) enum Reloaded {
    /// The new configuration is in force.
    Applied {
        /// Its revision.
        revision: u64,
        /// Keys whose change waits for a restart.
        restart_needed: Vec<&'static str>,
        /// What is probably not intended.
        warnings: Vec<Diagnostic>,
    },
    /// The old configuration stays.
    Rejected {
        /// What is wrong, for people.
        errors: Vec<String>,
        /// The same for programs.
        diagnostics: Vec<Value>,
    },
}

impl Reloaded {
    /// 200, or 422 where the file was refused.
    pub(super) const fn status(&self) -> u16 {
        match self {
            Self::Applied { .. } => 200,
            Self::Rejected { .. } => 422,
        }
    }

    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Applied {
                revision,
                restart_needed,
                warnings,
            } => json!({
                "result": self.result().as_str(),
                "revision": revision,
                "restart_needed": restart_needed,
                "warnings": warnings.iter().map(Diagnostic::to_json).collect::<Vec<_>>(),
            }),
            Self::Rejected { diagnostics, .. } => json!({
                "result": self.result().as_str(),
                "diagnostics": diagnostics,
            }),
        }
    }

    fn result(&self) -> ReloadResult {
        match self {
            Self::Applied { restart_needed, .. } if restart_needed.is_empty() => {
                ReloadResult::Applied
            }
            Self::Applied { .. } => ReloadResult::RestartNeeded,
            Self::Rejected { .. } => ReloadResult::Rejected,
        }
    }

    /// Says in log, metrics and audit log how the reload ended.
    pub(super) async fn announce(&self, shared: &Shared, audit: &AuditHandle) {
        shared.control.reload(self.result());
        match self {
            Self::Applied {
                revision,
                restart_needed,
                warnings,
            } => {
                warnings
                    .iter()
                    .for_each(|warning| tracing::warn!("{warning}"));
                if !restart_needed.is_empty() {
                    tracing::warn!(keys = ?restart_needed, "these settings change with the next restart only");
                }
                tracing::info!(revision, "configuration reloaded");
                audit
                    .note(Event::Reloaded {
                        revision: *revision,
                    })
                    .await;
            }
            Self::Rejected { errors, .. } => {
                errors.iter().for_each(|error| tracing::error!("{error}"));
                tracing::error!(
                    errors = errors.len(),
                    "configuration refused; the one in force stays"
                );
                audit
                    .note(Event::ReloadRejected {
                        errors: errors.len(),
                    })
                    .await;
            }
        }
    }

    pub(super) fn rejected_by(diagnostics: &[Diagnostic]) -> Self {
        // The warnings beside them are shown, and are no reason.
        let errors = diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.is_error());
        Self::Rejected {
            errors: errors.map(ToString::to_string).collect(),
            diagnostics: diagnostics.iter().map(Diagnostic::to_json).collect(),
        }
    }

    fn rejected(errors: Vec<String>) -> Self {
        let diagnostics = errors
            .iter()
            .map(|error| json!({ "severity": "error", "message": error }))
            .collect();
        Self::Rejected {
            errors,
            diagnostics,
        }
    }
}

/// What a reload puts in force.
pub(super) struct Fresh<'m> {
    /// The configuration.
    pub(super) config: Config,
    /// What is probably not intended.
    pub(super) warnings: Vec<Diagnostic>,
    /// What its files for TLS became.
    pub(super) materials: &'m Materials,
}

/// What a reload changes beside the snapshot.
pub(super) struct Parts<'g> {
    /// What the workers see.
    pub(super) shared: &'g Shared,
    /// Where records go.
    pub(super) audit: &'g AuditHandle,
    /// Keys of issuers.
    pub(super) keys: &'g mut KeyKeeper,
    /// Logins and the gateway's own tokens.
    pub(super) oauth: &'g OAuthService,
}

/// Puts `fresh` in force beside `current`, which it replaces on success. Names are resolved and required servers probed
/// before anything changes, keys of new issuers fetched, and the store of OAuth opened, so that the first request under the new
/// configuration finds them.
pub(super) async fn apply(
    fresh: Fresh<'_>,
    current: &mut Config,
    port: u16,
    parts: Parts<'_>,
) -> Reloaded {
    let Parts {
        shared,
        audit,
        keys,
        oauth,
    } = parts;
    let Fresh {
        config: mut fresh,
        warnings,
        materials,
    } = fresh;
    let restart_needed = keep_what_started(&mut fresh, current);
    let old = shared.live.load_full();
    let revision = old.snapshot.revision() + 1;
    let snapshot = match compile(&fresh, port, revision) {
        Ok(snapshot) => snapshot,
        Err(findings) => {
            return Reloaded::rejected(findings.iter().map(ToString::to_string).collect());
        }
    };
    let live = succeed(&old, snapshot, shared.workers.len());
    let live = tls::with_materials(&live, materials);
    resolve::refresh(&live).await;
    probe::probe_required(&live).await;
    keys.add(&fresh).await;
    if let Err(error) = audit.use_settings(AuditSettings::from(&fresh.audit)).await {
        keys.keep_only(current);
        return Reloaded::rejected(vec![error.to_string()]);
    }
    // Last of what can fail: a store that has no users yet may become that of another provider.
    let prepared = match oauth.prepare(&fresh).await {
        Ok(prepared) => prepared,
        Err(error) => {
            keys.keep_only(current);
            go_back(audit, current).await;
            return Reloaded::rejected(vec![error.to_string()]);
        }
    };
    // The gateway's own keys are there before anybody can bring a token under them.
    oauth.put_in_force(prepared);
    // Keys go their own way: those that came since are kept.
    shared.update(|now| Live {
        keys: Arc::clone(&now.keys),
        keys_version: now.keys_version,
        ..live
    });
    *current = fresh;
    keys.keep_only(current);
    Reloaded::Applied {
        revision,
        restart_needed,
        warnings,
    }
}

/// Records go where they went before.
async fn go_back(audit: &AuditHandle, current: &Config) {
    let settings = AuditSettings::from(&current.audit);
    if let Err(error) = audit.use_settings(settings).await {
        tracing::error!(%error, "audit records go where the refused configuration says");
    }
}

/// The state of a first configuration.
pub(super) fn first(snapshot: Snapshot, workers: usize) -> Live {
    let empty = Live {
        snapshot: Arc::new(snapshot),
        servers: Box::default(),
        keys: Arc::default(),
        keys_version: 0,
        tls: None,
        upstream_tls: Box::default(),
    };
    let servers = states(&empty, &empty.snapshot, workers);
    Live { servers, ..empty }
}

/// The state under a new snapshot: servers that keep name and address keep everything, those that move keep their counters.
fn succeed(old: &Live, snapshot: Snapshot, workers: usize) -> Live {
    let servers = states(old, &snapshot, workers);
    Live {
        snapshot: Arc::new(snapshot),
        servers,
        ..old.clone()
    }
}

fn states(old: &Live, snapshot: &Snapshot, workers: usize) -> Box<[Arc<ServerState>]> {
    let state = |server: &crate::engine::snapshot::Server| {
        let address = &server.upstream.address;
        match old.servers.iter().find(|state| state.name == server.name) {
            Some(state) if state.address == *address => Arc::clone(state),
            Some(state) => Arc::new(state.moved(address.clone())),
            None => Arc::new(ServerState::new(&server.name, address.clone(), workers)),
        }
    };
    snapshot.servers().iter().map(state).collect()
}

/// Settings that are bound to sockets and threads stay as they were at the start; returns the keys of those that differ.
fn keep_what_started(fresh: &mut Config, started: &Config) -> Vec<&'static str> {
    let mut differ = Vec::new();
    macro_rules! keep {
        ($($key:literal $($field:ident).+;)+) => {$(
            if fresh.$($field).+ != started.$($field).+ {
                differ.push($key);
                fresh.$($field).+ = started.$($field).+;
            }
        )+};
    }
    keep! {
        "server.host" server.host;
        "server.port" server.port;
        "server.workers" server.workers;
        "server.accept" server.accept;
        "server.io" server.io;
        "server.busy_poll_us" server.busy_poll_us;
        "server.admin.host" server.admin.host;
        "server.admin.port" server.admin.port;
    }
    if let (Some(fresh), Some(started)) = (&mut fresh.auth.oauth, &started.auth.oauth) {
        differ.extend(keep_store(fresh, started));
    }
    differ
}

/// The store is open, and sealed with the key that it was opened with.
fn keep_store(fresh: &mut OAuth, started: &OAuth) -> Vec<&'static str> {
    let mut differ = Vec::new();
    if fresh.store_path != started.store_path {
        differ.push("auth.oauth.store_path");
        fresh.store_path.clone_from(&started.store_path);
    }
    let is_same = match (&fresh.store_key, &started.store_key) {
        (Some(fresh), Some(started)) => fresh.matches(started.expose().as_bytes()),
        (None, None) => true,
        _ => false,
    };
    if !is_same {
        differ.push("auth.oauth.store_key");
        fresh.store_key.clone_from(&started.store_key);
    }
    differ
}

#[cfg(test)]
mod tests;
