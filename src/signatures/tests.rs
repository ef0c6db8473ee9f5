//! Tokens with real keys: minted by another library where it knows the algorithm, by the bare signature where it does not.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod attacks;
mod oracle;
mod vectors;

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;

use super::library;
use crate::engine::identity::jwt::{
    Algorithm, JwtIssuer, JwtIssuers, KeyRing, KeySet, KeySource, KeyType, SourceId, TokenFault,
};
use crate::engine::identity::{AuthFailure, Principal, Proving};

const NOW: u64 = 1_700_000_000;
const CLAIMS: &str = r#"{"iss":"i","aud":"a","exp":1700000100,"sub":"ann"}"#;

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// A private key with what an issuer publishes of it.
struct Pair {
    /// PKCS #8.
    private: Vec<u8>,
    /// As the library has it: an RSAPublicKey, a point, or the bytes of Ed25519.
    public: Vec<u8>,
    jwk: String,
}

fn rsa_pair() -> Pair {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = pair.public_key().as_ref().to_vec();
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    // SEQUENCE { INTEGER n of 257 bytes, the first of them zero, INTEGER 65537 }
    let n = encode(&public[9..265]);
    Pair {
        private: private.as_ref().to_vec(),
        jwk: format!(r#"{{"kty":"RSA","kid":"k","n":"{n}","e":"AQAB"}}"#),
        public,
    }
}

fn ec_pair(algorithm: &'static EcdsaSigningAlgorithm, curve: &str) -> Pair {
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    let public = pair.public_key().as_ref().to_vec();
    let (x, y) = public[1..].split_at(public.len() / 2);
    let (x, y) = (encode(x), encode(y));
    Pair {
        private: pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
        jwk: format!(r#"{{"kty":"EC","kid":"k","crv":"{curve}","x":"{x}","y":"{y}"}}"#),
        public,
    }
}

fn ed_pair() -> Pair {
    let pair = Ed25519KeyPair::generate().unwrap();
    let public = pair.public_key().as_ref().to_vec();
    let x = encode(&public);
    Pair {
        private: pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
        jwk: format!(r#"{{"kty":"OKP","kid":"k","crv":"Ed25519","x":"{x}"}}"#),
        public,
    }
}

fn pair_for(algorithm: Algorithm) -> Pair {
    match algorithm.key_type() {
        KeyType::Rsa => rsa_pair(),
        KeyType::P256 => ec_pair(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, "P-256"),
        KeyType::P384 => ec_pair(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, "P-384"),
        KeyType::P521 => ec_pair(&signature::ECDSA_P521_SHA512_FIXED_SIGNING, "P-521"),
        KeyType::Ed25519 => ed_pair(),
        KeyType::Secret => panic!("a secret is no pair"),
    }
}

fn source() -> SourceId {
    SourceId::of("https://i/jwks", &Algorithm::ALL)
}

fn issuer(algorithms: &[Algorithm], keys: KeySource) -> JwtIssuer {
    JwtIssuer {
        issuer: "i".into(),
        audiences: vec!["a".into()],
        algorithms: algorithms.to_vec(),
        keys,
        user_id_claim: "sub".into(),
        scopes_claim: "scope".into(),
        scopes: Arc::default(),
        grants: Arc::default(),
        quota: None,
        leeway_secs: 0,
        require_at_jwt: false,
        own: None,
    }
}

fn of_secret(secret: &[u8], algorithms: &[Algorithm]) -> JwtIssuer {
    let set = KeySet::of_secret(secret, algorithms, library().unwrap()).unwrap();
    issuer(algorithms, KeySource::Fixed(Arc::new(set)))
}

fn check_by(issuer: JwtIssuer, keys: &KeyRing, token: &str) -> Result<Principal, TokenFault> {
    let issuers = JwtIssuers::compile(vec![issuer]).unwrap();
    let proving = Proving {
        keys,
        ..Proving::bare(NOW)
    };
    let checked = issuers.check(token.as_bytes(), &proving);
    checked.map_err(|failure| match failure {
        AuthFailure::Token(fault) => fault,
        other => panic!("{other:?}"),
    })
}

/// What becomes of `token` at an issuer that takes `algorithms` and publishes `jwk`.
fn fault(jwk: &str, algorithms: &[Algorithm], token: &str) -> Option<TokenFault> {
    let document = format!(r#"{{"keys":[{jwk}]}}"#);
    let parsed = KeySet::parse_jwks(document.as_bytes(), algorithms, 1, library().unwrap());
    let ring = KeyRing::EMPTY.with(source(), Some(Arc::new(parsed.unwrap().0)));
    check_by(issuer(algorithms, KeySource::Jwks(source())), &ring, token).err()
}

/// The token that `sign` signs for `algorithm`.
fn minted(algorithm: Algorithm, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let header = format!(r#"{{"alg":"{}","kid":"k"}}"#, algorithm.as_str());
    let signed = format!("{}.{}", encode(header), encode(CLAIMS));
    let signature = encode(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn with_es512(private: &[u8], message: &[u8]) -> Vec<u8> {
    let algorithm = &signature::ECDSA_P521_SHA512_FIXED_SIGNING;
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, private).unwrap();
    let signature = pair.sign(&SystemRandom::new(), message).unwrap();
    signature.as_ref().to_vec()
}

/// The bare signature of another library.
fn signed_by_oracle(key: &EncodingKey, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
    let algorithm = algorithm.as_str().parse().unwrap();
    decode(&jsonwebtoken::crypto::sign(message, key, algorithm).unwrap())
}

fn sign(pair: &Pair, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
    let key = match algorithm.key_type() {
        KeyType::P521 => return with_es512(&pair.private, message),
        KeyType::Rsa => {
            let pkcs1 = pkcs1(&pair.private);
            EncodingKey::from_rsa_der(&pkcs1)
        }
        KeyType::Ed25519 => EncodingKey::from_ed_der(&pair.private),
        _ => EncodingKey::from_ec_der(&pair.private),
    };
    signed_by_oracle(&key, algorithm, message)
}

/// The RSAPrivateKey inside a PKCS #8 document: whatever follows the header of its octet string.
fn pkcs1(pkcs8: &[u8]) -> Vec<u8> {
    pkcs8[26..].to_vec()
}

#[test]
fn every_algorithm_verifies_what_another_library_signed() {
    for algorithm in Algorithm::ALL {
        if algorithm.is_symmetric() {
            continue;
        }
        let pair = pair_for(algorithm);
        let good = minted(algorithm, |message| sign(&pair, algorithm, message));
        assert_eq!(fault(&pair.jwk, &[algorithm], &good), None, "{algorithm:?}");
        let all = &Algorithm::ALL[3..];
        assert_eq!(fault(&pair.jwk, all, &good), None, "{algorithm:?}");
        let altered = minted(algorithm, |message| {
            let mut signature = sign(&pair, algorithm, message);
            signature[7] ^= 1;
            signature
        });
        let bad = Some(TokenFault::BadSignature);
        assert_eq!(
            fault(&pair.jwk, &[algorithm], &altered),
            bad,
            "{algorithm:?}"
        );
        let other = pair_for(algorithm);
        assert_eq!(fault(&other.jwk, &[algorithm], &good), bad, "{algorithm:?}");
    }
}

#[test]
fn every_secret_algorithm_verifies_what_another_library_signed() {
    let secret = [7; 64];
    for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
        let key = EncodingKey::from_secret(&secret);
        let good = minted(algorithm, |message| {
            signed_by_oracle(&key, algorithm, message)
        });
        let check =
            |secret: &[u8]| check_by(of_secret(secret, &[algorithm]), &KeyRing::EMPTY, &good).err();
        assert_eq!(check(&secret), None, "{algorithm:?}");
        assert_eq!(
            check(&[8; 64]),
            Some(TokenFault::BadSignature),
            "{algorithm:?}"
        );
        // A digest cut short is another way to guess it.
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let signature = decode(signature);
        for length in [0, 1, 16, signature.len() - 1] {
            let cut = format!("{signed}.{}", encode(&signature[..length]));
            let found = check_by(of_secret(&secret, &[algorithm]), &KeyRing::EMPTY, &cut);
            assert_eq!(
                found.err(),
                Some(TokenFault::BadSignature),
                "{algorithm:?} {length}"
            );
        }
    }
}
