use std::collections::HashSet;

use super::*;
use crate::engine::limits::AUDIT_TEXT_BYTES_MAX;

fn proven(provider: Provider, realm: Option<&str>, id: &str) -> Principal {
    Principal::new(Proven {
        provider,
        realm,
        id,
        grants: Arc::default(),
        quota: None,
        ties: Ties::default(),
        granted: None,
    })
}

#[test]
fn callers_that_differ_never_share_an_identity_or_an_owner() {
    let texts = [
        "full",
        "a",
        "b c",
        "a b",
        "a b c",
        "c",
        " ",
        "%20",
        "key:full",
        "jwt:a",
        "anonymous",
    ];
    let mut callers = Vec::new();
    for id in texts {
        callers.push(proven(Provider::ApiKey, None, id));
        callers.push(proven(Provider::Mtls, None, id));
        for issuer in [
            "https://a.example",
            "https://b.example",
            "https://a.example/b",
            "a",
            "full",
        ] {
            callers.push(proven(Provider::Jwt, Some(issuer), id));
            callers.push(proven(Provider::OAuth, Some(issuer), id));
        }
    }
    callers.push(proven(Provider::Anonymous, None, "anonymous"));
    let identities: HashSet<_> = callers.iter().map(Principal::identity).collect();
    let owners: HashSet<_> = callers.iter().map(Principal::owner).collect();
    assert_eq!(
        (identities.len(), owners.len()),
        (callers.len(), callers.len())
    );
}

#[test]
fn the_end_of_an_issuer_cannot_be_moved() {
    let rows = [
        (("a", "b c"), "jwt:a b c"),
        (("a b", "c"), "jwt:a%20b c"),
        (("a", " b"), "jwt:a  b"),
        (("a ", "b"), "jwt:a%20 b"),
    ];
    for ((issuer, subject), identity) in rows {
        let caller = proven(Provider::Jwt, Some(issuer), subject);
        assert_eq!((caller.identity(), caller.id()), (identity, subject));
    }
}

#[test]
fn an_identity_is_its_own_from_request_to_request() {
    let [one, again] = [1, 2].map(|_| proven(Provider::Jwt, Some("https://a.example"), "alice"));
    assert_eq!(one.identity(), "jwt:https://a.example alice");
    assert_eq!(
        (one.identity(), one.owner()),
        (again.identity(), again.owner())
    );
    assert_eq!(one.record_id(), one.identity());
}

#[test]
fn users_of_a_long_issuer_are_told_apart_in_records() {
    let issuer = format!("https://{}.example", "x".repeat(AUDIT_TEXT_BYTES_MAX));
    let [one, other] = ["alice", "bob"].map(|id| proven(Provider::Jwt, Some(&issuer), id));
    assert_ne!(one.record_id(), other.record_id());
    assert!(one.record_id().len() <= AUDIT_TEXT_BYTES_MAX);
    assert!(one.record_id().starts_with("jwt:https://x"));
}
