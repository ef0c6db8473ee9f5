//! The tools of a server as far as the gateway knows them: which parameters each mirrors into header fields.

use std::time::Duration;

use rustc_hash::FxHashMap;
use tokio::time::Instant;

use crate::engine::mcp::param_headers::ParamHeaders;
use crate::engine::mcp::param_headers::listing::Listing;

/// Tools that are remembered.
const TOOLS_MAX: usize = 4_096;

/// How long a tool that the server did not list is taken for unknown to it.
const UNLISTED_TIME: Duration = Duration::from_secs(60);

/// How old what is known must be before a call that contradicts it makes the gateway look again.
pub(super) const FRESH_TIME: Duration = Duration::from_secs(1);

/// What is known of the tools of one server.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    epoch: u64,
    tools: FxHashMap<Box<str>, Known>,
    /// When the whole list was last read.
    read_at: Option<Instant>,
}

#[derive(Debug)]
struct Known {
    params: ParamHeaders,
    since: Instant,
}

/// What is known of one tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// Its parameters.
    Listed {
        /// What it mirrors.
        params: ParamHeaders,
        /// Whether it was learnt within [`FRESH_TIME`].
        is_fresh: bool,
    },
    /// The server does not list it.
    Unlisted,
    /// Nothing.
    Unknown,
}

impl Catalogue {
    /// Forgets everything where the server's tools have changed since `epoch`.
    pub(super) fn sync(&mut self, epoch: u64) {
        if self.epoch != epoch {
            *self = Self {
                epoch,
                ..Self::default()
            };
        }
    }

    /// What is known of `tool` at `now`.
    pub(super) fn look_up(&self, tool: &str, now: Instant) -> Lookup {
        if let Some(known) = self.tools.get(tool) {
            return Lookup::Listed {
                params: known.params.clone(),
                is_fresh: now.duration_since(known.since) < FRESH_TIME,
            };
        }
        match self.read_at {
            Some(read_at) if now.duration_since(read_at) < UNLISTED_TIME => Lookup::Unlisted,
            _ => Lookup::Unknown,
        }
    }

    /// Remembers a page of the list that was read at `now`.
    pub(super) fn learn(&mut self, listing: &Listing, now: Instant) {
        for (name, params) in &listing.tools {
            if self.tools.len() < TOOLS_MAX || self.tools.contains_key(name) {
                let known = Known {
                    params: params.clone(),
                    since: now,
                };
                self.tools.insert(name.clone(), known);
            }
        }
    }

    /// Makes everything that is known `by` older.
    #[cfg(test)]
    pub(super) fn age(&mut self, by: Duration) {
        for known in self.tools.values_mut() {
            known.since -= by;
        }
    }

    /// Whether the whole list was read at `instant` or later.
    pub(super) fn was_read_since(&self, instant: Instant) -> bool {
        self.read_at.is_some_and(|read_at| read_at >= instant)
    }

    /// The whole list was read, or could not be, at `now`: a tool that is not known is not listed.
    pub(super) fn finish(&mut self, now: Instant) {
        self.read_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::{Catalogue, FRESH_TIME, Lookup, TOOLS_MAX, UNLISTED_TIME};
    use crate::engine::mcp::param_headers::ParamHeaders;
    use crate::engine::mcp::param_headers::listing::Listing;

    fn page(names: impl Iterator<Item = String>) -> Listing {
        Listing {
            tools: names
                .map(|name| (name.into(), ParamHeaders::default()))
                .collect(),
            ..Listing::default()
        }
    }

    #[test]
    fn what_is_learnt_is_known_until_the_tools_change() {
        let now = Instant::now();
        let mut catalogue = Catalogue::default();
        assert_eq!(catalogue.look_up("a", now), Lookup::Unknown);
        catalogue.learn(&page(["a".to_owned()].into_iter()), now);
        let listed = |is_fresh| Lookup::Listed {
            params: ParamHeaders::default(),
            is_fresh,
        };
        assert_eq!(catalogue.look_up("a", now), listed(true));
        assert_eq!(catalogue.look_up("a", now + FRESH_TIME), listed(false));
        assert_eq!(catalogue.look_up("b", now), Lookup::Unknown);
        catalogue.finish(now);
        assert_eq!(catalogue.look_up("b", now), Lookup::Unlisted);
        assert_eq!(catalogue.look_up("b", now + UNLISTED_TIME), Lookup::Unknown);
        catalogue.sync(0);
        assert_eq!(catalogue.look_up("a", now), listed(true));
        catalogue.sync(1);
        assert_eq!(catalogue.look_up("a", now), Lookup::Unknown);
    }

    #[test]
    fn the_tools_that_are_remembered_are_bounded() {
        let now = Instant::now();
        let mut catalogue = Catalogue::default();
        let names = (0..=TOOLS_MAX).map(|at| at.to_string());
        catalogue.learn(&page(names), now);
        assert_eq!(catalogue.tools.len(), TOOLS_MAX);
    }
}
