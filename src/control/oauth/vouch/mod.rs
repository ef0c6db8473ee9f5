//! Opaque tokens: the provider is asked what they are worth, once for all who wait, and its answer is remembered for a while.
//!
//! A token is known by its digest here; the token itself lives as long as the question. What it never does: remember a good answer
//! beyond the token's own end, or under another configuration than that under which it was given; ask on for ever while the
//! provider is down.
//!
//! Read [`Vouching`] first.

mod desk;
mod pause;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::provider::Provider;
use crate::engine::identity::opaque::Verdict;
use crate::mailbox::{Ask, VouchRequest};
use crate::metrics::OAuthCells;
use desk::{Desk, Finished};

/// Answers what workers ask about opaque tokens, under the provider in force.
#[derive(Debug)]
pub(super) struct Vouching {
    provider: ArcSwapOption<Provider>,
    cells: Arc<OAuthCells>,
}

impl Vouching {
    /// One that can ask nobody yet.
    pub(super) fn new(cells: Arc<OAuthCells>) -> Self {
        Self {
            provider: ArcSwapOption::empty(),
            cells,
        }
    }

    /// Puts `provider` in force, or nobody. Everything that was remembered is forgotten: who may come in may have changed.
    pub(super) fn set_provider(&self, provider: Option<Provider>) {
        self.provider.store(provider.map(Arc::new));
    }

    /// Answers `asks` until no more can come.
    pub(super) async fn serve(&self, mut asks: mpsc::Receiver<Ask<VouchRequest, Verdict>>) {
        let mut desk = Desk::new(Arc::clone(&self.cells));
        let mut asked: JoinSet<Finished> = JoinSet::new();
        loop {
            tokio::select! {
                ask = asks.recv() => match ask {
                    Some(ask) => {
                        desk.turn_to(self.provider.load_full());
                        desk.take(ask);
                    }
                    None => return,
                },
                Some(finished) = asked.join_next(), if !asked.is_empty() => {
                    desk.turn_to(self.provider.load_full());
                    // A task that panicked says nothing of its token: whoever waits is told so when the desk finds out.
                    match finished {
                        Ok(finished) => desk.finish(finished),
                        Err(_) => desk.give_up(),
                    }
                }
            }
            while let Some(question) = desk.next() {
                asked.spawn(question.ask());
            }
        }
    }
}
