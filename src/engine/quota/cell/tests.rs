#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

#[test]
fn a_quota_outside_its_bounds_is_refused() {
    for rate in [
        0.0,
        -1.0,
        f64::NAN,
        f64::INFINITY,
        RATE_PER_SECOND_MAX * 1.01,
        RATE_PER_SECOND_MIN * 0.99,
    ] {
        assert_eq!(Quota::new(rate, 1), Err(QuotaError::Rate), "{rate}");
    }
    for burst in [0, BURST_MAX + 1] {
        assert_eq!(Quota::new(1.0, burst), Err(QuotaError::Burst), "{burst}");
    }
    for (rate, burst) in [
        (RATE_PER_SECOND_MIN, BURST_MAX),
        (RATE_PER_SECOND_MAX, 1),
        (25.0, 10),
    ] {
        assert!(Quota::new(rate, burst).is_ok());
    }
    assert_eq!(Quota::new(25.0, 10), Ok(Quota::DEFAULT));
}

#[test]
fn the_slowest_and_largest_bucket_does_not_overflow() {
    let quota = Quota::new(RATE_PER_SECOND_MIN, BURST_MAX).unwrap();
    let cell = Cell::new();
    let now_ns = 1 << 62;
    assert!(
        cell.take(quota.cost_ns(BURST_MAX), quota.capacity_ns(), now_ns)
            .is_ok()
    );
    assert!(
        cell.take(quota.cost_ns(1), quota.capacity_ns(), now_ns)
            .is_err()
    );
    assert!(cell.take(u64::MAX, quota.capacity_ns(), now_ns).is_err());
}

/// What threads that demand together are admitted while a clock that they share runs from `from_ns` for `span_ns`. Each
/// demand moves the clock, so the outcome does not depend on how fast the machine is.
fn contend(threads: u64, quota: Quota, from_ns: u64, span_ns: u64) -> u64 {
    const STEP_NS: u64 = 2_000;
    let (cell, admitted, clock_ns) = (Cell::new(), AtomicU64::new(0), AtomicU64::new(from_ns));
    let barrier = Barrier::new(threads as usize);
    let demand = || {
        barrier.wait();
        loop {
            let now_ns = clock_ns.fetch_add(STEP_NS, Ordering::Relaxed);
            if now_ns > from_ns + span_ns {
                break;
            }
            let taken = cell
                .take(quota.cost_ns(1), quota.capacity_ns(), now_ns)
                .is_ok();
            admitted.fetch_add(u64::from(taken), Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(demand);
        }
    });
    admitted.into_inner()
}

#[test]
fn eight_threads_admit_burst_plus_rate_times_time_and_hardly_less() {
    const SECOND_NS: u64 = 1_000_000_000;
    for (rate, burst) in [(20_000.0, 100), (25.0, 10), (99_999.0, 1_000)] {
        let quota = Quota::new(rate, burst).unwrap();
        let most = u64::from(burst) + (SECOND_NS / quota.increment_ns());
        let admitted = contend(8, quota, 5 * SECOND_NS, SECOND_NS);
        assert!(admitted <= most, "{admitted} > {most}");
        let demanded = f64::from(burst) + rate;
        assert!(
            admitted as f64 >= 0.95 * demanded,
            "{admitted} < 95 % of {demanded}"
        );
    }
}

#[test]
fn at_one_instant_eight_threads_share_exactly_one_burst() {
    let quota = Quota::new(10.0, 1_000).unwrap();
    let (cell, admitted, barrier) = (Cell::new(), AtomicU64::new(0), Barrier::new(8));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                for _ in 0..1_000 {
                    let taken = cell.take(quota.cost_ns(1), quota.capacity_ns(), 77).is_ok();
                    admitted.fetch_add(u64::from(taken), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(admitted.into_inner(), 1_000);
}

#[test]
fn over_random_times_no_window_holds_more_than_the_quota() {
    let quota = Quota::new(1_000.0, 7).unwrap();
    let (cell, mut now_ns, mut seed, mut times) = (Cell::new(), 0_u64, 42_u64, Vec::new());
    for _ in 0..20_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        now_ns += (seed >> 33) % 900_000;
        if cell
            .take(quota.cost_ns(1), quota.capacity_ns(), now_ns)
            .is_ok()
        {
            times.push(now_ns);
        }
    }
    for (first, &from) in times.iter().enumerate().step_by(17) {
        for (more, &until) in times[first..].iter().enumerate().take(200) {
            let most = 7 + (until - from) / quota.increment_ns();
            assert!((more as u64) < most, "{} in {} ns", more + 1, until - from);
        }
    }
}

#[test]
fn an_undone_charge_leaves_no_trace_unless_somebody_built_on_it() {
    let cell = Cell::new();
    let taken = cell.take(10, 100, 1_000).unwrap();
    cell.undo(taken, 10);
    assert_eq!(cell.debt_ns(1_000), 0);
    let taken = cell.take(10, 100, 1_000).unwrap();
    cell.take(10, 100, 1_005).unwrap();
    cell.undo(taken, 10);
    assert_eq!(
        cell.debt_ns(1_005),
        15,
        "giving back now could credit time that has passed"
    );
}
