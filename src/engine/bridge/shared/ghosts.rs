//! Requests whose clients are gone and which the server may still be working on.
//!
//! What names its request is known by that. A log message names none: while a cancelled request may still log, a message
//! may be about it, and is nobody else's business.

use rustc_hash::FxHashMap;

use crate::engine::session::Owner;

/// Cancelled requests that are remembered one by one. Beyond it all are suspected of everything for a while.
const GHOSTS_MAX: usize = 1_024;

/// How long a server may go on with a cancelled request that it never answers, in seconds.
pub(super) const GHOST_SECS: u64 = 600;

/// Cancelled requests that asked for log messages.
#[derive(Debug, Default)]
pub(super) struct Ghosts {
    /// Whose, and until when each is remembered (Unix time, seconds), by number.
    known: FxHashMap<u64, (Owner, u64)>,
    /// Until when there are more than could be remembered.
    crowded_until_secs: u64,
}

impl Ghosts {
    /// The request `number` of `owner` was cancelled.
    pub(super) fn add(&mut self, number: u64, owner: Owner, now_secs: u64) {
        self.known.retain(|_, (_, until)| *until > now_secs);
        let until_secs = now_secs.saturating_add(GHOST_SECS);
        if self.known.len() < GHOSTS_MAX {
            self.known.insert(number, (owner, until_secs));
        } else {
            self.crowded_until_secs = until_secs;
        }
    }

    /// The request `number` was answered after all.
    pub(super) fn lay(&mut self, number: u64) {
        self.known.remove(&number);
    }

    /// Whether anybody's but `owner`'s may be at work.
    pub(super) fn are_of_others(&self, owner: Owner, now_secs: u64) -> bool {
        let is_foreign = |(whose, until): &(Owner, u64)| *whose != owner && *until > now_secs;
        self.crowded_until_secs > now_secs || self.known.values().any(is_foreign)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{GHOST_SECS, GHOSTS_MAX, Ghosts};
    use crate::engine::session::Owner;

    #[test]
    fn ghosts_haunt_others_until_they_are_laid_or_forgotten() {
        let owner = |digit: &str| Owner::from_hex(digit.repeat(32).as_bytes()).unwrap();
        let mut ghosts = Ghosts::default();
        ghosts.add(1, owner("a"), 100);
        assert!(ghosts.are_of_others(owner("b"), 100));
        assert!(!ghosts.are_of_others(owner("a"), 100));
        assert!(!ghosts.are_of_others(owner("b"), 100 + GHOST_SECS));
        ghosts.lay(1);
        assert!(!ghosts.are_of_others(owner("b"), 100));
        for number in 0..=GHOSTS_MAX as u64 {
            ghosts.add(number, owner("a"), 100);
        }
        assert_eq!(ghosts.known.len(), GHOSTS_MAX);
        assert!(ghosts.are_of_others(owner("a"), 100), "too many to tell");
    }
}
