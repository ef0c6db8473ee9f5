//! What time it is.

use crate::sys::clock::{Source, now_ns};

/// The clocks of the data plane. Reading one is a vDSO call, not a system call.
///
/// A time cached once per turn of the event loop was rejected: it is stale after a long turn, and the coarse clock is
/// the same idea kept by the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Clock;

impl Clock {
    /// Nanoseconds since some fixed point; never goes back.
    #[inline]
    #[must_use]
    pub fn monotonic_ns() -> u64 {
        now_ns(Source::Monotonic)
    }

    /// Milliseconds on the scale of [`Clock::monotonic_ns`], up to 4 ms old.
    #[inline]
    #[must_use]
    pub fn coarse_ms() -> u64 {
        now_ns(Source::MonotonicCoarse) / 1_000_000
    }

    /// Microseconds since 1970-01-01 UTC. May be set back by an operator or by NTP.
    #[inline]
    #[must_use]
    pub fn unix_micros() -> u64 {
        now_ns(Source::Real) / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coarse_clock_follows_the_monotonic_one() {
        let coarse_ms = Clock::coarse_ms();
        let fine_ms = Clock::monotonic_ns() / 1_000_000;
        assert!(coarse_ms <= fine_ms);
        assert!(fine_ms - coarse_ms < 1_000, "{coarse_ms} against {fine_ms}");
    }

    #[test]
    fn unix_time_is_in_microseconds() {
        let year_2020 = 1_577_836_800_000_000;
        let year_2200 = 7_258_118_400_000_000;
        assert!((year_2020..year_2200).contains(&Clock::unix_micros()));
    }
}
