//! The keys of one issuer.

use std::fmt;

use super::algorithm::{Algorithm, BadKey, Signatures};

/// Keys of one issuer at one time. Immutable.
#[derive(Debug, Default)]
pub struct KeySet {
    generation: u64,
}

impl KeySet {
    /// Reads a JWK Set (RFC 7517 §5). Keys that cannot be used are skipped, and told; one bad key does not spoil the set.
    /// Symmetric keys are never taken from a set. `allowed` are the algorithms of the configuration: a key without `alg` may
    /// be used for those of them that are of its type.
    ///
    /// `generation` tells this set from every other of the process. Errors: no JSON object with `keys`, or no key in it that
    /// can be used.
    pub fn parse_jwks(
        document: &[u8],
        allowed: &[Algorithm],
        generation: u64,
        signatures: &dyn Signatures,
    ) -> Result<(Self, Vec<SkippedKey>), JwksError> {
        let _ = (document, allowed, generation, signatures);
        Err(JwksError::NoKeys)
    }

    /// The set of one shared secret, for each of `algorithms`. Errors: the secret is too short.
    pub fn of_secret(
        secret: &[u8],
        algorithms: &[Algorithm],
        signatures: &dyn Signatures,
    ) -> Result<Self, BadKey> {
        let _ = (secret, algorithms, signatures);
        Err(BadKey::Malformed)
    }

    /// What tells this set from others.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Keys in it.
    #[must_use]
    pub fn len(&self) -> usize {
        0
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

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
            Self::NotJson => "answer is not JSON",
            Self::NotASet => "answer is no JWK Set",
            Self::TooManyKeys => "set has too many keys",
            Self::NoKeys => "set has no key that can be used",
        })
    }
}

impl std::error::Error for JwksError {}
