#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

const MS_NS: u64 = 1_000_000;

fn quota(rate: f64, burst: u32) -> Quota {
    Quota::new(rate, burst).unwrap()
}

fn one(cell: &Cell, quota: Quota, n: u32, now_ns: u64) -> Result<Option<Standing>, Exceeded> {
    charge(std::iter::once(Charge { cell, quota, n }), now_ns)
}

#[test]
fn a_bucket_empties_refuses_and_refills() {
    let (cell, quota) = (Cell::new(), quota(10.0, 3));
    for remaining in [2, 1, 0] {
        let standing = one(&cell, quota, 1, 0).unwrap().unwrap();
        assert_eq!((standing.limit, standing.remaining), (3, remaining));
    }
    let exceeded = one(&cell, quota, 1, 0).unwrap_err();
    assert_eq!(
        (exceeded.retry_after_ns, exceeded.retry_after_secs()),
        (100 * MS_NS, 1)
    );
    assert_eq!(
        exceeded.standing,
        Standing {
            limit: 3,
            remaining: 0,
            reset_after_ns: 300 * MS_NS
        }
    );
    assert!(one(&cell, quota, 1, 100 * MS_NS - 1).is_err());
    assert!(one(&cell, quota, 1, 100 * MS_NS).is_ok());
    assert!(one(&cell, quota, 3, 10_000 * MS_NS).is_ok());
}

#[test]
fn a_refused_charge_takes_nothing() {
    let (cell, quota) = (Cell::new(), quota(10.0, 3));
    assert!(
        one(&cell, quota, 4, 0).is_err(),
        "more than a burst never fits"
    );
    assert!(one(&cell, quota, u32::MAX, 0).is_err());
    assert!(one(&cell, quota, 2, 0).is_ok());
    assert!(one(&cell, quota, 2, 0).is_err());
    assert!(one(&cell, quota, 1, 0).is_ok());
}

#[test]
fn what_can_never_fit_is_told_to_wait_for_a_full_bucket_and_at_least_a_second() {
    let (cell, quota) = (Cell::new(), quota(0.5, 3));
    one(&cell, quota, 2, 0).unwrap();
    assert_eq!(one(&cell, quota, 9, 0).unwrap_err().retry_after_secs(), 4);
    assert_eq!(
        one(&cell, quota, 9, 60_000 * MS_NS)
            .unwrap_err()
            .retry_after_secs(),
        1
    );
}

#[test]
fn several_buckets_are_charged_all_or_none_and_the_tightest_is_told() {
    let (own, tool) = (Cell::new(), Cell::new());
    let (wide, narrow) = (quota(10.0, 10), quota(1.0, 2));
    let both = || {
        [
            Charge {
                cell: &own,
                quota: wide,
                n: 1,
            },
            Charge {
                cell: &tool,
                quota: narrow,
                n: 1,
            },
        ]
        .into_iter()
    };
    for remaining in [1, 0] {
        assert_eq!(
            charge(both(), 0).unwrap().unwrap(),
            Standing {
                limit: 2,
                remaining,
                reset_after_ns: (2 - u64::from(remaining)) * 1_000 * MS_NS,
            }
        );
    }
    assert_eq!(charge(both(), 0).unwrap_err().standing.limit, 2);
    assert_eq!(
        own.debt_ns(0),
        200 * MS_NS,
        "the refused call cost the identity nothing"
    );
    let reversed = || both().collect::<Vec<_>>().into_iter().rev();
    assert!(charge(reversed(), 0).is_err());
    assert_eq!(own.debt_ns(0), 200 * MS_NS);
}

#[test]
fn no_buckets_is_no_limit() {
    assert_eq!(charge(std::iter::empty(), 0), Ok(None));
}

#[test]
fn more_buckets_than_slots_are_refused_and_undone() {
    let cells: Vec<Cell> = (0..=CELLS_MAX).map(|_| Cell::new()).collect();
    let charges = |count: usize| {
        cells[..count].iter().map(|cell| Charge {
            cell,
            quota: quota(1.0, 5),
            n: 1,
        })
    };
    assert!(charge(charges(CELLS_MAX + 1), 0).is_err());
    assert!(cells.iter().all(|cell| cell.debt_ns(0) == 0));
    assert!(charge(charges(CELLS_MAX), 0).is_ok());
}

#[test]
fn a_changed_quota_keeps_the_debt() {
    let cell = Cell::new();
    let (before, after) = (quota(10.0, 10), quota(10.0, 12));
    one(&cell, before, 10, 0).unwrap();
    assert_eq!(one(&cell, after, 2, 0).unwrap().unwrap().remaining, 0);
    assert!(
        one(&cell, after, 1, 0).is_err(),
        "two more, not a fresh burst"
    );
    assert!(one(&cell, quota(10.0, 5), 1, 0).is_err());
}

#[test]
fn threads_that_share_two_buckets_never_exceed_either() {
    use std::sync::atomic::{AtomicU64, Ordering};
    let (own, tool, admitted) = (Cell::new(), Cell::new(), AtomicU64::new(0));
    let (wide, narrow) = (quota(1.0, 5_000), quota(1.0, 300));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let both = [
                        Charge {
                            cell: &own,
                            quota: wide,
                            n: 1,
                        },
                        Charge {
                            cell: &tool,
                            quota: narrow,
                            n: 1,
                        },
                    ];
                    admitted.fetch_add(
                        u64::from(charge(both.into_iter(), 5).is_ok()),
                        Ordering::Relaxed,
                    );
                }
            });
        }
    });
    let admitted = admitted.into_inner();
    assert!((295..=300).contains(&admitted), "{admitted}");
    assert!(
        own.debt_ns(5) / wide.increment_ns() >= admitted,
        "no call went uncounted"
    );
}
