//! Tokens against a toy library, whose signature is a digest of key and message: what is tested is everything but the
//! mathematics, which `signatures` tests with the real one.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod claims;
mod keys;
mod own;
mod scopes;
mod tokens;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::engine::identity::{AuthFailure, Principal, Proving};
use crate::engine::policy::Grants;

const NOW: u64 = 1_700_000_000;
const ISSUER: &str = "https://login.example.com/";
const AUDIENCE: &str = "https://mcp.example.com/mcp";
const KEYS_URL: &str = "https://login.example.com/jwks";

/// Verifies what [`sign`] made with the same key for the same algorithm.
#[derive(Debug)]
struct Toy;

#[derive(Debug)]
struct ToyKey(Algorithm, Vec<u8>);

impl Signatures for Toy {
    fn key(
        &self,
        algorithm: Algorithm,
        material: KeyMaterial<'_>,
    ) -> Result<Box<dyn VerifySignature>, BadKey> {
        let bytes = match (algorithm.key_type(), material) {
            (KeyType::Secret, KeyMaterial::Secret(secret)) => secret.to_vec(),
            (KeyType::Rsa, KeyMaterial::Rsa { n, e }) => [n, e].concat(),
            (KeyType::P256 | KeyType::P384 | KeyType::P521, KeyMaterial::Ec { x, y }) => {
                [x, y].concat()
            }
            (KeyType::Ed25519, KeyMaterial::Ed25519(key)) => key.to_vec(),
            _ => return Err(BadKey::WrongType),
        };
        Ok(Box::new(ToyKey(algorithm, bytes)))
    }
}

impl VerifySignature for ToyKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        signature == sign(self.0, &self.1, message)
    }
}

fn sign(algorithm: Algorithm, key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(algorithm.as_str());
    hash.update(key);
    hash.update(message);
    hash.finalize().to_vec()
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The coordinates of an EC key of the toy, told apart by `number`; `length` bytes each.
fn point(number: u8, length: usize) -> (Vec<u8>, Vec<u8>) {
    (vec![number; length], vec![number ^ 0xFF; length])
}

fn ec_jwk(kid: &str, number: u8) -> String {
    let (x, y) = point(number, 32);
    let (x, y) = (encode(x), encode(y));
    format!(r#"{{"kty":"EC","crv":"P-256","kid":"{kid}","x":"{x}","y":"{y}"}}"#)
}

fn rsa_modulus(number: u8) -> Vec<u8> {
    let mut n = vec![0x80 | number; 256];
    n[255] |= 1;
    n
}

fn rsa_jwk(kid: &str, number: u8) -> String {
    let n = encode(rsa_modulus(number));
    format!(r#"{{"kty":"RSA","kid":"{kid}","n":"{n}","e":"AQAB"}}"#)
}

fn set_of(keys: &[String]) -> String {
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

fn source() -> SourceId {
    SourceId::of(KEYS_URL, &[Algorithm::Es256])
}

/// One issuer with keys of a ring.
fn issuer() -> JwtIssuer {
    JwtIssuer {
        issuer: ISSUER.into(),
        audiences: vec![AUDIENCE.into(), "other".into()],
        algorithms: vec![Algorithm::Es256, Algorithm::Rs256],
        keys: KeySource::Jwks(source()),
        user_id_claim: "sub".into(),
        scopes_claim: "scope".into(),
        scopes: Arc::default(),
        grants: Arc::new(Grants::compile(&["*".to_owned()], &[]).unwrap()),
        quota: None,
        leeway_secs: 0,
        require_at_jwt: false,
        own: None,
    }
}

fn parse(document: &str) -> Result<(KeySet, Vec<SkippedKey>), JwksError> {
    let allowed = [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa];
    KeySet::parse_jwks(document.as_bytes(), &allowed, 1, &Toy)
}

/// A ring in which the source of [`issuer`] has the keys `a` (EC, 1), `b` (EC, 2) and `r` (RSA, 3).
fn ring() -> KeyRing {
    let document = set_of(&[ec_jwk("a", 1), ec_jwk("b", 2), rsa_jwk("r", 3)]);
    let (set, skipped) = parse(&document).unwrap();
    assert!(skipped.is_empty(), "{skipped:?}");
    KeyRing::EMPTY.with(source(), Some(Arc::new(set)))
}

const HEADER: &str = r#"{"alg":"ES256","kid":"a"}"#;

fn payload() -> String {
    format!(r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","exp":1700000100,"sub":"ann"}}"#)
}

/// A token signed with key `a`.
fn token(header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", encode(header), encode(payload));
    let (x, y) = point(1, 32);
    let signature = sign(Algorithm::Es256, &[x, y].concat(), signed.as_bytes());
    format!("{signed}.{}", encode(signature))
}

fn check_by(issuer: JwtIssuer, ring: &KeyRing, token: &str) -> Result<Principal, TokenFault> {
    let issuers = JwtIssuers::compile(vec![issuer]).unwrap();
    let proving = Proving {
        keys: ring,
        ..Proving::bare(NOW)
    };
    issuers
        .check(token.as_bytes(), &proving)
        .map_err(|failure| match failure {
            AuthFailure::Token(fault) => fault,
            other => panic!("{other:?}"),
        })
}

fn check(token: &str) -> Result<Principal, TokenFault> {
    check_by(issuer(), &ring(), token)
}

fn fault(token: &str) -> Option<TokenFault> {
    check(token).err()
}
