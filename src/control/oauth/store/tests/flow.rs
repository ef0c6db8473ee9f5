//! Clients, codes, grants and consents through their lives.

use super::{NOW, both, client, code, consent, grant, hash, id, memory};
use crate::control::oauth::store::{Adopted, Counts, Rotation, StoreError, TakenCode};
use crate::engine::limits::{
    OAUTH_ACCESS_TOKEN_SECS_MAX, OAUTH_CLIENT_IDLE_SECS_MAX, OAUTH_CLIENT_UNUSED_SECS_MAX,
    OAUTH_TAKEN_CODE_SECS,
};
use crate::engine::oauth::ClientOrigin;

const WEEK: u64 = 7 * 24 * 3_600;

#[tokio::test(flavor = "current_thread")]
async fn what_is_kept_is_found_as_it_was() {
    for store in both() {
        store.register(client("one"), NOW).await.unwrap();
        let found = store.client("one").await.unwrap().unwrap();
        let expected = crate::engine::oauth::Client {
            origin: ClientOrigin::Registered { at_secs: NOW },
            ..client("one")
        };
        assert_eq!(format!("{found:?}"), format!("{expected:?}"));
        assert_eq!(found.secret, expected.secret);
        assert!(store.client("two").await.unwrap().is_none());

        store.put_code(code("code", 1)).await.unwrap();
        let TakenCode::Fresh(taken) = store.take_code(hash("code"), NOW).await.unwrap() else {
            panic!("not fresh");
        };
        assert_eq!(format!("{taken:?}"), format!("{:?}", code("code", 1)));
        assert_eq!(taken.hash, hash("code"));

        let refresh = Some((hash("refresh"), NOW + 100));
        store.open(grant(1, "alice"), refresh).await.unwrap();
        let held = store.grant_of(hash("refresh"), NOW).await.unwrap().unwrap();
        assert_eq!(
            format!("{:?}", held.grant),
            format!("{:?}", grant(1, "alice"))
        );
        assert_eq!((held.vouched_at_secs, held.is_spent), (NOW, false));
        let counts = store.counts().await.unwrap();
        assert_eq!(
            counts,
            Counts {
                clients: 1,
                grants: 1
            }
        );
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_code_is_good_once_and_in_its_time() {
    for store in both() {
        store.put_code(code("late", 1)).await.unwrap();
        let late = store.take_code(hash("late"), NOW + 60).await.unwrap();
        assert!(matches!(late, TakenCode::Unknown));
        let unknown = store.take_code(hash("unknown"), NOW).await.unwrap();
        assert!(matches!(unknown, TakenCode::Unknown));
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_code_that_comes_twice_ends_what_came_of_it() {
    for store in both() {
        store.put_code(code("code", 1)).await.unwrap();
        let fresh = store.take_code(hash("code"), NOW).await.unwrap();
        assert!(matches!(fresh, TakenCode::Fresh(_)));
        let refresh = Some((hash("refresh"), NOW + 1_000));
        store.open(grant(1, "alice"), refresh).await.unwrap();
        store.sweep(NOW + 61).await.unwrap();
        let again = store.take_code(hash("code"), NOW + 61).await.unwrap();
        assert!(matches!(again, TakenCode::Replayed(grant) if grant.id == id(1)));
        let held = store.grant_of(hash("refresh"), NOW + 61).await.unwrap();
        assert!(held.is_none());
        let revoked = store.revoked(NOW + 61).await.unwrap();
        assert_eq!(revoked[0].id, id(1));
        // Presenting it on and on moves nothing.
        store.take_code(hash("code"), NOW + 100).await.unwrap();
        assert_eq!(store.revoked(NOW + 61).await.unwrap(), revoked);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_code_that_comes_twice_before_its_grant_began_keeps_it_from_beginning() {
    for store in both() {
        store.put_code(code("code", 1)).await.unwrap();
        for _ in 0..2 {
            store.take_code(hash("code"), NOW).await.unwrap();
        }
        let begun = store.open(grant(1, "alice"), None).await;
        assert!(matches!(begun, Err(StoreError::Ended)));
        assert_eq!(store.counts().await.unwrap().grants, 0);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_taken_code_is_known_for_a_while() {
    let store = memory();
    store.put_code(code("code", 1)).await.unwrap();
    store.take_code(hash("code"), NOW).await.unwrap();
    let end = NOW + 60 + OAUTH_TAKEN_CODE_SECS;
    // The first sweep finds it taken and queues it anew.
    store.sweep(NOW + 60).await.unwrap();
    store.sweep(end - 1).await.unwrap();
    let known = store.take_code(hash("code"), end - 1).await.unwrap();
    assert!(matches!(known, TakenCode::Replayed(_)));
    store.sweep(end).await.unwrap();
    let gone = store.take_code(hash("code"), end).await.unwrap();
    assert!(matches!(gone, TakenCode::Unknown));
}

#[tokio::test(flavor = "current_thread")]
async fn each_refresh_token_is_good_once() {
    for store in both() {
        let first = Some((hash("0"), NOW + 1_000));
        store.open(grant(1, "alice"), first).await.unwrap();
        let tokens: Option<Box<[u8]>> = Some(Box::from(*b"newer"));
        let next = (hash("1"), NOW + 1_001);
        let rotated = store
            .rotate(hash("0"), next, tokens, NOW + 1)
            .await
            .unwrap();
        let Rotation::Rotated(grant) = rotated else {
            panic!("{rotated:?}");
        };
        assert_eq!(grant.provider_tokens.as_deref(), Some(&b"newer"[..]));
        let next = (hash("2"), NOW + 1_002);
        let rotated = store.rotate(hash("1"), next, None, NOW + 2).await.unwrap();
        assert!(matches!(rotated, Rotation::Rotated(_)));
        let held = store.grant_of(hash("2"), NOW + 2).await.unwrap().unwrap();
        assert_eq!(held.grant.provider_tokens.as_deref(), Some(&b"newer"[..]));
        assert_eq!(held.vouched_at_secs, NOW + 1);
        let spent = store.grant_of(hash("0"), NOW + 2).await.unwrap().unwrap();
        assert!(spent.is_spent);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_refresh_token_that_comes_twice_ends_its_grant() {
    for back in [1, 2] {
        for store in both() {
            let first = Some((hash("0"), NOW + 1_000));
            store.open(grant(1, "alice"), first).await.unwrap();
            for place in 0..2 {
                let (old, next) = (place.to_string(), (place + 1).to_string());
                let next = (hash(&next), NOW + 1_000);
                store.rotate(hash(&old), next, None, NOW).await.unwrap();
            }
            let spent = hash(&(2 - back).to_string());
            let next = (hash("thief"), NOW + 1_000);
            let reused = store.rotate(spent, next, None, NOW).await.unwrap();
            assert!(matches!(reused, Rotation::Reused(grant) if grant.id == id(1)));
            for hash in [hash("0"), hash("1"), hash("2"), hash("thief")] {
                assert!(store.grant_of(hash, NOW).await.unwrap().is_none());
                let next = (super::hash("more"), NOW + 1_000);
                let more = store.rotate(hash, next, None, NOW).await.unwrap();
                assert!(matches!(more, Rotation::Unknown));
            }
            assert_eq!(store.revoked(NOW).await.unwrap().len(), 1);
            assert_eq!(store.counts().await.unwrap().grants, 0);
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn of_two_refreshes_at_once_one_is_good_and_the_other_ends_the_grant() {
    for store in both() {
        let first = Some((hash("0"), NOW + 1_000));
        store.open(grant(1, "alice"), first).await.unwrap();
        let rotate = |next: &str| store.rotate(hash("0"), (hash(next), NOW + 1_000), None, NOW);
        let (one, other) = tokio::join!(rotate("a"), rotate("b"));
        let reused = [one.unwrap(), other.unwrap()]
            .into_iter()
            .filter(|rotation| matches!(rotation, Rotation::Reused(_)));
        assert_eq!(reused.count(), 1);
        assert_eq!(store.counts().await.unwrap().grants, 0);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_refresh_token_ends_with_its_time_and_with_its_grant() {
    let store = memory();
    let first = Some((hash("short"), NOW + 10));
    store.open(grant(1, "alice"), first).await.unwrap();
    let long = Some((hash("long"), u64::MAX));
    store.open(grant(2, "alice"), long).await.unwrap();
    let end = grant(2, "alice").expires_at_secs;
    for (token, last) in [("short", NOW + 9), ("long", end - 1)] {
        assert!(store.grant_of(hash(token), last).await.unwrap().is_some());
        assert!(
            store
                .grant_of(hash(token), last + 1)
                .await
                .unwrap()
                .is_none()
        );
        let next = (hash("next"), u64::MAX);
        let late = store
            .rotate(hash(token), next, None, last + 1)
            .await
            .unwrap();
        assert!(matches!(late, Rotation::Unknown));
    }
    assert_eq!(store.counts().await.unwrap().grants, 2);
    store.sweep(NOW + 10).await.unwrap();
    assert_eq!(store.counts().await.unwrap().grants, 1);
    store.sweep(end).await.unwrap();
    assert_eq!(store.counts().await.unwrap().grants, 0);
}

#[tokio::test(flavor = "current_thread")]
async fn a_grant_in_use_outlives_the_end_of_its_first_refresh_token() {
    let store = memory();
    let first = Some((hash("0"), NOW + 10));
    store.open(grant(1, "alice"), first).await.unwrap();
    let next = (hash("1"), NOW + 500);
    store.rotate(hash("0"), next, None, NOW + 5).await.unwrap();
    for (now, grants) in [(NOW + 10, 1), (NOW + 499, 1), (NOW + 500, 0)] {
        store.sweep(now).await.unwrap();
        assert_eq!(store.counts().await.unwrap().grants, grants, "{now}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_revoked_is_known_while_tokens_of_it_may_live() {
    for store in both() {
        let refresh = Some((hash("0"), NOW + 10));
        store.open(grant(1, "alice"), refresh).await.unwrap();
        store.open(grant(2, "alice"), None).await.unwrap();
        for number in [1, 2, 3] {
            store.revoke(id(number), NOW).await.unwrap();
        }
        let mut revoked = store.revoked(NOW).await.unwrap();
        revoked.sort_by_key(|grant| grant.id.0);
        let ends: Vec<_> = revoked.iter().map(|grant| grant.until_secs).collect();
        let access = NOW + OAUTH_ACCESS_TOKEN_SECS_MAX;
        assert_eq!(ends, [access, grant(2, "alice").expires_at_secs, access]);
        assert_eq!(store.revoked(access).await.unwrap().len(), 1);
        store.sweep(access).await.unwrap();
        assert_eq!(store.revoked(NOW).await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_client_that_nobody_uses_is_forgotten() {
    for store in both() {
        store.register(client("client"), NOW).await.unwrap();
        store.register(client("unused"), NOW).await.unwrap();
        store.open(grant(1, "alice"), None).await.unwrap();
        let unused_end = NOW + OAUTH_CLIENT_UNUSED_SECS_MAX;
        store.sweep(unused_end - 1).await.unwrap();
        assert!(store.client("unused").await.unwrap().is_some());
        store.sweep(unused_end).await.unwrap();
        assert!(store.client("unused").await.unwrap().is_none());
        assert!(store.client("client").await.unwrap().is_some());
        let idle_end = NOW + OAUTH_CLIENT_IDLE_SECS_MAX;
        store.sweep(idle_end - 1).await.unwrap();
        assert!(store.client("client").await.unwrap().is_some());
        store.sweep(idle_end).await.unwrap();
        assert!(store.client("client").await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_client_lives_on_with_each_refresh() {
    let store = memory();
    store.register(client("client"), NOW).await.unwrap();
    let mut long = grant(1, "alice");
    long.expires_at_secs = u64::MAX;
    store.open(long, Some((hash("0"), u64::MAX))).await.unwrap();
    let later = NOW + WEEK;
    let next = (hash("1"), u64::MAX);
    store.rotate(hash("0"), next, None, later).await.unwrap();
    for now in [
        NOW + OAUTH_CLIENT_UNUSED_SECS_MAX,
        NOW + OAUTH_CLIENT_IDLE_SECS_MAX,
    ] {
        store.sweep(now).await.unwrap();
        assert!(store.client("client").await.unwrap().is_some(), "{now}");
    }
    store
        .sweep(later + OAUTH_CLIENT_IDLE_SECS_MAX)
        .await
        .unwrap();
    assert!(store.client("client").await.unwrap().is_none());
}

#[tokio::test(flavor = "current_thread")]
async fn consents_are_of_one_user_to_one_client() {
    for store in both() {
        store
            .remember("alice", "one", consent("read", NOW))
            .await
            .unwrap();
        assert_eq!(
            store.consents("alice", "one").await.unwrap(),
            [consent("read", NOW)]
        );
        for (user, client) in [("bob", "one"), ("alice", "two"), ("alic", "eone")] {
            assert!(store.consents(user, client).await.unwrap().is_empty());
        }
        // One that says as much takes the place of the other.
        let mut more = consent("write", NOW + 1);
        more.scopes.push("read".into());
        store.remember("alice", "one", more.clone()).await.unwrap();
        assert_eq!(store.consents("alice", "one").await.unwrap(), [more]);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn users_of_one_provider_are_never_forgotten_for_another() {
    for store in both() {
        assert_eq!(store.adopt("github id").await.unwrap(), Adopted::Ours);
        store.put_code(code("code", 1)).await.unwrap();
        let refresh = Some((hash("0"), NOW + 10));
        store.open(grant(2, "alice"), refresh).await.unwrap();
        let given = consent("read", NOW);
        store.remember("alice", "client", given).await.unwrap();
        let others = Adopted::Others("github id".to_owned());
        for other in ["google sub", "github login", ""] {
            assert_eq!(store.adopt(other).await.unwrap(), others, "{other}");
        }
        assert_eq!(store.adopt("github id").await.unwrap(), Adopted::Ours);
        assert_eq!(store.counts().await.unwrap().grants, 1);
        assert_eq!(store.consents("alice", "client").await.unwrap().len(), 1);
        assert!(store.grant_of(hash("0"), NOW).await.unwrap().is_some());
        let taken = store.take_code(hash("code"), NOW).await.unwrap();
        assert!(matches!(taken, TakenCode::Fresh(_)));
    }
}

#[tokio::test(flavor = "current_thread")]
async fn anything_of_a_user_keeps_a_store_and_one_without_is_taken_over() {
    for store in both() {
        let (fresh, taken) = (Adopted::Ours, Adopted::TakenOver);
        for (owner, adopted) in [("typo sub", fresh), ("issuer sub", taken)] {
            assert_eq!(store.adopt(owner).await.unwrap(), adopted);
            store.register(client("client"), NOW).await.unwrap();
        }
        assert_eq!(store.counts().await.unwrap().clients, 1);
    }
    let others = Adopted::Others("one".to_owned());
    for store in both() {
        assert_eq!(store.adopt("one").await.unwrap(), Adopted::Ours);
        let given = consent("read", NOW);
        store.remember("alice", "client", given).await.unwrap();
        assert_eq!(store.adopt("two").await.unwrap(), others);
    }
    for store in both() {
        assert_eq!(store.adopt("one").await.unwrap(), Adopted::Ours);
        store.put_code(code("code", 1)).await.unwrap();
        assert_eq!(store.adopt("two").await.unwrap(), others);
    }
    for store in both() {
        assert_eq!(store.adopt("one").await.unwrap(), Adopted::Ours);
        store.open(grant(2, "alice"), None).await.unwrap();
        assert_eq!(store.adopt("two").await.unwrap(), others);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_code_that_was_made_up_waits_for_no_change_and_makes_none() {
    for bench in both() {
        let _held = bench.store.hold_changes().await;
        let taken = bench.take_code(hash("made up"), NOW);
        let taken = tokio::time::timeout(std::time::Duration::from_secs(5), taken).await;
        assert!(matches!(taken, Ok(Ok(TakenCode::Unknown))));
    }
}
