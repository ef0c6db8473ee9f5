//! Charging several buckets at once, all or nothing.

use super::{Cell, Quota};
use crate::engine::limits::TOOL_LIMITS_MAX;

/// Buckets that one call may touch: the identity's own and one for each tool limit.
const CELLS_MAX: usize = TOOL_LIMITS_MAX + 1;

const SECOND_NS: u64 = 1_000_000_000;

/// What is left in the tightest bucket that a call was charged to, for the rate limit headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Size of the bucket, in requests.
    pub limit: u32,
    /// Requests that may follow at once.
    pub remaining: u32,
    /// Time until the bucket is full.
    pub reset_after_ns: u64,
}

impl Standing {
    /// Time until the bucket is full, in whole seconds, rounded up.
    #[must_use]
    pub const fn reset_after_secs(&self) -> u64 {
        self.reset_after_ns.div_ceil(SECOND_NS)
    }

    fn of(quota: Quota, debt_ns: u64) -> Self {
        let free_ns = quota.capacity_ns().saturating_sub(debt_ns);
        let remaining = u32::try_from(free_ns / quota.increment_ns()).unwrap_or(u32::MAX);
        Self {
            limit: quota.burst(),
            remaining,
            reset_after_ns: debt_ns,
        }
    }

    fn tightest_of(self, other: Option<Self>) -> Self {
        let looseness = |standing: &Self| {
            (
                standing.remaining,
                std::cmp::Reverse(standing.reset_after_ns),
            )
        };
        other
            .filter(|other| looseness(other) <= looseness(&self))
            .unwrap_or(self)
    }
}

/// A refusal: nothing was charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// The bucket that refused.
    pub standing: Standing,
    /// Time until the same call would be admitted if nothing else came. For a call that can never be admitted, because it
    /// asks for more than the burst, the time until the bucket is full.
    pub retry_after_ns: u64,
}

impl Exceeded {
    /// `Retry-After` in whole seconds, rounded up, at least 1.
    #[must_use]
    pub fn retry_after_secs(&self) -> u32 {
        let secs = self.retry_after_ns.div_ceil(SECOND_NS).max(1);
        u32::try_from(secs).unwrap_or(u32::MAX)
    }
}

/// One bucket and what a call takes from it.
#[derive(Clone, Copy, Debug)]
pub struct Charge<'a> {
    /// The bucket.
    pub cell: &'a Cell,
    /// Its parameters.
    pub quota: Quota,
    /// Requests to take: the members of a batch that the bucket concerns, else 1.
    pub n: u32,
}

impl Charge<'_> {
    fn take(&self, now_ns: u64) -> Result<u64, u64> {
        self.cell
            .take(self.quota.cost_ns(self.n), self.quota.capacity_ns(), now_ns)
    }

    fn undo(&self, taken: u64) {
        self.cell.undo(taken, self.quota.cost_ns(self.n));
    }

    fn refuse_over(&self, debt_ns: u64) -> Result<(), Exceeded> {
        let needed_ns = debt_ns.saturating_add(self.quota.cost_ns(self.n));
        if needed_ns > self.quota.capacity_ns() {
            Err(self.exceeded(debt_ns))
        } else {
            Ok(())
        }
    }

    fn exceeded(&self, debt_ns: u64) -> Exceeded {
        let needed_ns = debt_ns.saturating_add(self.quota.cost_ns(self.n));
        let over_ns = needed_ns.saturating_sub(self.quota.capacity_ns());
        Exceeded {
            standing: Standing::of(self.quota, debt_ns),
            retry_after_ns: over_ns.min(debt_ns),
        }
    }
}

/// Takes every one of `charges` at `now_ns` (monotonic), or none. At most one a bucket.
///
/// `now_ns` must not lag behind real time by more than the imprecision that is acceptable in the quota. Returns the tightest
/// bucket, or `None` without charges. Errors: the first bucket that refuses; more than a burst is always refused.
/// Cost: two passes, one compare-and-swap a bucket; allocates nothing.
pub fn charge<'a>(
    charges: impl Iterator<Item = Charge<'a>> + Clone,
    now_ns: u64,
) -> Result<Option<Standing>, Exceeded> {
    // Looking first means that an exhausted tool bucket costs the identity's own bucket nothing, except in a race.
    for charge in charges.clone() {
        charge.refuse_over(charge.cell.debt_ns(now_ns))?;
    }
    let mut taken = [0_u64; CELLS_MAX];
    let mut tightest = None;
    for (index, charge) in charges.clone().enumerate() {
        // The plan holds no more limits than there are slots; one beyond them is refused rather than forgotten.
        let slot = taken.get_mut(index).ok_or(0);
        match slot.and_then(|slot| {
            charge
                .take(now_ns)
                .inspect(|&arrival_ns| *slot = arrival_ns)
        }) {
            Ok(arrival_ns) => {
                tightest =
                    Some(Standing::of(charge.quota, arrival_ns - now_ns).tightest_of(tightest))
            }
            Err(debt_ns) => {
                charges
                    .zip(taken)
                    .take(index)
                    .for_each(|(earlier, taken)| earlier.undo(taken));
                return Err(charge.exceeded(debt_ns));
            }
        }
    }
    Ok(tightest)
}

#[cfg(test)]
#[path = "charge/tests.rs"]
mod tests;
