//! API keys as they are stored: by hash alone.

use std::fmt;
use std::hash::{Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// What every API key begins with, so that keys are told from other bearer tokens and found by secret scanners.
pub const KEY_PREFIX: &str = "mcp_";

/// The SHA-256 digest of an API key. Keys carry 256 random bits, so a fast hash without salt is enough.
#[derive(Clone, Copy)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Hashes a presented key.
    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }

    /// Parses the configured form: base64 of 32 bytes in the standard alphabet with its padding, 44 characters. One digest
    /// has one spelling, so that equal keys are found by comparing text.
    ///
    /// Errors: what is wrong with the form; never its text.
    pub fn parse(text: &str) -> Result<Self, KeyHashError> {
        let bytes = STANDARD.decode(text).map_err(|_| KeyHashError::NotBase64)?;
        let found = bytes.len();
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| KeyHashError::WrongLength { found })
    }

    /// Whether both are the same digest, in time that does not depend on where they differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other)
    }
}

impl Eq for KeyHash {}

impl Hash for KeyHash {
    /// Eight bytes of the digest place it in a table. How long a lookup takes may tell which places are taken; it says
    /// nothing about a key, since nobody can choose keys by their digest.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl fmt::Display for KeyHash {
    /// The configured form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}

/// Why a `key_hash` is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyHashError {
    /// Not base64 in the standard alphabet with padding.
    NotBase64,
    /// Base64 of something other than 32 bytes.
    WrongLength {
        /// Bytes found.
        found: usize,
    },
}

impl fmt::Display for KeyHashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBase64 => f.write_str(
                "key hash is not base64 with padding; `mcp-guard hash-key` prints the form",
            ),
            Self::WrongLength { found } => {
                write!(f, "key hash is {found} bytes; a SHA-256 digest has 32")
            }
        }
    }
}

impl std::error::Error for KeyHashError {}

/// Makes an API key of 32 random bytes: `mcp_` and their base64url form, 47 characters. Wiped when dropped.
#[must_use]
pub fn generate_key(random: &[u8; 32]) -> Zeroizing<String> {
    let mut key = Zeroizing::new(String::with_capacity(KEY_PREFIX.len() + 44));
    key.push_str(KEY_PREFIX);
    URL_SAFE_NO_PAD.encode_string(random, &mut key);
    key
}
