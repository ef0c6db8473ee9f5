//! Every source that the configuration names, each with its task.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::settings::{self, SourceSettings};
use super::source::{Source, put_in_force};
use crate::config::Config;
use crate::engine::limits::JWKS_FIRST_MS_MAX;
use crate::mailbox::{KeyDesk, Shared};

/// Keeps the keys of issuers. Dropping it ends its tasks; the keys in force stay.
#[derive(Debug)]
pub(in crate::control) struct KeyKeeper {
    shared: Arc<Shared>,
    kept: Vec<Kept>,
    /// Whether the sources that come now were there at the start.
    is_starting: bool,
}

#[derive(Debug)]
struct Kept {
    settings: SourceSettings,
    desk: Arc<KeyDesk>,
    task: JoinHandle<()>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl KeyKeeper {
    /// A keeper of nothing.
    pub(in crate::control) const fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            kept: Vec::new(),
            is_starting: true,
        }
    }

    /// Begins to keep what `config` names and is not kept yet, beside all else, and waits until each new source was tried
    /// once, [`JWKS_FIRST_MS_MAX`] at most: the first requests shall find their keys.
    pub(in crate::control) async fn add(&mut self, config: &Config) {
        let fresh: Vec<Arc<KeyDesk>> = settings::sources(config)
            .into_iter()
            .filter_map(|wanted| self.add_one(wanted))
            .collect();
        self.is_starting = false;
        self.publish_desks();
        let tried = async {
            for desk in &fresh {
                desk.tried.raised().await;
            }
        };
        let _ = timeout(Duration::from_millis(JWKS_FIRST_MS_MAX), tried).await;
    }

    /// Lets go of what `config` does not name, and keeps all else as it says.
    pub(in crate::control) fn keep_only(&mut self, config: &Config) {
        let wanted = settings::sources(config);
        let is_wanted = |kept: &Kept| wanted.iter().find(|source| source.id == kept.settings.id);
        for kept in self.kept.extract_if(.., |kept| is_wanted(kept).is_none()) {
            kept.task.abort();
            kept.desk.retire();
            put_in_force(&self.shared, &kept.settings, None);
        }
        for source in wanted {
            self.keep_as(source);
        }
        self.publish_desks();
    }

    /// Starts to keep `wanted`, unless it is kept; returns its desk where it is new.
    fn add_one(&mut self, wanted: SourceSettings) -> Option<Arc<KeyDesk>> {
        if self.kept.iter().any(|kept| kept.settings.id == wanted.id) {
            self.keep_as(wanted);
            return None;
        }
        let desk = Arc::new(KeyDesk::new(wanted.id, self.is_starting));
        let kept = self.start(wanted, Arc::clone(&desk));
        self.kept.push(kept);
        Some(desk)
    }

    /// Goes on with a source that is kept already. Under other settings it is fetched anew; its keys and whoever waits for
    /// others stay.
    fn keep_as(&mut self, wanted: SourceSettings) {
        let is_it = |kept: &Kept| kept.settings.id == wanted.id;
        let Some(index) = self.kept.iter().position(is_it) else {
            return;
        };
        if self.kept[index].settings.is_same_source(&wanted) {
            return self.kept[index].name_issuers(&wanted);
        }
        let desk = Arc::clone(&self.kept[index].desk);
        self.kept[index] = self.start(wanted, desk);
    }

    fn start(&self, settings: SourceSettings, desk: Arc<KeyDesk>) -> Kept {
        let source = Source::new(
            settings.clone(),
            Arc::clone(&self.shared),
            Arc::clone(&desk),
        );
        let mut kept = Kept {
            settings,
            desk,
            task: tokio::spawn(source.keep()),
        };
        let settings = kept.settings.clone();
        kept.name_issuers(&settings);
        kept
    }

    fn publish_desks(&self) {
        let desks = self.kept.iter().map(|kept| Arc::clone(&kept.desk));
        self.shared.key_desks.set(desks.collect());
    }
}

impl Kept {
    fn name_issuers(&mut self, source: &SourceSettings) {
        self.settings.issuers.clone_from(&source.issuers);
        self.desk.revise(|report| {
            report.issuers.clone_from(&source.issuers);
            report.url = source.url.text.as_str().into();
        });
    }
}
