#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::engine::identity::{
    ApiKey, ApiKeys, Authenticator, AuthenticatorParts, KeyHash, Proving,
};
use crate::engine::policy::ToolPattern;
use crate::engine::quota::{Quota, ToolLimit};

const SECOND_NS: u64 = 1_000_000_000;

fn quota(rate: f64, burst: u32) -> Quota {
    Quota::new(rate, burst).unwrap()
}

fn principal(id: &str, quota: Option<Quota>) -> Principal {
    let secret = format!("mcp_{id}");
    let key = ApiKey {
        id: id.to_owned(),
        key_hash: KeyHash::of(secret.as_bytes()),
        grants: Arc::default(),
        quota,
        expires_at_secs: None,
    };
    let keys = ApiKeys::compile(vec![key]).unwrap();
    let header = format!("Bearer {secret}");
    Authenticator::new(AuthenticatorParts {
        keys,
        ..AuthenticatorParts::default()
    })
    .authenticate(Some(header.as_bytes()), &Proving::bare(0))
    .unwrap()
}

fn plan(default: Quota, limits: &[(&str, Quota)]) -> QuotaPlan {
    let limit = |&(pattern, quota): &(&str, Quota)| ToolLimit {
        pattern: ToolPattern::parse(pattern).unwrap(),
        quota,
    };
    QuotaPlan::new(default, limits.iter().map(limit).collect())
}

/// How many of `tries` calls of `tool` are admitted at `now_ns`.
fn admitted(
    cache: &mut HandleCache,
    table: &QuotaTable,
    plan: &QuotaPlan,
    caller: &Principal,
    tool: Option<&str>,
    tries: usize,
    now_ns: u64,
) -> usize {
    let mut once = || {
        matches!(
            cache.charge(table, plan, caller, "srv", &[tool], now_ns),
            Ok(Ok(_))
        )
    };
    (0..tries).filter(|_| once()).count()
}

#[test]
fn workers_share_the_bucket_of_an_identity_and_identities_do_not() {
    let (table, plan) = (QuotaTable::new(), plan(quota(1.0, 10), &[]));
    let (mut first, mut second) = (HandleCache::new(), HandleCache::new());
    let (a, b) = (principal("a", None), principal("b", None));
    assert_eq!(admitted(&mut first, &table, &plan, &a, None, 6, 0), 6);
    assert_eq!(admitted(&mut second, &table, &plan, &a, None, 6, 0), 4);
    assert_eq!(admitted(&mut second, &table, &plan, &b, None, 12, 0), 10);
    assert_eq!(table.identities(), 2);
}

#[test]
fn an_identity_with_its_own_quota_does_not_get_the_default() {
    let (table, plan, mut cache) = (
        QuotaTable::new(),
        plan(quota(1.0, 10), &[]),
        HandleCache::new(),
    );
    assert_eq!(
        admitted(
            &mut cache,
            &table,
            &plan,
            &principal("a", Some(quota(1.0, 3))),
            None,
            12,
            0
        ),
        3
    );
}

#[test]
fn a_tool_limit_holds_beside_the_identitys_own() {
    let (table, mut cache) = (QuotaTable::new(), HandleCache::new());
    let plan = plan(
        quota(1.0, 10),
        &[("delete_*", quota(1.0, 2)), ("other::*", quota(1.0, 1))],
    );
    let caller = principal("a", None);
    assert_eq!(
        admitted(&mut cache, &table, &plan, &caller, Some("delete_x"), 5, 0),
        2
    );
    assert_eq!(
        admitted(&mut cache, &table, &plan, &caller, Some("read_x"), 20, 0),
        8,
        "refused calls cost nothing"
    );
    assert_eq!(
        admitted(
            &mut cache,
            &table,
            &plan,
            &caller,
            Some("delete_y"),
            1,
            SECOND_NS
        ),
        1
    );
}

#[test]
fn a_batch_is_charged_for_each_member_or_not_at_all() {
    let (table, mut cache) = (QuotaTable::new(), HandleCache::new());
    let plan = plan(quota(1.0, 4), &[("x", quota(1.0, 2))]);
    let caller = principal("a", None);
    let mut batch = |calls: &[Option<&str>]| {
        cache
            .charge(&table, &plan, &caller, "srv", calls, 0)
            .unwrap()
    };
    assert!(batch(&[Some("x"), Some("x"), Some("x")]).is_err());
    assert!(batch(&[None; 5]).is_err());
    assert_eq!(
        batch(&[Some("x"), Some("x"), None])
            .unwrap()
            .unwrap()
            .remaining,
        0
    );
    assert!(batch(&[Some("x")]).is_err());
    assert_eq!(batch(&[None]).unwrap().unwrap().limit, 4);
    assert!(batch(&[None]).is_err());
}

#[test]
fn a_switched_off_plan_charges_nothing() {
    let (table, mut cache) = (QuotaTable::new(), HandleCache::new());
    let mut plan = plan(quota(1.0, 1), &[]);
    plan.enabled = false;
    assert_eq!(
        admitted(
            &mut cache,
            &table,
            &plan,
            &principal("a", None),
            None,
            100,
            0
        ),
        100
    );
    assert_eq!(table.identities(), 0);
}

#[test]
fn a_reload_brings_no_fresh_burst() {
    let (table, mut cache, caller) = (QuotaTable::new(), HandleCache::new(), principal("a", None));
    let x = ("x", quota(0.1, 2));
    let (with, without) = (plan(quota(1.0, 9), &[x]), plan(quota(1.0, 9), &[]));
    let (more, reordered) = (
        plan(quota(1.0, 12), &[x]),
        plan(quota(1.0, 9), &[("y", quota(1.0, 1)), x]),
    );
    assert_eq!(
        admitted(&mut cache, &table, &with, &caller, Some("x"), 3, 0),
        2
    );
    assert_eq!(
        admitted(&mut cache, &table, &reordered, &caller, Some("x"), 3, 0),
        0
    );
    assert_eq!(
        admitted(&mut cache, &table, &without, &caller, Some("x"), 9, 0),
        7
    );
    assert_eq!(admitted(&mut cache, &table, &more, &caller, None, 9, 0), 3);
    assert_eq!(
        admitted(
            &mut cache,
            &table,
            &with,
            &caller,
            Some("x"),
            1,
            5 * SECOND_NS
        ),
        0,
        "a pattern that comes back"
    );
    assert_eq!(
        admitted(
            &mut cache,
            &table,
            &with,
            &caller,
            Some("x"),
            3,
            20 * SECOND_NS
        ),
        2
    );
}

#[test]
fn a_full_table_evicts_refilled_buckets_and_else_refuses_the_newcomer() {
    let (table, mut plan) = (QuotaTable::new(), plan(quota(1.0, 2), &[]));
    plan.identities_max = 3;
    let mut cache = HandleCache::new();
    for id in ["a", "b", "c"] {
        assert_eq!(
            admitted(&mut cache, &table, &plan, &principal(id, None), None, 1, 0),
            1
        );
    }
    let newcomer = principal("d", None);
    assert_eq!(
        cache.charge(&table, &plan, &newcomer, "srv", &[None], 0),
        Err(TableFull),
        "all in debt"
    );
    let held = cache.charge(&table, &plan, &newcomer, "srv", &[None], 9 * SECOND_NS);
    assert_eq!(
        held,
        Err(TableFull),
        "refilled, but a worker still holds them"
    );
    cache.sweep(100 * SECOND_NS);
    assert_eq!(
        admitted(
            &mut cache,
            &table,
            &plan,
            &newcomer,
            None,
            5,
            100 * SECOND_NS
        ),
        2
    );
    assert_eq!((table.identities(), table.refused()), (3, 2));
}

#[test]
fn an_eviction_never_gives_an_identity_in_debt_a_second_bucket() {
    let (table, mut plan) = (QuotaTable::new(), plan(quota(1.0, 5), &[]));
    plan.identities_max = 8;
    let victim = principal("victim", None);
    let mut cache = HandleCache::new();
    assert_eq!(admitted(&mut cache, &table, &plan, &victim, None, 9, 0), 5);
    for n in 0..1_000 {
        let _ = HandleCache::new().charge(
            &table,
            &plan,
            &principal(&format!("n{n}"), None),
            "srv",
            &[None],
            0,
        );
    }
    assert_eq!(
        admitted(&mut HandleCache::new(), &table, &plan, &victim, None, 9, 0),
        0
    );
    assert!(table.identities() <= 8);
}

#[test]
fn unused_identities_are_forgotten_after_their_time() {
    let (table, mut plan) = (QuotaTable::new(), plan(quota(1.0, 5), &[]));
    plan.identity_ttl_ms = 10_000;
    let mut cache = HandleCache::new();
    admitted(
        &mut cache,
        &table,
        &plan,
        &principal("a", None),
        None,
        2,
        100 * SECOND_NS,
    );
    drop(cache);
    assert_eq!(
        table.sweep(&plan, 111 * SECOND_NS),
        0,
        "full since 102 s, kept for ten"
    );
    assert_eq!(table.sweep(&plan, 112 * SECOND_NS), 1);
    assert_eq!(table.identities(), 0);
}

#[test]
fn a_worker_keeps_a_bounded_number_of_handles_and_loses_no_count() {
    let (table, plan) = (QuotaTable::new(), plan(quota(1.0, 2), &[]));
    let mut cache = HandleCache::new();
    let first = principal("first", None);
    assert_eq!(admitted(&mut cache, &table, &plan, &first, None, 1, 0), 1);
    for n in 0..QUOTA_HANDLES_PER_WORKER_MAX + 50 {
        admitted(
            &mut cache,
            &table,
            &plan,
            &principal(&format!("n{n}"), None),
            None,
            1,
            0,
        );
    }
    assert_eq!(cache.len(), QUOTA_HANDLES_PER_WORKER_MAX);
    assert_eq!(admitted(&mut cache, &table, &plan, &first, None, 5, 0), 1);
}

#[test]
fn eight_workers_admit_one_burst_while_identities_come_and_go() {
    use std::sync::atomic::AtomicUsize;
    let (table, mut plan) = (QuotaTable::new(), plan(quota(0.001, 50), &[]));
    plan.identities_max = 64;
    let (shared, total) = (principal("shared", None), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let (table, plan, shared, total) = (&table, &plan, &shared, &total);
            scope.spawn(move || {
                for n in 0..100 {
                    let mut cache = HandleCache::new();
                    let other = principal(&format!("w{worker}-{n}"), None);
                    let _ = cache.charge(table, plan, &other, "srv", &[None], 1);
                    total.fetch_add(
                        admitted(&mut cache, table, plan, shared, None, 1, 1),
                        Ordering::Relaxed,
                    );
                }
            });
        }
    });
    // The newcomers' buckets stay in debt, so the table is full long before the end; the shared one is in it or refused.
    assert!(total.into_inner() <= 50);
}
