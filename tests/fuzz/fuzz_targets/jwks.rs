//! Key sets, with a library that takes every key: nothing panics, every key is used or skipped, and no secret is ever used.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_guard::engine::identity::jwt::{
    Algorithm, BadKey, KeyMaterial, KeySet, Signatures, VerifySignature,
};
use serde_json::Value;

#[derive(Debug)]
struct TakesAll;

impl Signatures for TakesAll {
    fn key(
        &self,
        algorithm: Algorithm,
        material: KeyMaterial<'_>,
    ) -> Result<Box<dyn VerifySignature>, BadKey> {
        assert!(!algorithm.is_symmetric() && !matches!(material, KeyMaterial::Secret(_)));
        Ok(Box::new(Self))
    }
}

impl VerifySignature for TakesAll {
    fn verify(&self, _: &[u8], _: &[u8]) -> bool {
        true
    }
}

fuzz_target!(|document: &[u8]| {
    let Ok((set, skipped)) = KeySet::parse_jwks(document, &Algorithm::ALL, 1, &TakesAll) else {
        return;
    };
    let value: Value = serde_json::from_slice(document).expect("a set is JSON");
    let keys = value["keys"].as_array().expect("a set has keys");
    assert_eq!(keys.len(), set.len() + skipped.len());
    assert!(!set.is_empty());
    for (index, key) in keys.iter().enumerate() {
        let is_secret = key["kty"] == "oct" || key.get("d").is_some() || key.get("k").is_some();
        let is_skipped = skipped.iter().any(|skipped| skipped.index == index);
        assert!(is_skipped || !is_secret);
    }
    let (again, _) =
        KeySet::parse_jwks(document, &Algorithm::ALL, 2, &TakesAll).expect("as before");
    assert!(set.is_same_as(&again));
});
