//! The keys of one issuer.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::algorithm::{Algorithm, BadKey, KeyMaterial, Signatures, VerifySignature};
use super::jwk;
use crate::engine::limits::KEY_TRIES_MAX;

/// Keys of one issuer at one time. Immutable.
#[derive(Debug, Default)]
pub struct KeySet {
    generation: u64,
    keys: Vec<Key>,
    /// Names of keys that the set has and that are not used.
    unusable: Vec<Box<str>>,
}

/// Tells the key that vouched for a token from every other: a digest of its type and material.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyMark([u8; 32]);

/// One key, ready for each algorithm that it may be used with.
pub(super) struct Key {
    pub(super) kid: Option<Box<str>>,
    /// Digest of its type and material.
    pub(super) fingerprint: [u8; 32],
    /// Never empty; all of the key's one type.
    pub(super) verifiers: Vec<(Algorithm, Box<dyn VerifySignature>)>,
}

/// Why no key of a set vouches for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoGoodKey {
    /// No key has the name; or there is none, and none of those that were tried is good.
    Unknown,
    /// The key of that name is not for the algorithm.
    OtherAlgorithm,
    /// Without a name, more than [`KEY_TRIES_MAX`] keys would have to be tried.
    Unnamed,
    /// The key of that name says no.
    BadSignature,
}

impl KeySet {
    /// Reads a JWK Set (RFC 7517 §5). Keys that cannot be used are skipped, and told; one bad key does not spoil the set.
    /// Symmetric keys are never taken from a set. `allowed` are the algorithms of the configuration: a key without `alg` may
    /// be used for those of them that are of its type. Of two keys with one name and one type the first counts.
    ///
    /// `generation` tells this set from every other of the process. Errors: no JSON object with `keys`, too much of it, or no
    /// key in it that can be used.
    pub fn parse_jwks(
        document: &[u8],
        allowed: &[Algorithm],
        generation: u64,
        signatures: &dyn Signatures,
    ) -> Result<(Self, Vec<SkippedKey>), JwksError> {
        let mut set = Self {
            generation,
            ..Self::default()
        };
        let mut skipped = Vec::new();
        for (index, found) in jwk::read_all(document, allowed, signatures)?
            .into_iter()
            .enumerate()
        {
            if let Err((kid, reason)) = found.and_then(|key| set.add(key)) {
                let kid = kid.inspect(|kid| set.unusable.push(kid.clone()));
                let kid = kid.as_deref().map(printable);
                skipped.push(SkippedKey { index, kid, reason });
            }
        }
        if set.is_empty() {
            return Err(JwksError::NoKeys);
        }
        Ok((set, skipped))
    }

    /// The set of one shared secret, for each of `algorithms`. Errors: `WrongType` where one of them takes no secret, or
    /// there are none; `TooShort` where the secret is shorter than [`Algorithm::secret_bytes_min`] of one of them.
    pub fn of_secret(
        secret: &[u8],
        algorithms: &[Algorithm],
        signatures: &dyn Signatures,
    ) -> Result<Self, BadKey> {
        let verifier = |algorithm: &Algorithm| {
            if !algorithm.is_symmetric() {
                return Err(BadKey::WrongType);
            }
            if secret.len() < algorithm.secret_bytes_min() {
                return Err(BadKey::TooShort);
            }
            let key = signatures.key(*algorithm, KeyMaterial::Secret(secret))?;
            Ok((*algorithm, key))
        };
        let verifiers: Vec<_> = algorithms.iter().map(verifier).collect::<Result<_, _>>()?;
        if verifiers.is_empty() {
            return Err(BadKey::WrongType);
        }
        let key = Key {
            kid: None,
            fingerprint: fingerprint("oct", &[secret]),
            verifiers,
        };
        Ok(Self {
            keys: vec![key],
            ..Self::default()
        })
    }

    /// What tells this set from others.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Keys in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether both have the same keys for the same algorithms under the same names, in whatever order, so that one does as
    /// well as the other.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let has = |set: &Self, key: &Key| set.keys.iter().any(|own| own.is_same_as(key));
        self.keys.len() == other.keys.len() && self.keys.iter().all(|key| has(other, key))
    }

    /// Verifies `signature` over `message` with the key called `kid`, or with each one for `algorithm` where the token names
    /// none, and says which it was. At most [`KEY_TRIES_MAX`] signatures.
    pub(super) fn verify(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<KeyMark, NoGoodKey> {
        let fitting = self
            .keys
            .iter()
            .filter(|key| kid.is_none() || key.kid.as_deref() == kid)
            .filter_map(|key| Some((key, key.verifier(algorithm)?)));
        match fitting.clone().count() {
            0 => return Err(self.why_none(kid)),
            count if count > KEY_TRIES_MAX => return Err(NoGoodKey::Unnamed),
            _ => {}
        }
        let mut fitting = fitting;
        match fitting.find(|(_, verifier)| verifier.verify(message, signature)) {
            Some((key, _)) => Ok(KeyMark(key.fingerprint)),
            None if kid.is_some() => Err(NoGoodKey::BadSignature),
            None => Err(NoGoodKey::Unknown),
        }
    }

    /// Whether the key that `mark` is of is among them.
    #[must_use]
    pub fn has(&self, mark: KeyMark) -> bool {
        self.keys.iter().any(|key| key.fingerprint == mark.0)
    }

    /// A name that the set has, with a key that does not fit, is no reason to fetch it again.
    fn why_none(&self, kid: Option<&str>) -> NoGoodKey {
        let Some(kid) = kid else {
            return NoGoodKey::Unknown;
        };
        let mut used = self.keys.iter().filter_map(|key| key.kid.as_deref());
        if used.any(|own| own == kid) || self.unusable.iter().any(|own| **own == *kid) {
            NoGoodKey::OtherAlgorithm
        } else {
            NoGoodKey::Unknown
        }
    }

    /// Adds `key` unless one of its name already serves one of its algorithms.
    fn add(&mut self, key: Key) -> Result<(), jwk::Skipped> {
        let is_rival = |own: &&Key| own.kid == key.kid && own.shares_algorithm(&key);
        let rivals = self.keys.iter().filter(is_rival);
        let rivals: Vec<_> = rivals.map(|own| own.fingerprint).collect();
        if rivals.contains(&key.fingerprint) {
            return Err((None, "the set has this key already"));
        }
        // Keys without names are tried in turn.
        if key.kid.is_some() && !rivals.is_empty() {
            return Err((None, "kid is that of an earlier key"));
        }
        self.keys.push(key);
        Ok(())
    }
}

impl Key {
    fn verifier(&self, algorithm: Algorithm) -> Option<&dyn VerifySignature> {
        let mut verifiers = self.verifiers.iter();
        let found = verifiers.find(|(own, _)| *own == algorithm);
        found.map(|(_, verifier)| &**verifier)
    }

    fn shares_algorithm(&self, other: &Self) -> bool {
        let mut own = self.verifiers.iter();
        own.any(|(algorithm, _)| other.verifier(*algorithm).is_some())
    }

    fn is_same_as(&self, other: &Self) -> bool {
        let algorithms = |key: &Self| {
            let names = key.verifiers.iter();
            names.map(|(algorithm, _)| *algorithm).collect::<Vec<_>>()
        };
        self.kid == other.kid
            && self.fingerprint == other.fingerprint
            && algorithms(self) == algorithms(other)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithms = self.verifiers.iter().map(|(algorithm, _)| algorithm);
        f.debug_map()
            .entry(&self.kid, &algorithms.collect::<Vec<_>>())
            .finish()
    }
}

/// Digest of a key: its type, and each part with its length in front.
pub(super) fn fingerprint(key_type: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in std::iter::once(&key_type.as_bytes()).chain(parts) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// `kid` for a log: its first characters, without what a terminal would act upon.
fn printable(kid: &str) -> String {
    let plain = kid.chars().take(SHOWN_CHARS_MAX);
    plain
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// Characters of a `kid` that a log shows.
const SHOWN_CHARS_MAX: usize = 64;

/// A key of a set that is not used, and why; for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its place in `keys`.
    pub index: usize,
    /// Its `kid`, cut short where it is long.
    pub kid: Option<String>,
    /// Why.
    pub reason: &'static str,
}

/// Why a document is no key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwksError {
    /// Longer than [`JWKS_BYTES_MAX`](crate::engine::limits::JWKS_BYTES_MAX).
    TooLarge,
    /// Not JSON, or JSON that not every parser reads alike.
    NotJson,
    /// No object with an array `keys`.
    NotASet,
    /// More keys than are looked at.
    TooManyKeys,
    /// No key that can be used.
    NoKeys,
}

impl fmt::Display for JwksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "answer is too large for a JWK Set",
            Self::NotJson => "answer is not JSON",
            Self::NotASet => "answer is no JWK Set",
            Self::TooManyKeys => "set has too many keys",
            Self::NoKeys => "set has no key that can be used",
        })
    }
}

impl std::error::Error for JwksError {}
