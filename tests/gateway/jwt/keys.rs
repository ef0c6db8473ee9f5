//! Keys that come and go at the issuer.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use jsonwebtoken::Algorithm;
use serde_json::json;

use super::{SCOPES, assert_called, call_with, setup};
use crate::harness::client::{bearer, call, post};
use crate::harness::eventually;
use crate::harness::issuer::{Issuer, Key, Publishing};
use crate::harness::pki::{Authority, Lifetime};
use crate::harness::shelf::Shelf;
use crate::harness::upstream::{Upstream, plain_server};

/// Fetches that a burst of unknown keys may cause, beside the first.
const BURST_FETCHES_MAX: usize = 4;

#[test]
fn a_new_key_is_fetched_for_the_first_token_that_it_signed() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = setup(&upstream, &issuer.section(SCOPES)).start();
    let old = issuer.token("alice", "tools:read");
    assert_called(&call_with(&gateway, &old, "read_a"), "read_a");
    assert_eq!(issuer.fetches(), 1);
    issuer.add(Key::new("second", Algorithm::ES256));
    let new = issuer.token("alice", "tools:read");
    assert_called(&call_with(&gateway, &new, "read_a"), "read_a");
    assert_eq!(issuer.fetches(), 2, "one request, one fetch");
    assert_called(&call_with(&gateway, &old, "read_b"), "read_b");
}

#[test]
fn many_that_meet_a_new_key_at_once_wait_for_one_fetch() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = setup(&upstream, &issuer.section(SCOPES)).start();
    issuer.add(Key::new("second", Algorithm::ES256));
    let mut clients: Vec<_> = (0..40).map(|_| gateway.client()).collect();
    for (index, client) in clients.iter_mut().enumerate() {
        let token = issuer.token(&format!("user-{index}"), "tools:read");
        client.send(post("/mcp", &bearer(&token), &call(1, "read_a")));
    }
    for client in &mut clients {
        assert_called(&client.answer(), "read_a");
    }
    assert!(
        issuer.fetches() <= 1 + BURST_FETCHES_MAX,
        "{} fetches",
        issuer.fetches()
    );
}

#[test]
fn keys_that_nobody_has_cause_few_fetches_and_hold_nobody_up() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = setup(&upstream, &issuer.section(SCOPES)).start();
    let good = post(
        "/mcp",
        &bearer(&issuer.token("alice", "tools:read")),
        &call(1, "read_a"),
    );
    let mut honest = gateway.client();
    let claims = issuer.claims("mallory", "tools:read").to_string();
    for index in 0..200 {
        let header = json!({"alg": "ES256", "kid": format!("guess-{index}")}).to_string();
        let token = issuer.key().sign_raw(&header, &claims);
        assert_eq!(call_with(&gateway, &token, "read_a").status, 401);
        assert_eq!(honest.exchange(&good).status, 200);
    }
    assert!(
        issuer.fetches() <= 1 + BURST_FETCHES_MAX,
        "{} fetches",
        issuer.fetches()
    );
    assert_eq!(upstream.count(), 200);
}

#[test]
fn a_key_that_was_taken_away_signs_nothing_any_more() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = setup(&upstream, &issuer.section(SCOPES)).start();
    let old = issuer.token("alice", "tools:read");
    assert_called(&call_with(&gateway, &old, "read_a"), "read_a");
    issuer.add(Key::new("second", Algorithm::ES256));
    issuer.retire_others();
    // The token of the new key brings the new set in; what the old one had proven is worth nothing with it.
    let new = issuer.token("alice", "tools:read");
    assert_called(&call_with(&gateway, &new, "read_a"), "read_a");
    eventually("no worker takes the old key", || {
        let mut refused = 0;
        for _ in 0..8 {
            refused += usize::from(call_with(&gateway, &old, "read_a").status == 401);
        }
        (refused == 8).then_some(())
    });
}

#[test]
fn one_bad_key_does_not_spoil_the_set() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    for (index, public) in [
        json!({"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "oct", "kid": "b", "k": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}),
        json!({"kty": "EC", "crv": "P-256", "kid": "c", "x": "AA", "y": "AA"}),
        json!({"kty": "new", "kid": "d"}),
        json!("no key"),
        json!({"kid": 5}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut key = Key::new(&format!("bad-{index}"), Algorithm::ES256);
        key.public = public;
        issuer.add(key);
    }
    issuer.add(Key::new("good", Algorithm::ES256));
    let gateway = setup(&upstream, &issuer.section(SCOPES)).start();
    let token = issuer.token("alice", "tools:read");
    assert_called(&call_with(&gateway, &token, "read_a"), "read_a");
    // The symmetric key of the set is no secret.
    let header = json!({"alg": "HS256", "kid": "b"}).to_string();
    let secret = jsonwebtoken::EncodingKey::from_secret(b"0123456789abcdef0123456789abcdef");
    let claims = issuer.claims("mallory", "tools:read").to_string();
    let forged = crate::harness::issuer::signed(&header, &claims, &secret, Algorithm::HS256);
    assert_eq!(call_with(&gateway, &forged, "read_a").status, 401);
}

#[test]
fn keys_rotate_under_load_without_a_failed_request() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = setup(&upstream, &issuer.section(SCOPES)).start();
    let (is_over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|worker| {
                let (issuer, gateway) = (&issuer, &gateway);
                let (is_over, answered) = (&is_over, &answered);
                scope.spawn(move || {
                    let mut client = gateway.client();
                    while !is_over.load(SeqCst) {
                        let token = issuer.token(&format!("user-{worker}"), "tools:read");
                        let request = post("/mcp", &bearer(&token), &call(1, "read_a"));
                        assert_called(&client.exchange(request), "read_a");
                        answered.fetch_add(1, SeqCst);
                    }
                })
            })
            .collect();
        for rotation in 0..2 {
            let target = answered.load(SeqCst) + 200;
            eventually("requests are answered", || {
                let is_broken = clients.iter().any(|client| client.is_finished());
                (is_broken || answered.load(SeqCst) >= target).then_some(())
            });
            issuer.add(Key::new(&format!("rotated-{rotation}"), Algorithm::ES256));
        }
        let target = answered.load(SeqCst) + 200;
        eventually("requests are answered", || {
            let is_broken = clients.iter().any(|client| client.is_finished());
            (is_broken || answered.load(SeqCst) >= target).then_some(())
        });
        is_over.store(true, SeqCst);
    });
    assert!(issuer.fetches() >= 3, "{} fetches", issuer.fetches());
}

#[test]
fn a_reload_takes_the_tokens_of_the_new_issuer_at_once_and_none_of_the_old() {
    let upstream = Upstream::start(plain_server);
    let (old, new) = (
        Issuer::start("https://old.test"),
        Issuer::start("https://new.test"),
    );
    let gateway = setup(&upstream, &old.section(SCOPES)).start();
    let (of_old, of_new) = (
        old.token("alice", "tools:read"),
        new.token("alice", "tools:read"),
    );
    assert_called(&call_with(&gateway, &of_old, "read_a"), "read_a");
    assert_eq!(call_with(&gateway, &of_new, "read_a").status, 401);
    let text = std::fs::read_to_string(gateway.config_path()).unwrap();
    let changed = text.replace(&old.section(SCOPES), &new.section(SCOPES));
    assert_ne!(text, changed);
    std::fs::write(gateway.config_path(), changed).unwrap();
    gateway.reload();
    assert_eq!(call_with(&gateway, &of_old, "read_a").status, 401);
    assert_called(&call_with(&gateway, &of_new, "read_a"), "read_a");
    assert_eq!(new.fetches(), 1);
}

#[test]
fn a_reload_changes_what_a_scope_allows_for_tokens_that_were_taken_before() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = setup(&upstream, &issuer.section(SCOPES)).start();
    let token = issuer.token("alice", "tools:read");
    let mut kept = gateway.client();
    let request = post("/mcp", &bearer(&token), &call(1, "read_a"));
    assert_called(&kept.exchange(&request), "read_a");
    let text = std::fs::read_to_string(gateway.config_path()).unwrap();
    let changed = text.replace(SCOPES, &SCOPES.replace("read_*", "other_*"));
    assert_ne!(text, changed);
    std::fs::write(gateway.config_path(), changed).unwrap();
    gateway.reload();
    let denied = kept.exchange(&request);
    assert_eq!((denied.status, denied.code()), (200, 40302), "{denied:?}");
    assert_eq!(issuer.fetches(), 1, "the keys stay");
}

#[test]
fn keys_come_from_whom_the_authority_vouches_for_alone() {
    let upstream = Upstream::start(plain_server);
    let authority = Authority::root("issuers");
    let shelf = Shelf::new();
    let file = shelf.put("issuers.pem", &authority.pem());
    let keys = format!("jwks_ca_path = {file:?}\n{SCOPES}");
    let stranger = Authority::root("issuers");
    for (identity, status) in [
        (authority.server(&["localhost"]), 200),
        (authority.server(&["other.test"]), 503),
        (
            authority.server_that_ends(&["localhost"], Some(Lifetime::Over)),
            503,
        ),
        (stranger.server(&["localhost"]), 503),
    ] {
        let issuer = Issuer::start_tls("https://issuer.test", Authority::host(&identity, None));
        let gateway = setup(&upstream, &issuer.section(&keys)).start();
        let answer = call_with(&gateway, &issuer.token("alice", "tools:read"), "read_a");
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(issuer.fetches(), usize::from(status == 200));
    }
}

#[test]
fn the_status_page_tells_of_issuers_and_of_no_secret() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let sections = issuer.section(SCOPES) + &super::simple("https://shared.test", SCOPES);
    let gateway = setup(&upstream, &sections).start();
    let text = gateway.admin_get("/status").text();
    assert!(text.contains("https://issuer.test"), "{text}");
    assert!(!text.contains(super::SECRET), "{text}");
}

#[test]
fn keys_may_come_in_chunks() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    issuer.publish(Publishing::Chunks);
    let gateway = setup(&upstream, &issuer.section(SCOPES)).start();
    let token = issuer.token("alice", "tools:read");
    assert_called(&call_with(&gateway, &token, "read_a"), "read_a");
}
