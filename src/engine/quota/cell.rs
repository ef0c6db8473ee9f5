//! One bucket: its parameters and its state.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::engine::limits::{
    BURST_DEFAULT, BURST_MAX, OAUTH_BURST, OAUTH_PER_SECOND, RATE_PER_SECOND_DEFAULT,
    RATE_PER_SECOND_MAX, RATE_PER_SECOND_MIN, SUSPECT_PROOFS_PER_SECOND,
};

const SECOND_NS: f64 = 1e9;

/// A rate and a burst, in the integers that charging needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    increment_ns: u64,
    burst: u32,
}

impl Quota {
    /// The default of `[rate_limit]`.
    pub const DEFAULT: Self = Self {
        increment_ns: (SECOND_NS / RATE_PER_SECOND_DEFAULT) as u64,
        burst: BURST_DEFAULT,
    };

    /// What addresses that failed too often may still try, all of one worker together.
    pub const SUSPECT_PROOFS: Self = Self {
        increment_ns: 1_000_000_000 / SUSPECT_PROOFS_PER_SECOND as u64,
        burst: SUSPECT_PROOFS_PER_SECOND,
    };

    /// What one address may ask of the endpoints of OAuth.
    pub const OAUTH: Self = Self {
        increment_ns: 1_000_000_000 / OAUTH_PER_SECOND as u64,
        burst: OAUTH_BURST,
    };

    /// `rate_per_second` requests a second, `burst` at once.
    ///
    /// The time of one request is rounded up to whole nanoseconds, so the rate is never exceeded and falls short by less
    /// than 0.1 %. Errors: a value outside the bounds of `limits`.
    pub fn new(rate_per_second: f64, burst: u32) -> Result<Self, QuotaError> {
        // NaN is in no range.
        if !(RATE_PER_SECOND_MIN..=RATE_PER_SECOND_MAX).contains(&rate_per_second) {
            return Err(QuotaError::Rate);
        }
        if !(1..=BURST_MAX).contains(&burst) {
            return Err(QuotaError::Burst);
        }
        Ok(Self {
            increment_ns: (SECOND_NS / rate_per_second).ceil() as u64,
            burst,
        })
    }

    /// Requests that may come at once.
    #[must_use]
    pub const fn burst(self) -> u32 {
        self.burst
    }

    /// Time that one request costs.
    #[must_use]
    pub const fn increment_ns(self) -> u64 {
        self.increment_ns
    }

    /// Time that a full bucket holds. At most 3.6e18 ns, so that sums of two fit in 64 bits.
    pub(super) const fn capacity_ns(self) -> u64 {
        self.increment_ns.saturating_mul(self.burst as u64)
    }

    /// Time that `n` requests cost.
    pub(super) const fn cost_ns(self, n: u32) -> u64 {
        self.increment_ns.saturating_mul(n as u64)
    }
}

/// Why a quota is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaError {
    /// The rate is outside its bounds, or no number.
    Rate,
    /// The burst is outside its bounds.
    Burst,
}

impl fmt::Display for QuotaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate => write!(
                f,
                "rate is out of bounds; accepted are 1 an hour to {RATE_PER_SECOND_MAX} a second"
            ),
            Self::Burst => write!(f, "burst is out of bounds; accepted are 1 to {BURST_MAX}"),
        }
    }
}

impl std::error::Error for QuotaError {}

/// The state of one bucket: the theoretical arrival time, in monotonic nanoseconds. Zero is a full bucket.
///
/// The cell knows no quota: it holds a debt in time, so a reload that changes the quota keeps what was used.
#[derive(Debug, Default)]
pub struct Cell(AtomicU64);

impl Cell {
    /// A full bucket.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// How far the bucket is in debt at `now_ns`.
    pub(super) fn debt_ns(&self, now_ns: u64) -> u64 {
        self.0.load(Ordering::Relaxed).saturating_sub(now_ns)
    }

    /// Takes `cost_ns` where the debt then stays within `capacity_ns`. Returns the new arrival time, else the debt found.
    ///
    /// Relaxed ordering is enough: the cell guards no other memory.
    pub(super) fn take(&self, cost_ns: u64, capacity_ns: u64, now_ns: u64) -> Result<u64, u64> {
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            let next = seen.max(now_ns).saturating_add(cost_ns);
            if next - now_ns > capacity_ns {
                return Err(seen.saturating_sub(now_ns));
            }
            match self
                .0
                .compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return Ok(next),
                Err(current) => seen = current,
            }
        }
    }

    /// Undoes a `take` that returned `taken`, unless somebody has charged since. Giving back under a later charge could
    /// credit time that has already passed, and so admit more than the quota; what cannot be undone exactly stays charged.
    pub(super) fn undo(&self, taken: u64, cost_ns: u64) {
        let _ =
            self.0
                .compare_exchange(taken, taken - cost_ns, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[path = "cell/tests.rs"]
mod tests;
