//! The material of a whole configuration.

mod authorities;

use std::sync::Arc;

use guard_io::tls::{ClientTls, ServerTls};

use super::certificate::Dated;
use super::file::Stamps;
use super::section::{self, ClientSection, Section, ServerSection};
use crate::config::model::{Target, Tls, Upstream, UpstreamTls};
use crate::config::{Config, Finding, Loaded, Refused};

/// Loads every file that `loaded` names for TLS. Sections of `before` whose keys and files are the same move over, so that
/// nothing is renegotiated for them. Reads files: call it where that may wait.
///
/// Errors: everything that is wrong, of configuration and files, in the order of the configuration; those that `[auth.oauth]`
/// names too, although they are read when somebody is asked.
pub fn load(
    loaded: Loaded,
    before: &Materials,
    now_secs: u64,
) -> Result<(Loaded, Materials), Refused> {
    let outcome = Wanted::of(&loaded.config).load(before, now_secs);
    let mut findings = outcome.errors;
    findings.extend(outcome.warnings);
    findings.extend(authorities::faults(&loaded.config));
    Ok((loaded.with(findings)?, outcome.materials))
}

/// What a configuration speaks TLS with.
#[derive(Clone, Debug, Default)]
pub struct Materials {
    server: Option<Arc<ServerSection>>,
    /// In the order of the configuration's upstreams, which is that of the snapshot's servers.
    upstreams: Vec<Option<Client>>,
}

#[derive(Clone, Debug)]
struct Client {
    /// `upstream` or `upstream.servers[0]`.
    key_path: String,
    section: Arc<ClientSection>,
}

/// Where [`Materials::server`] is written.
const SERVER_KEY: &str = "server.tls";

impl Materials {
    /// For the main listener; `None` for plain HTTP.
    #[must_use]
    pub fn server(&self) -> Option<ServerTls> {
        self.server.as_ref().map(|section| section.made.clone())
    }

    /// For each server, in the order of the snapshot; `None` for those that are not https.
    #[must_use]
    pub fn upstreams(&self) -> Box<[Option<ClientTls>]> {
        let made = |client: &Client| client.section.made.clone();
        let upstreams = self.upstreams.iter();
        upstreams.map(|client| client.as_ref().map(made)).collect()
    }

    /// The gateway's own certificates, each with the key that names its file.
    pub(super) fn certificates(&self) -> impl Iterator<Item = (String, &Dated)> {
        let server = self.server.iter();
        let server = server.map(|section| (SERVER_KEY, &section.certificates));
        let clients = self.upstreams.iter().flatten();
        let clients = clients.map(|client| (&*client.key_path, &client.section.certificates));
        server.chain(clients).flat_map(|(place, certificates)| {
            let key_path = move |dated: &Dated| format!("{place}.{}", dated.key_path);
            certificates
                .iter()
                .map(move |dated| (key_path(dated), dated))
        })
    }

    /// Those of them whose section was loaded anew since `before`, which asks for the same.
    pub(super) fn renewed(&self, before: &Self) -> impl Iterator<Item = (String, &Dated)> {
        let old: Vec<*const Dated> = before
            .certificates()
            .map(|(_, dated)| std::ptr::from_ref(dated))
            .collect();
        self.certificates()
            .filter(move |(_, dated)| !old.contains(&std::ptr::from_ref(*dated)))
    }

    /// What there is to say of all of it at `now_secs`.
    pub(super) fn warnings(&self, now_secs: u64) -> Vec<Finding> {
        let server = self.server.iter();
        let server = server.flat_map(|section| within(SERVER_KEY, section.warnings(now_secs)));
        let clients = self.upstreams.iter().flatten();
        let clients =
            clients.flat_map(|client| within(&client.key_path, client.section.warnings(now_secs)));
        server.chain(clients).collect()
    }

    /// What the files were when they were read.
    pub(super) fn stamps(&self) -> Stamps {
        let mut stamps = Stamps::default();
        if let Some(server) = &self.server {
            stamps.extend(&server.stamps);
        }
        for client in self.upstreams.iter().flatten() {
            stamps.extend(&client.section.stamps);
        }
        stamps
    }
}

/// `findings` of the section at `place`.
fn within(place: &str, findings: impl IntoIterator<Item = Finding>) -> Vec<Finding> {
    let absolute = |finding: Finding| Finding {
        key_path: format!("{place}.{}", finding.key_path),
        ..finding
    };
    findings.into_iter().map(absolute).collect()
}

/// What a configuration asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    server: Option<Tls>,
    upstreams: Vec<Option<WantedClient>>,
}

#[derive(Clone, Debug)]
struct WantedClient {
    key_path: String,
    tls: UpstreamTls,
}

/// What became of it.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Where a section failed, that of before, if it was asked for in the same words; else nothing.
    pub(super) materials: Materials,
    pub(super) errors: Vec<Finding>,
    pub(super) warnings: Vec<Finding>,
}

impl Wanted {
    pub(super) fn of(config: &Config) -> Self {
        let client = |upstream: &Upstream| match &upstream.target {
            Target::Http { tls: Some(tls), .. } => Some(WantedClient {
                key_path: upstream.key_path.clone(),
                tls: tls.clone(),
            }),
            _ => None,
        };
        Self {
            server: config.server.tls.clone(),
            upstreams: config.upstreams.iter().map(client).collect(),
        }
    }

    pub(super) fn load(&self, before: &Materials, now_secs: u64) -> Outcome {
        let mut errors = Vec::new();
        let server = self.server.as_ref().and_then(|spec| {
            let old = before.server.as_ref();
            let taken = take(spec, old, section::server);
            errors.extend(within(SERVER_KEY, taken.errors));
            taken.section
        });
        let mut upstreams: Vec<Option<Client>> = Vec::with_capacity(self.upstreams.len());
        for wanted in &self.upstreams {
            let client = wanted.as_ref().and_then(|WantedClient { key_path, tls }| {
                let known = upstreams.iter().chain(&before.upstreams).flatten();
                let old = known
                    .map(|client| &client.section)
                    .find(|section| section.is_for(tls));
                let taken = take(tls, old, section::client);
                errors.extend(within(key_path, taken.errors));
                let key_path = key_path.clone();
                taken.section.map(|section| Client { key_path, section })
            });
            upstreams.push(client);
        }
        let materials = Materials { server, upstreams };
        let warnings = materials.warnings(now_secs);
        Outcome {
            materials,
            errors,
            warnings,
        }
    }
}

/// A section, and what is wrong with its files now.
struct Taken<S, M> {
    section: Option<Arc<Section<S, M>>>,
    errors: Vec<Finding>,
}

/// `old` where it still is what `spec` asks for, else a new section; where that fails, `old` all the same.
fn take<S: PartialEq, M>(
    spec: &S,
    old: Option<&Arc<Section<S, M>>>,
    load: impl FnOnce(&S) -> Result<Section<S, M>, Vec<Finding>>,
) -> Taken<S, M> {
    let old = old.filter(|old| old.is_for(spec));
    let (section, errors) = match old.filter(|old| old.is_current()) {
        Some(current) => (Some(Arc::clone(current)), Vec::new()),
        None => match load(spec) {
            Ok(section) => (Some(Arc::new(section)), Vec::new()),
            Err(errors) => (old.cloned(), errors),
        },
    };
    Taken { section, errors }
}

#[cfg(test)]
mod tests;
