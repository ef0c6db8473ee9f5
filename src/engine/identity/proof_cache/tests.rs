#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use super::*;
use crate::engine::identity::principal::Proven;
use crate::engine::identity::ties::Ties;

fn principal(id: &str, expires_at_secs: Option<u64>) -> Principal {
    Principal::new(Proven {
        provider: Provider::Jwt,
        realm: Some("issuer"),
        id,
        grants: Arc::default(),
        quota: None,
        ties: Ties::until(expires_at_secs),
        granted: None,
    })
}

fn digest(number: usize) -> ProofDigest {
    ProofCache::digest(Provider::Jwt, &number.to_le_bytes())
}

fn keep(cache: &ProofCache, number: usize) {
    cache.keep(digest(number), &principal("ann", None), None);
}

fn has(cache: &ProofCache, number: usize) -> bool {
    cache.find(&digest(number), 0).is_some()
}

#[test]
fn a_proof_is_found_within_its_time() {
    let cache = ProofCache::new(4);
    cache.keep(digest(1), &principal("ann", Some(200)), Some(100));
    for (now_secs, found) in [
        (99, false),
        (100, true),
        (199, true),
        (200, false),
        (150, true),
    ] {
        let hit = cache.find(&digest(1), now_secs);
        assert_eq!(hit.is_some(), found, "{now_secs}");
        assert!(hit.is_none_or(|ann| ann.id() == "ann"));
    }
    assert!(!has(&cache, 2));
}

#[test]
fn one_credential_never_answers_for_another_kind() {
    let all = Provider::ALL.map(|provider| ProofCache::digest(provider, b"x"));
    for (index, digest) in all.iter().enumerate() {
        assert!(!all[..index].contains(digest));
    }
}

#[test]
fn another_configuration_or_other_keys_empty_it() {
    let cache = ProofCache::new(4);
    let mut version = ProofVersion::default();
    keep(&cache, 1);
    cache.align(version);
    assert!(has(&cache, 1));
    version.keys += 1;
    cache.align(version);
    assert!(!has(&cache, 1));
    keep(&cache, 1);
    version.revision += 1;
    cache.align(version);
    assert!(!has(&cache, 1));
    keep(&cache, 2);
    assert!(has(&cache, 2));
}

#[test]
fn it_never_holds_more_than_its_bound() {
    let cache = ProofCache::new(8);
    for number in 0..100 {
        keep(&cache, number);
        keep(&cache, number);
        let held = (0..=number).filter(|number| has(&cache, *number)).count();
        assert_eq!(held, (number + 1).min(8));
        let table = cache.0.borrow();
        assert_eq!((table.places.len(), table.entries.len()), (held, held));
    }
    let none = ProofCache::new(0);
    keep(&none, 1);
    assert!(!has(&none, 1));
}

#[test]
fn proofs_that_are_in_use_outlast_any_number_of_others() {
    let cache = ProofCache::new(64);
    (0..8).for_each(|busy| keep(&cache, busy));
    for other in 100..10_000 {
        keep(&cache, other);
        if other % 16 == 0 {
            assert!((0..8).all(|busy| has(&cache, busy)), "{other}");
        }
    }
}

#[test]
fn a_full_cache_of_used_proofs_makes_room_all_the_same() {
    let cache = ProofCache::new(4 * PROOF_EVICTION_PROBES_MAX);
    for number in 0..2_000 {
        keep(&cache, number);
        assert!(has(&cache, number));
    }
}
