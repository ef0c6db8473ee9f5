//! Signed tokens, with a library that takes every signature: whatever is accepted says in `serde_json` what it was accepted for.
//!
//! Input: header and payload with a line feed between, put together here; and the same bytes as a token.
#![no_main]

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use mcp_guard::engine::identity::jwt::{
    Algorithm, BadKey, JwtIssuer, JwtIssuers, KeyMaterial, KeyRing, KeySet, KeySource, ScopeMap,
    Signatures, VerifySignature,
};
use mcp_guard::engine::identity::{Principal, ProofCache, Proving};
use mcp_guard::engine::policy::Grants;
use serde_json::Value;

const NOW: u64 = 1_700_000_000;

#[derive(Debug)]
struct TakesAll;

impl Signatures for TakesAll {
    fn key(&self, _: Algorithm, _: KeyMaterial<'_>) -> Result<Box<dyn VerifySignature>, BadKey> {
        Ok(Box::new(Self))
    }
}

impl VerifySignature for TakesAll {
    fn verify(&self, _: &[u8], _: &[u8]) -> bool {
        true
    }
}

thread_local! {
    static ISSUERS: JwtIssuers = issuers();
}

fn issuers() -> JwtIssuers {
    let algorithms = vec![Algorithm::Hs256];
    let keys = KeySet::of_secret(&[0; 32], &algorithms, &TakesAll).expect("long enough");
    let issuer = JwtIssuer {
        issuer: "i".into(),
        audiences: vec!["a".into()],
        algorithms,
        keys: KeySource::Fixed(Arc::new(keys)),
        user_id_claim: "sub".into(),
        scopes_claim: "scope".into(),
        scopes: Arc::new(ScopeMap::default()),
        grants: Arc::new(Grants::default()),
        quota: None,
        leeway_secs: 0,
        require_at_jwt: false,
        own: None,
    };
    JwtIssuers::compile(vec![issuer]).expect("one issuer")
}

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |&byte| byte == b'\n');
    let header = parts.next().unwrap_or_default();
    let payload = parts.next().unwrap_or_default();
    let built = format!(
        "{}.{}.AA",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    if let Some(principal) = check(built.as_bytes()) {
        agrees(&principal, header, payload);
    }
    check(input);
});

/// The principal of `token`; the cache must say the same, then and at no time when it does not hold.
fn check(token: &[u8]) -> Option<Principal> {
    let cache = ProofCache::new(4);
    let ring = KeyRing::EMPTY;
    let proving = Proving {
        keys: &ring,
        cache: Some(&cache),
        ..Proving::bare(NOW)
    };
    ISSUERS.with(|issuers| {
        let first = issuers.check(token, &proving).ok();
        let again = issuers.check(token, &proving).ok();
        let identity =
            |proven: &Option<Principal>| proven.as_ref().map(|p| p.identity().to_owned());
        assert_eq!(identity(&first), identity(&again));
        let late = Proving {
            now_secs: u64::MAX,
            ..proving
        };
        assert!(issuers.check(token, &late).is_err());
        first
    })
}

fn agrees(principal: &Principal, header: &[u8], payload: &[u8]) {
    let header: Value = serde_json::from_slice(header).expect("a header is JSON");
    assert_eq!(header["alg"], "HS256");
    assert!(header.get("crit").is_none());
    let claims: Value = serde_json::from_slice(payload).expect("claims are JSON");
    assert_eq!(claims["iss"], "i");
    assert_eq!(claims["sub"], principal.id());
    let is_meant = match &claims["aud"] {
        Value::Array(all) => all.iter().any(|each| each == "a"),
        one => one == "a",
    };
    assert!(is_meant);
    let exp = claims["exp"].as_f64().expect("exp is a number");
    assert!(exp > NOW as f64);
    if let Some(nbf) = claims.get("nbf") {
        assert!(nbf.as_f64().expect("nbf is a number") <= NOW as f64);
    }
}
