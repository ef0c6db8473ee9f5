//! Leaves a provider alone for a moment that does not answer.

use std::time::{Duration, Instant};

use crate::engine::limits::{VOUCH_FAILURES_MAX, VOUCH_PAUSE_MS};

/// Counts failures in a row. One bad answer is no outage: a single token could be its cause.
#[derive(Debug, Default)]
pub(super) struct Pause {
    failures: u32,
    until: Option<Instant>,
}

/// What a result changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing.
    Same,
    /// The provider does not answer any more.
    Down,
    /// It answers again.
    Up,
}

impl Pause {
    /// Whether nothing is to be asked at `now`.
    pub(super) fn holds(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// Counts one question that the provider answered, or did not.
    pub(super) fn count(&mut self, was_answered: bool, now: Instant) -> Turn {
        let was_down = self.failures >= VOUCH_FAILURES_MAX;
        if was_answered {
            *self = Self::default();
            return if was_down { Turn::Up } else { Turn::Same };
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures < VOUCH_FAILURES_MAX {
            return Turn::Same;
        }
        self.until = Some(now + Duration::from_millis(VOUCH_PAUSE_MS));
        if was_down { Turn::Same } else { Turn::Down }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Pause, Turn};

    #[test]
    fn three_failures_in_a_row_are_an_outage_and_one_answer_ends_it() {
        let (mut pause, now) = (Pause::default(), Instant::now());
        for (was_answered, turn, holds) in [
            (false, Turn::Same, false),
            (false, Turn::Same, false),
            (true, Turn::Same, false),
            (false, Turn::Same, false),
            (false, Turn::Same, false),
            (false, Turn::Down, true),
            (false, Turn::Same, true),
            (true, Turn::Up, false),
            (true, Turn::Same, false),
        ] {
            assert_eq!(pause.count(was_answered, now), turn);
            assert_eq!(pause.holds(now), holds);
        }
        (0..3).for_each(|_| {
            let _ = pause.count(false, now);
        });
        assert!(pause.holds(now + Duration::from_millis(1_999)));
        assert!(!pause.holds(now + Duration::from_millis(2_000)));
    }
}
