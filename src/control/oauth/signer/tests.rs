//! Tokens that workers take, and keys that come and go.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::{Signer, SignerError};
use crate::config::model::SigningAlgorithm::{self, EdDsa, Es256};
use crate::control::oauth::store::{Adopted, FileStore, Store, Vault, VaultError};
use crate::engine::limits::{OAUTH_KEY_AHEAD_SECS, OAUTH_KEY_SECS_MAX, OAUTH_LOGIN_TOKEN_SECS_MAX};
use crate::engine::oauth::{GrantId, OwnClaims};

const NOW: u64 = 1_800_000_000;

struct Bench {
    store: Arc<dyn Store>,
    vault: Vault,
}

impl Bench {
    fn new() -> Self {
        let (store, vault) = FileStore::in_memory();
        let store = Arc::new(store);
        Self { store, vault }
    }

    async fn load(&self, algorithm: SigningAlgorithm, now: u64) -> Result<Signer, SignerError> {
        Signer::load(Arc::clone(&self.store), self.vault.clone(), algorithm, now).await
    }
}

fn sign(signer: &Signer, now: u64) -> String {
    let claims = OwnClaims {
        user: "alice",
        audience: "https://gw.example/mcp",
        client_id: "client",
        scopes: &[],
        grant: GrantId([7; 16]),
        expires_at_secs: now + 600,
    };
    signer.sign("https://gw.example", &claims, now).unwrap()
}

fn part(token: &str, place: usize) -> Value {
    let part = token.split('.').nth(place).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn kid(token: &str) -> String {
    part(token, 0)["kid"].as_str().unwrap().to_owned()
}

/// Whether a library that is not ours takes `token` with what `signer` publishes.
fn is_taken(signer: &Signer, token: &str) -> bool {
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_slice(&signer.jwks()).unwrap();
    let Some(jwk) = set.find(&kid(token)) else {
        return false;
    };
    let header = jsonwebtoken::decode_header(token).unwrap();
    let mut validation = jsonwebtoken::Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_aud = false;
    let key = jsonwebtoken::DecodingKey::from_jwk(jwk).unwrap();
    jsonwebtoken::decode::<Value>(token, &key, &validation).is_ok()
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_signed_verifies_with_what_is_published() {
    for (algorithm, alg) in [(Es256, "ES256"), (EdDsa, "EdDSA")] {
        let bench = Bench::new();
        let signer = bench.load(algorithm, NOW).await.unwrap();
        let token = sign(&signer, NOW);
        let header = part(&token, 0);
        assert_eq!(header["alg"], alg);
        assert_eq!(header["typ"], "at+jwt");
        let claims = part(&token, 1);
        assert_eq!(claims["gid"], "07".repeat(16));
        assert_eq!(claims["iat"], NOW);
        assert!(is_taken(&signer, &token));
        let mut bent = token.clone().into_bytes();
        let last = bent.len() - 3;
        bent[last] = if bent[last] == b'A' { b'B' } else { b'A' };
        assert!(!is_taken(&signer, &String::from_utf8(bent).unwrap()));
        assert_ne!(sign(&signer, NOW), token, "each has a jti of its own");
        assert_eq!(signer.key_set().len(), 1);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn keys_survive_a_restart_and_open_under_their_secret_alone() {
    let mut bench = Bench::new();
    let token = sign(&bench.load(Es256, NOW).await.unwrap(), NOW);
    let again = bench.load(Es256, NOW + 1).await.unwrap();
    assert!(is_taken(&again, &token));
    bench.vault = Vault::new(b"another secret that is of some length");
    let refused = bench.load(Es256, NOW).await.unwrap_err();
    assert!(matches!(refused, SignerError::Vault(VaultError::Foreign)));
    assert!(refused.to_string().contains("store_key"), "{refused}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_key_is_followed_by_the_next_and_verifies_until_its_last_token_ends() {
    let bench = Bench::new();
    let signer = bench.load(Es256, NOW).await.unwrap();
    let first = kid(&sign(&signer, NOW));
    let made = NOW + OAUTH_KEY_SECS_MAX;
    let used = made + OAUTH_KEY_AHEAD_SECS;
    let gone = used + OAUTH_LOGIN_TOKEN_SECS_MAX + 3_600;
    for (now, changed, keys, is_first) in [
        (made - 1, false, 1, true),
        (made, true, 2, true),
        (used - 1, false, 2, true),
        (used, false, 2, false),
        (gone - 1, false, 2, false),
        (gone, true, 1, false),
    ] {
        assert_eq!(signer.turn(Es256, now).await.unwrap(), changed, "{now}");
        assert_eq!(signer.statuses().len(), keys, "{now}");
        let token = sign(&signer, now);
        assert_eq!(kid(&token) == first, is_first, "{now}");
        assert!(is_taken(&signer, &token), "{now}");
        let stored = bench.store.keys().await.unwrap();
        assert_eq!(stored.len(), keys, "{now}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn another_algorithm_signs_at_once_and_back_again() {
    let bench = Bench::new();
    let signer = bench.load(Es256, NOW).await.unwrap();
    let before = sign(&signer, NOW);
    assert!(signer.turn(EdDsa, NOW + 1).await.unwrap());
    let after = sign(&signer, NOW + 1);
    assert_eq!(part(&after, 0)["alg"], "EdDSA");
    assert!(is_taken(&signer, &before) && is_taken(&signer, &after));
    assert!(!signer.turn(Es256, NOW + 2).await.unwrap());
    assert_eq!(kid(&sign(&signer, NOW + 2)), kid(&before));
    let statuses = signer.statuses();
    let signing: Vec<_> = statuses.iter().map(|status| status.signs).collect();
    assert_eq!(signing, [true, false]);
}

#[tokio::test(flavor = "current_thread")]
async fn a_store_that_is_taken_over_signs_with_other_keys() {
    let bench = Bench::new();
    assert_eq!(bench.store.adopt("github id").await.unwrap(), Adopted::Ours);
    let signer = bench.load(Es256, NOW).await.unwrap();
    let before = sign(&signer, NOW);
    assert_eq!(
        bench.store.adopt("google sub").await.unwrap(),
        Adopted::TakenOver
    );
    assert!(signer.turn(Es256, NOW).await.unwrap());
    assert!(!is_taken(&signer, &before));
    assert!(is_taken(&signer, &sign(&signer, NOW)));
}

#[tokio::test(flavor = "current_thread")]
async fn a_signer_shows_nothing() {
    let signer = Bench::new().load(Es256, NOW).await.unwrap();
    assert_eq!(format!("{signer:?}"), "Signer(..)");
}
