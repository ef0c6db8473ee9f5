//! How soon a shared server that fell is started again.
//!
//! A child that never answered is held back where it is started. One that answers and falls at the next request would be
//! started by each request anew; so here the time that it stood counts.

use crate::control::bridge::child::Backoff;

/// How long a server stands that is no failure when it falls, in milliseconds.
const STABLE_MS: u64 = 60_000;

/// What became of one shared server's latest starts. Pure: the caller brings the clock.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    started_ms: u64,
    /// Whether its latest time was short. Once is forgiven: the next request starts it at once.
    has_fallen: bool,
    backoff: Backoff,
}

impl Restarts {
    /// Whether it may be started now.
    pub(super) fn may_start(&mut self, now_ms: u64) -> bool {
        self.backoff.may_start(now_ms)
    }

    /// It is started.
    pub(super) fn started(&mut self, now_ms: u64) {
        self.started_ms = now_ms;
        self.backoff.started(now_ms, chance());
    }

    /// It ended by itself.
    pub(super) fn fell(&mut self, now_ms: u64) {
        if now_ms.saturating_sub(self.started_ms) >= STABLE_MS {
            self.has_fallen = false;
            self.backoff.worked();
        }
        if std::mem::replace(&mut self.has_fallen, true) {
            self.backoff.failed(self.started_ms, now_ms, chance());
        }
    }
}

/// Any number. Without random bytes the pauses are merely even.
fn chance() -> u64 {
    getrandom::u64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Restarts, STABLE_MS};

    /// Starts made within a minute by somebody who asks every 10 ms, of a server that falls after `stands_ms`.
    fn starts(stands_ms: u64) -> usize {
        let (mut restarts, mut now_ms, mut starts) = (Restarts::default(), 0, 0);
        while now_ms < 60_000 {
            if restarts.may_start(now_ms) {
                starts += 1;
                restarts.started(now_ms);
                now_ms += stands_ms;
                restarts.fell(now_ms);
            }
            now_ms += 10;
        }
        starts
    }

    #[test]
    fn a_server_that_falls_again_and_again_is_started_about_ten_times_a_minute() {
        for stands_ms in [0, 5, 500] {
            let starts = starts(stands_ms);
            assert!((4..=12).contains(&starts), "{stands_ms} ms: {starts}");
        }
    }

    #[test]
    fn one_fall_is_forgiven_and_so_is_every_one_after_a_long_time() {
        let (mut restarts, mut now_ms) = (Restarts::default(), 0);
        for stands_ms in [1_000, STABLE_MS, STABLE_MS] {
            assert!(restarts.may_start(now_ms));
            restarts.started(now_ms);
            now_ms += stands_ms;
            restarts.fell(now_ms);
        }
        assert!(restarts.may_start(now_ms));
        restarts.started(now_ms);
        restarts.fell(now_ms);
        assert!(!restarts.may_start(now_ms));
    }
}
