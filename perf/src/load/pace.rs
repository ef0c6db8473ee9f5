//! When the requests of an open loop are due.

use std::time::{Duration, Instant};

/// A fixed schedule: request `n` is due `n` intervals after the start.
pub(crate) struct Schedule {
    start: Instant,
    interval_ns: f64,
    taken: u64,
}

impl Schedule {
    /// `per_second` requests a second from `start`.
    pub(crate) fn new(start: Instant, per_second: f64) -> Self {
        Self {
            start,
            interval_ns: 1e9 / per_second,
            taken: 0,
        }
    }

    /// When the next request is due.
    pub(crate) fn next_due(&self) -> Instant {
        self.start + Duration::from_nanos((self.taken as f64 * self.interval_ns) as u64)
    }

    /// Takes the next request's time if it is due by `now`.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Instant> {
        let due = self.next_due();
        let is_due = due <= now;
        self.taken += u64::from(is_due);
        is_due.then_some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_look_finds_every_request_at_its_own_time() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 1000.0);
        let now = start + Duration::from_micros(2500);
        let due: Vec<_> = std::iter::from_fn(|| schedule.take_due(now))
            .map(|due| due - start)
            .collect();
        assert_eq!(due, [0, 1, 2].map(Duration::from_millis));
        assert_eq!(schedule.next_due(), start + Duration::from_millis(3));
    }
}
