//! Certificates that change on the disk, taken up while the gateway runs.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::task::{JoinHandle, spawn_blocking};

use super::file::Stamps;
use super::material::{Materials, Outcome, Wanted};
use crate::config::{Config, Finding};
use crate::mailbox::{Live, Shared};
use crate::metrics::{CertificateEnd, TlsReload};

/// How long the log is silent about what it was told of a certificate, in seconds.
const NOTICE_PAUSE_SECS: u64 = 24 * 3_600;

/// The material in force, and what the files behind it are doing.
#[derive(Debug)]
pub(in crate::control) struct TlsWatch {
    wanted: Wanted,
    materials: Arc<Materials>,
    seen: Seen,
    looking: Option<JoinHandle<Look>>,
    told: Told,
}

/// What the log was told of the time of certificates.
#[derive(Debug)]
struct Told {
    at_secs: u64,
    warnings: Vec<Finding>,
}

/// What former looks found.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// The files at the last look, where they differ from those in force: they may still be written to.
    unsettled: Option<Stamps>,
    /// The files that were refused: not worth another look, nor another line in the log.
    refused: Option<Stamps>,
}

/// What a look at the files found.
#[derive(Debug)]
enum Look {
    /// Nothing new.
    Same,
    /// Something that may still change.
    Unsettled(Stamps),
    /// Something new.
    Loaded(Stamps, Box<Outcome>),
}

impl TlsWatch {
    /// Watches the files of `config`, of which `materials` were made that are in force now.
    pub(in crate::control) fn new(config: &Config, materials: Materials, shared: &Shared) -> Self {
        show(&materials, shared);
        // Whoever loaded them has told it.
        let told = Told {
            at_secs: now_secs(),
            warnings: materials.warnings(now_secs()),
        };
        Self {
            wanted: Wanted::of(config),
            materials: Arc::new(materials),
            seen: Seen::default(),
            looking: None,
            told,
        }
    }

    /// What is in force.
    pub(in crate::control) fn materials(&self) -> &Arc<Materials> {
        &self.materials
    }

    /// Takes what the look before found, and begins another. Waits for nothing.
    pub(in crate::control) async fn tick(&mut self, shared: &Shared) {
        self.notice(now_secs());
        if self
            .looking
            .as_ref()
            .is_some_and(|look| !look.is_finished())
        {
            return;
        }
        let found = match self.looking.take() {
            Some(look) => look.await.unwrap_or(Look::Same),
            None => Look::Same,
        };
        self.take(found, shared);
        if !self.materials.stamps().is_empty() {
            let (wanted, materials) = (self.wanted.clone(), Arc::clone(&self.materials));
            let seen = self.seen.clone();
            self.looking = Some(spawn_blocking(move || look(&wanted, &materials, &seen)));
        }
    }

    fn take(&mut self, found: Look, shared: &Shared) {
        match found {
            Look::Same => self.seen.unsettled = None,
            Look::Unsettled(stamps) => self.seen.unsettled = Some(stamps),
            Look::Loaded(stamps, outcome) => {
                self.seen = Seen {
                    unsettled: None,
                    refused: (!outcome.errors.is_empty()).then_some(stamps),
                };
                self.settle(*outcome, shared);
            }
        }
    }

    /// Puts in force what is good of `outcome`, and says so.
    fn settle(&mut self, outcome: Outcome, shared: &Shared) {
        let Outcome {
            materials, errors, ..
        } = outcome;
        for error in &errors {
            tracing::error!("{error}");
        }
        if !errors.is_empty() {
            shared.control.tls_reload(TlsReload::Rejected);
            tracing::error!(
                errors = errors.len(),
                "changed certificates are refused; those in force stay"
            );
        }
        if materials.stamps() != self.materials.stamps() {
            shared.update(|live| with_materials(live, &materials));
            show(&materials, shared);
            shared.control.tls_reload(TlsReload::Applied);
            for (key, certificate) in materials.renewed(&self.materials) {
                let not_after = certificate.ends_text();
                tracing::info!(key, not_after, "certificates reloaded");
            }
            if materials.renewed(&self.materials).next().is_none() {
                tracing::info!("certificates reloaded: authorities alone");
            }
            self.materials = Arc::new(materials);
            self.notice(now_secs());
        }
    }

    /// Tells the log what time has done to the certificates in force: at once what is new, everything again once a day.
    fn notice(&mut self, now_secs: u64) {
        let warnings = self.materials.warnings(now_secs);
        let is_due = now_secs.saturating_sub(self.told.at_secs) >= NOTICE_PAUSE_SECS;
        if is_due {
            self.told.at_secs = now_secs;
        }
        for warning in &warnings {
            if is_due || !self.told.warnings.contains(warning) {
                tracing::warn!("{warning}");
            }
        }
        self.told.warnings = warnings;
    }
}

/// The present state with `materials` in it.
pub(in crate::control) fn with_materials(live: &Live, materials: &Materials) -> Live {
    Live {
        tls: materials.server(),
        upstream_tls: materials.upstreams(),
        ..live.clone()
    }
}

/// Tells metrics and bridges of `materials`, which are in force.
fn show(materials: &Materials, shared: &Shared) {
    shared.control.set_certificates(ends(materials));
    let live = shared.live.load();
    for (server, tls) in live.servers.iter().zip(&live.upstream_tls) {
        server.tls.store(tls.clone().map(Arc::new));
    }
}

fn ends(materials: &Materials) -> Vec<CertificateEnd> {
    let end = |(key_path, certificate): (String, &super::certificate::Dated)| CertificateEnd {
        key: key_path.into(),
        not_after_secs: certificate.ends_secs,
    };
    materials.certificates().map(end).collect()
}

/// Looks at the files, and loads them once two looks in a row saw the same: whoever writes a certificate and then its key
/// must not be caught between the two.
fn look(wanted: &Wanted, materials: &Materials, seen: &Seen) -> Look {
    let in_force = materials.stamps();
    let stamps = in_force.now();
    if stamps == in_force || seen.refused.as_ref() == Some(&stamps) {
        Look::Same
    } else if seen.unsettled.as_ref() != Some(&stamps) {
        Look::Unsettled(stamps)
    } else {
        Look::Loaded(stamps, Box::new(wanted.load(materials, now_secs())))
    }
}

/// The time, in Unix seconds.
pub fn now_secs() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
