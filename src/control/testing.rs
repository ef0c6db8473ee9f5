//! A control plane without sockets of its own and with workers that obey at once.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

pub(super) mod tls;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::source::Source;
use super::{reload, scrape};
use crate::config::{Config, Fixed, Overrides, Surroundings, compile};
use crate::engine::seal::Sealer;
use crate::mailbox::{DataPlane, Phase, Shared, ToWorker};

/// A configuration file that tests rewrite.
#[derive(Clone, Default)]
pub(super) struct Paper(Arc<Mutex<String>>);

impl Paper {
    pub(super) fn new(text: &str) -> Self {
        let paper = Self::default();
        paper.write(text);
        paper
    }

    pub(super) fn write(&self, text: &str) {
        *self.0.lock().unwrap() = text.to_owned();
    }

    pub(super) fn source(&self) -> Source {
        Source::within(
            Path::new("test.toml"),
            Overrides::default(),
            Box::new(self.clone()),
        )
    }
}

impl Surroundings for Paper {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, path: &Path) -> Result<crate::config::FileText, String> {
        let mut fixed = Fixed::default();
        fixed
            .files
            .insert(path.to_owned(), (self.0.lock().unwrap().clone(), 0o600));
        fixed.file(path)
    }

    fn is_file(&self, _: &Path) -> bool {
        false
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }
}

/// A whole configuration: one API key, what `server` adds to `[server]`, and `rest`.
pub(super) fn text(server: &str, rest: &str) -> String {
    let hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    format!(
        "[server]\n{server}\n[[auth.api_keys]]\nid = \"a\"\nkey_hash = \"{hash}\"\nallowed_tools = [\"*\"]\n{rest}\n"
    )
}

/// `[[upstream.servers]]` for each name and port.
pub(super) fn servers(servers: &[(&str, u16, &str)]) -> String {
    let entry = |(name, port, keys): &(&str, u16, &str)| {
        format!(
            "[[upstream.servers]]\nname = \"{name}\"\ntransport = \"http\"\nurl = \"http://127.0.0.1:{port}/mcp\"\n{keys}\n"
        )
    };
    servers.iter().map(entry).collect()
}

pub(super) fn load(text: &str) -> Config {
    let loaded = Paper::new(text).source().load();
    loaded
        .unwrap_or_else(|refused| panic!("{:#?}", refused.diagnostics))
        .config
}

/// What `workers` workers share under `text`; they serve.
pub(super) fn shared(text: &str, workers: usize) -> Arc<Shared> {
    let snapshot = compile(&load(text), 3000, 1).unwrap();
    let shared = Shared::new(
        reload::first(snapshot, workers),
        workers,
        Sealer::new(b"test"),
        scrape::metrics,
    );
    shared
        .workers
        .iter()
        .for_each(|worker| worker.set_phase(Phase::Serving));
    Arc::new(shared)
}

/// Workers that note what they are told and end when they are told to drain.
#[derive(Clone)]
pub(super) struct Obedient {
    pub(super) told: Arc<Mutex<Vec<ToWorker>>>,
    shared: Arc<Shared>,
}

impl Obedient {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            told: Arc::default(),
            shared: Arc::clone(shared),
        }
    }
}

impl DataPlane for Obedient {
    fn io_mode(&self) -> String {
        "none".to_owned()
    }

    fn post(&self, message: ToWorker) {
        self.told.lock().unwrap().push(message);
        if matches!(message, ToWorker::Drain { .. }) {
            self.shared
                .workers
                .iter()
                .for_each(|worker| worker.set_phase(Phase::Stopped));
        }
    }

    fn ended(&self) -> usize {
        self.shared
            .workers
            .iter()
            .filter(|worker| worker.phase() == Phase::Stopped)
            .count()
    }

    fn join(self: Box<Self>) -> Vec<String> {
        Vec::new()
    }
}
