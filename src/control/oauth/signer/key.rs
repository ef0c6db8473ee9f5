//! One key pair: made, kept as PKCS #8, signed with, published as a JWK.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::SignerError;
use crate::config::model::SigningAlgorithm;
use crate::control::oauth::store::{StoredKey, Vault};

/// Bytes of a coordinate of P-256.
const COORDINATE_BYTES: usize = 32;

/// A key pair. `Debug` shows its name alone.
pub(super) struct SigningKey {
    /// `kid`: the thumbprint of the public key (RFC 7638).
    pub(super) id: Box<str>,
    pub(super) created_at_secs: u64,
    /// When another key took its place; tokens of it live for a while longer.
    pub(super) retired_at_secs: Option<u64>,
    pair: Pair,
    /// As the store has it.
    sealed: Box<[u8]>,
}

enum Pair {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.id).finish()
    }
}

impl SigningKey {
    /// A new pair for `algorithm`.
    pub(super) fn make(
        algorithm: SigningAlgorithm,
        vault: &Vault,
        now_secs: u64,
    ) -> Result<Self, SignerError> {
        let secret = new_secret(algorithm)?;
        let pair = Pair::read(algorithm, &secret).ok_or(SignerError::Library)?;
        let id = pair.thumbprint();
        let sealed = vault.seal_key(&id, &secret).map_err(SignerError::Vault)?;
        Ok(Self {
            id,
            created_at_secs: now_secs,
            retired_at_secs: None,
            pair,
            sealed,
        })
    }

    /// The pair that the store has. Errors: it was sealed with another secret, or is damaged.
    pub(super) fn open(stored: &StoredKey, vault: &Vault) -> Result<Self, SignerError> {
        let secret = vault.open_key(&stored.id, &stored.sealed);
        let secret = secret.map_err(SignerError::Vault)?;
        let damaged = || SignerError::Damaged(stored.id.clone());
        let algorithm = algorithm_named(&stored.algorithm).ok_or_else(damaged)?;
        let pair = Pair::read(algorithm, &secret).ok_or_else(damaged)?;
        if pair.thumbprint() != stored.id {
            return Err(damaged());
        }
        Ok(Self {
            id: stored.id.clone(),
            created_at_secs: stored.created_at_secs,
            retired_at_secs: stored.retired_at_secs,
            pair,
            sealed: stored.sealed.clone(),
        })
    }

    /// As the store keeps it.
    pub(super) fn stored(&self) -> StoredKey {
        StoredKey {
            id: self.id.clone(),
            algorithm: self.algorithm_name().into(),
            sealed: self.sealed.clone(),
            created_at_secs: self.created_at_secs,
            retired_at_secs: self.retired_at_secs,
        }
    }

    pub(super) const fn algorithm(&self) -> SigningAlgorithm {
        match self.pair {
            Pair::Es256(_) => SigningAlgorithm::Es256,
            Pair::EdDsa(_) => SigningAlgorithm::EdDsa,
        }
    }

    /// `alg`.
    pub(super) const fn algorithm_name(&self) -> &'static str {
        match self.algorithm() {
            SigningAlgorithm::Es256 => "ES256",
            SigningAlgorithm::EdDsa => "EdDSA",
        }
    }

    /// The signature of `message`, as JWS has it (RFC 7518 §3.4, RFC 8037 §3.1).
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let signature = match &self.pair {
            Pair::Es256(pair) => pair.sign(&SystemRandom::new(), message),
            Pair::EdDsa(pair) => pair.try_sign(message),
        };
        Some(signature.ok()?.as_ref().to_vec())
    }

    /// Whether `signature` of `message` is this key's.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.pair {
            Pair::Es256(pair) => {
                let public = pair.public_key().as_ref();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public).verify(message, signature)
            }
            Pair::EdDsa(pair) => {
                let public = pair.public_key().as_ref();
                UnparsedPublicKey::new(&ED25519, public).verify(message, signature)
            }
        };
        verified.is_ok()
    }

    /// The public key, for verifying signatures.
    pub(super) fn jwk(&self) -> Value {
        let mut jwk = self.pair.public();
        jwk["use"] = "sig".into();
        jwk["alg"] = self.algorithm_name().into();
        jwk["kid"] = (*self.id).into();
        jwk
    }
}

impl Pair {
    fn read(algorithm: SigningAlgorithm, secret: &[u8]) -> Option<Self> {
        match algorithm {
            SigningAlgorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, secret);
                Some(Self::Es256(pair.ok()?))
            }
            SigningAlgorithm::EdDsa => Some(Self::EdDsa(Ed25519KeyPair::from_pkcs8(secret).ok()?)),
        }
    }

    /// The members that make the key what it is, in the order of their names.
    fn public(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Es256(pair) => {
                // An uncompressed point (SEC 1 §2.3.3): 4, x, y.
                let point = pair.public_key().as_ref();
                let (x, y) = point[1..].split_at(COORDINATE_BYTES);
                json!({"crv": "P-256", "kty": "EC", "x": text(x), "y": text(y)})
            }
            Self::EdDsa(pair) => {
                json!({"crv": "Ed25519", "kty": "OKP", "x": text(pair.public_key().as_ref())})
            }
        }
    }

    /// RFC 7638: the digest of [`Self::public`] without spaces.
    fn thumbprint(&self) -> Box<str> {
        let digest = Sha256::digest(self.public().to_string());
        URL_SAFE_NO_PAD.encode(digest).into()
    }
}

fn new_secret(algorithm: SigningAlgorithm) -> Result<Zeroizing<Vec<u8>>, SignerError> {
    let random = SystemRandom::new();
    let document = match algorithm {
        SigningAlgorithm::Es256 => {
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
        }
        SigningAlgorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&random),
    };
    let document = document.map_err(|_| SignerError::Library)?;
    Ok(Zeroizing::new(document.as_ref().to_vec()))
}

fn algorithm_named(name: &str) -> Option<SigningAlgorithm> {
    match name {
        "ES256" => Some(SigningAlgorithm::Es256),
        "EdDSA" => Some(SigningAlgorithm::EdDsa),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::SigningKey;
    use crate::config::model::SigningAlgorithm;
    use crate::control::oauth::signer::SignerError;
    use crate::control::oauth::store::Vault;

    const BOTH: [SigningAlgorithm; 2] = [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa];

    #[test]
    fn a_key_is_the_same_after_it_was_kept_and_opens_for_its_vault_and_name_alone() {
        let vault = Vault::new(b"one secret of more than 32 bytes here");
        for algorithm in BOTH {
            let key = SigningKey::make(algorithm, &vault, 7).unwrap();
            let stored = key.stored();
            let again = SigningKey::open(&stored, &vault).unwrap();
            assert_eq!(again.jwk(), key.jwk());
            assert_eq!(again.created_at_secs, 7);
            let other = Vault::new(b"another secret of more than 32 bytes");
            let mut renamed = stored.clone();
            renamed.id = "else".into();
            let mut mislabelled = stored.clone();
            mislabelled.algorithm = "none".into();
            assert!(matches!(
                SigningKey::open(&stored, &other),
                Err(SignerError::Vault(_))
            ));
            assert!(matches!(
                SigningKey::open(&renamed, &vault),
                Err(SignerError::Vault(_))
            ));
            assert!(matches!(
                SigningKey::open(&mislabelled, &vault),
                Err(SignerError::Damaged(_))
            ));
        }
    }

    #[test]
    fn the_name_of_a_key_is_its_thumbprint_and_nothing_private_is_published() {
        let vault = Vault::new(b"one secret of more than 32 bytes here");
        for algorithm in BOTH {
            let key = SigningKey::make(algorithm, &vault, 7).unwrap();
            let jwk = key.jwk();
            let names: Vec<_> = jwk
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            let known = ["crv", "kty", "x", "y", "use", "alg", "kid"];
            assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
            assert_eq!(key.id.len(), 43);
            assert_eq!(format!("{key:?}"), format!("SigningKey({:?})", key.id));
            let other = SigningKey::make(algorithm, &vault, 7).unwrap();
            assert_ne!(other.id, key.id);
        }
    }
}
