//! When a server whose children do not work may be started again. Pure: the caller brings clock and chance.

use std::collections::VecDeque;

/// Pause after the first failure.
const PAUSE_MS_MIN: u64 = 100;

/// Longest pause.
const PAUSE_MS_MAX: u64 = 5_000;

/// Starts within [`WINDOW_MS`] while they fail.
const FAILING_STARTS_MAX: usize = 10;

/// The minute that [`FAILING_STARTS_MAX`] is about.
const WINDOW_MS: u64 = 60_000;

/// What became of a server's latest starts.
#[derive(Debug, Default)]
pub(in crate::control::bridge) struct Backoff {
    /// Failures in a row; children that were started before the latest failure do not add to it.
    failures: u32,
    failed_at_ms: u64,
    paused_until_ms: u64,
    /// When the latest starts were made that followed a failure, oldest first.
    trials: VecDeque<u64>,
}

impl Backoff {
    /// Whether a child may be started now.
    pub(in crate::control::bridge) fn may_start(&mut self, now_ms: u64) -> bool {
        self.trials
            .retain(|trial| now_ms.saturating_sub(*trial) < WINDOW_MS);
        self.failures == 0
            || (now_ms >= self.paused_until_ms && self.trials.len() < FAILING_STARTS_MAX)
    }

    /// A child is being started. While starts fail, that uses up the pause: one trial at a time. `chance` is any number.
    pub(in crate::control::bridge) fn started(&mut self, now_ms: u64, chance: u64) {
        if self.failures > 0 {
            self.trials.push_back(now_ms);
            self.paused_until_ms = now_ms + self.pause_ms(chance);
        }
    }

    /// A child that was started at `started_ms` did not work.
    pub(in crate::control::bridge) fn failed(&mut self, started_ms: u64, now_ms: u64, chance: u64) {
        if self.failures == 0 || started_ms >= self.failed_at_ms {
            self.failures = self.failures.saturating_add(1);
            self.failed_at_ms = now_ms;
            self.paused_until_ms = now_ms + self.pause_ms(chance);
        }
    }

    /// A child works: failures are forgotten.
    pub(in crate::control::bridge) fn worked(&mut self) {
        *self = Self::default();
    }

    /// Doubles with each failure; the upper half is left to chance, so that replicas and servers do not start in step.
    fn pause_ms(&self, chance: u64) -> u64 {
        let doublings = self.failures.saturating_sub(1).min(16);
        let longest = (PAUSE_MS_MIN << doublings).min(PAUSE_MS_MAX);
        longest / 2 + chance % (longest / 2 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::{Backoff, FAILING_STARTS_MAX, PAUSE_MS_MAX, WINDOW_MS};

    /// Fails every start that is allowed from `from_ms` on; returns when starts were made.
    fn starts(backoff: &mut Backoff, from_ms: u64, until_ms: u64, chance: u64) -> Vec<u64> {
        let mut made = Vec::new();
        for now in from_ms..until_ms {
            if backoff.may_start(now) {
                made.push(now);
                backoff.started(now, chance);
                backoff.failed(now, now, chance);
            }
        }
        made
    }

    #[test]
    fn pauses_double_up_to_their_bound() {
        let longest = u64::from(u32::MAX);
        let pauses = |chance: u64| {
            let made = starts(&mut Backoff::default(), 0, 30_000, chance);
            made.windows(2)
                .map(|pair| pair[1] - pair[0])
                .collect::<Vec<_>>()
        };
        // With half the pause for certain, and none of the rest by chance.
        assert_eq!(pauses(0)[..7], [50, 100, 200, 400, 800, 1_600, 2_500]);
        for chance in [1, 7, longest] {
            assert!(
                pauses(chance).iter().all(|pause| *pause <= PAUSE_MS_MAX),
                "{chance}"
            );
        }
    }

    #[test]
    fn a_failing_server_is_started_ten_times_a_minute_at_most() {
        let made = starts(&mut Backoff::default(), 0, 4 * WINDOW_MS, 0);
        for window in made.windows(FAILING_STARTS_MAX + 2) {
            // The first start of all is no trial.
            assert!(
                window[FAILING_STARTS_MAX + 1] - window[1] >= WINDOW_MS,
                "{made:?}"
            );
        }
        assert!(made.len() > 3 * FAILING_STARTS_MAX, "{made:?}");
    }

    #[test]
    fn starts_that_were_under_way_together_fail_as_one() {
        let mut backoff = Backoff::default();
        for now in 0..64 {
            assert!(backoff.may_start(now));
            backoff.started(now, 0);
        }
        (0..64).for_each(|started| backoff.failed(started, 100, 0));
        assert!(!backoff.may_start(149) && backoff.may_start(150));
    }

    #[test]
    fn success_forgets_every_failure() {
        let mut backoff = Backoff::default();
        backoff.failed(0, 0, 0);
        assert!(!backoff.may_start(0));
        backoff.worked();
        backoff.started(0, 0);
        assert!(backoff.may_start(0));
    }
}
