//! Every bound is reached.

use redb::{ReadTransaction, ReadableTableMetadata as _};

use super::{NOW, client, code, consent, grant, hash, id, memory};
use crate::control::oauth::store::tables::{CODES, Tables};
use crate::control::oauth::store::{FileStore, Rotation, Store, StoreError};
use crate::engine::limits::{
    OAUTH_CODES_MAX, OAUTH_CONSENT_SECS_MAX, OAUTH_CONSENTED_CLIENTS_PER_USER_MAX,
    OAUTH_CONSENTS_MAX, OAUTH_CONSENTS_PER_CLIENT_MAX, OAUTH_GRANTS_MAX, OAUTH_GRANTS_PER_USER_MAX,
    OAUTH_REFRESHES_PER_GRANT_MAX, OAUTH_REGISTERED_CLIENTS_MAX, OAUTH_SWEEP_RECORDS_MAX,
    REVOKED_GRANTS_MAX,
};

/// Many changes in one transaction.
async fn fill(
    store: &FileStore,
    change: impl FnOnce(&mut Tables<'_>) -> Result<(), StoreError> + Send + 'static,
) {
    store.write(change).await.unwrap();
}

async fn codes(store: &FileStore) -> u64 {
    let count = |transaction: &ReadTransaction| Ok(transaction.open_table(CODES)?.len()?);
    store.read(count).await.unwrap()
}

#[tokio::test(flavor = "current_thread")]
async fn unused_clients_make_room_and_used_ones_do_not() {
    let store = memory().store;
    fill(&store, |tables| {
        (0..OAUTH_REGISTERED_CLIENTS_MAX)
            .try_for_each(|at| tables.register(client(&at.to_string()), at))
    })
    .await;
    let used = |client: &str, number| {
        let mut grant = grant(number, &format!("user {number}"));
        grant.client_id = client.into();
        grant
    };
    store.open(used("0", 0), None).await.unwrap();
    store.register(client("new"), NOW).await.unwrap();
    assert!(store.client("0").await.unwrap().is_some(), "it is in use");
    assert!(
        store.client("1").await.unwrap().is_none(),
        "the oldest unused one"
    );
    assert!(store.client("2").await.unwrap().is_some());
    assert_eq!(
        store.counts().await.unwrap().clients,
        OAUTH_REGISTERED_CLIENTS_MAX
    );
    fill(&store, |tables| {
        let mut all: Vec<_> = (2..OAUTH_REGISTERED_CLIENTS_MAX)
            .map(|id| id.to_string())
            .collect();
        all.push("new".into());
        all.iter().try_for_each(|id| tables.note_use(id, NOW))
    })
    .await;
    let full = store.register(client("newer"), NOW).await;
    assert!(matches!(full, Err(StoreError::Full("clients"))));
}

#[tokio::test(flavor = "current_thread")]
async fn there_is_a_bound_to_codes() {
    let store = memory().store;
    fill(&store, |tables| {
        (0..OAUTH_CODES_MAX).try_for_each(|at| tables.put_code(code(&at.to_string(), 1)))
    })
    .await;
    let full = store.put_code(code("more", 1)).await;
    assert!(matches!(full, Err(StoreError::Full("codes"))));
    // One sweep does a bounded amount of work.
    let sweeps = OAUTH_CODES_MAX.div_ceil(OAUTH_SWEEP_RECORDS_MAX as u64);
    for _ in 1..sweeps {
        store.sweep(NOW + 60).await.unwrap();
    }
    assert_ne!(codes(&store).await, 0);
    store.sweep(NOW + 60).await.unwrap();
    assert_eq!(codes(&store).await, 0);
}

#[tokio::test(flavor = "current_thread")]
async fn the_oldest_grant_of_a_user_ends_for_a_new_one() {
    let store = memory().store;
    let most = u32::try_from(OAUTH_GRANTS_PER_USER_MAX).unwrap();
    for number in 0..=most {
        let mut grant = grant(number, "alice");
        grant.created_at_secs = NOW + u64::from(number);
        let refresh = (hash(&number.to_string()), NOW + 100_000);
        store.open(grant, Some(refresh)).await.unwrap();
    }
    store.open(grant(most + 1, "alicf"), None).await.unwrap();
    let counts = store.counts().await.unwrap();
    assert_eq!(counts.grants, u64::from(most) + 1);
    assert!(store.grant_of(hash("0"), NOW).await.unwrap().is_none());
    assert!(store.grant_of(hash("1"), NOW).await.unwrap().is_some());
}

#[tokio::test(flavor = "current_thread")]
async fn there_is_a_bound_to_grants_of_all() {
    let store = memory().store;
    let most = u32::try_from(OAUTH_GRANTS_MAX).unwrap();
    store.open(grant(0, "alice"), None).await.unwrap();
    fill(&store, move |tables| {
        for number in 1..most {
            tables.grants.insert(&id(number).0, &b"counted alone"[..])?;
        }
        Ok(())
    })
    .await;
    let full = store.open(grant(most, "bob"), None).await;
    assert!(matches!(full, Err(StoreError::Full("grants"))));
    store.revoke(id(0), NOW).await.unwrap();
    store.open(grant(most, "bob"), None).await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn a_grant_ends_that_uses_up_too_many_refresh_tokens_in_the_life_of_one() {
    for (life, survives) in [(1_000_000, false), (100, true)] {
        let store = memory().store;
        let first = Some((hash("0"), NOW + life));
        store.open(grant(1, "alice"), first).await.unwrap();
        fill(&store, move |tables| {
            for place in 0..OAUTH_REFRESHES_PER_GRANT_MAX - 1 {
                let now = NOW + u64::from(place);
                let next = (hash(&(place + 1).to_string()), now + life);
                tables.rotate(hash(&place.to_string()), next, None, now)?;
            }
            Ok(())
        })
        .await;
        let last = OAUTH_REFRESHES_PER_GRANT_MAX - 1;
        let now = NOW + u64::from(last);
        let next = (hash("next"), now + life);
        let rotated = store.rotate(hash(&last.to_string()), next, None, now).await;
        let is_good = matches!(rotated.unwrap(), Rotation::Rotated(_));
        assert_eq!(is_good, survives);
        assert_eq!(store.counts().await.unwrap().grants, u64::from(survives));
        assert!(store.refresh_hashes().await < 2 * life.min(5_000));
    }
}

#[tokio::test(flavor = "current_thread")]
async fn consents_are_few_and_end() {
    let store = memory().store;
    for at in 0..=OAUTH_CONSENTS_PER_CLIENT_MAX as u64 {
        let given = consent(&at.to_string(), NOW + at);
        store.remember("alice", "client", given).await.unwrap();
    }
    let kept = store.consents("alice", "client").await.unwrap();
    assert_eq!(kept.len(), OAUTH_CONSENTS_PER_CLIENT_MAX);
    assert_eq!(&*kept[0].scopes[0], "1");
    for at in 0..OAUTH_CONSENTED_CLIENTS_PER_USER_MAX as u64 {
        let given = consent("read", NOW + 100 + at);
        store
            .remember("alice", &at.to_string(), given)
            .await
            .unwrap();
    }
    assert!(store.consents("alice", "client").await.unwrap().is_empty());
    assert!(!store.consents("alice", "0").await.unwrap().is_empty());
    let end = NOW + 100 + OAUTH_CONSENT_SECS_MAX;
    store.sweep(end - 1).await.unwrap();
    assert!(!store.consents("alice", "0").await.unwrap().is_empty());
    store.sweep(end).await.unwrap();
    assert!(store.consents("alice", "0").await.unwrap().is_empty());
    assert!(!store.consents("alice", "1").await.unwrap().is_empty());
}

#[tokio::test(flavor = "current_thread")]
async fn there_is_a_bound_to_consents_of_all() {
    let store = memory().store;
    fill(&store, |tables| {
        tables.remember("7", "c", consent("read", NOW))?;
        for user in 1..OAUTH_CONSENTS_MAX {
            let others = (&*format!("user {user}"), "c");
            tables.consents.insert(others, &b"counted alone"[..])?;
        }
        Ok(())
    })
    .await;
    let full = store.remember("alice", "c", consent("read", NOW)).await;
    assert!(matches!(full, Err(StoreError::Full("consents"))));
    store
        .remember("7", "c", consent("write", NOW))
        .await
        .unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn the_revoked_grant_whose_tokens_end_first_makes_room() {
    let store = memory().store;
    fill(&store, |tables| {
        let most = u32::try_from(REVOKED_GRANTS_MAX).unwrap() + 1;
        (0..=most).try_for_each(|number| {
            tables.revoke(id(number), NOW + u64::from(number))?;
            Ok(())
        })
    })
    .await;
    let revoked = store.revoked(NOW).await.unwrap();
    assert_eq!(revoked.len(), REVOKED_GRANTS_MAX + 1);
    assert!(!revoked.iter().any(|grant| grant.id == id(0)));
}
