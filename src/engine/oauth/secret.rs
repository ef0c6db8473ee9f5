//! Secrets that the gateway gives out: codes, refresh tokens, client secrets.

use std::fmt;
use std::hash::{Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// What a secret is for. It shows in the secret's first letters, so that none is taken for another, nor for a token of somebody
/// else that could be sent there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// An authorization code.
    Code,
    /// A refresh token.
    Refresh,
    /// A secret of a registered client.
    Client,
}

impl SecretKind {
    /// What every secret of the gateway's own begins with, whatever its kind; API keys begin otherwise.
    pub const FAMILY: &'static str = "mcpg_";

    /// What secrets of this kind begin with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Code => "mcpg_code_",
            Self::Refresh => "mcpg_refresh_",
            Self::Client => "mcpg_client_",
        }
    }
}

/// The SHA-256 of a secret: what is kept of it.
#[derive(Clone, Copy, Eq)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of `presented`.
    #[must_use]
    pub fn of(presented: &[u8]) -> Self {
        Self(Sha256::digest(presented).into())
    }

    /// The hash with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// By the same bytes as the comparison.
impl Hash for SecretHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// A new secret of `kind`, 256 random bits of it, and its hash. Errors: the system has no random bytes.
pub fn mint(kind: SecretKind) -> Result<(Zeroizing<String>, SecretHash), getrandom::Error> {
    let mut random = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *random)?;
    let mut text = Zeroizing::new(String::with_capacity(64));
    text.push_str(kind.prefix());
    URL_SAFE_NO_PAD.encode_string(*random, &mut text);
    let hash = SecretHash::of(text.as_bytes());
    Ok((text, hash))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{SecretHash, SecretKind, mint};

    #[test]
    fn a_secret_is_known_by_its_hash_and_its_kind_by_its_first_letters() {
        for kind in [SecretKind::Code, SecretKind::Refresh, SecretKind::Client] {
            let (one, hash) = mint(kind).unwrap();
            let (other, _) = mint(kind).unwrap();
            assert_eq!(SecretHash::of(one.as_bytes()), hash);
            assert_ne!(SecretHash::of(other.as_bytes()), hash);
            assert!(one.starts_with(kind.prefix()) && one.starts_with(SecretKind::FAMILY));
            assert_eq!(one.len(), kind.prefix().len() + 43);
        }
    }
}
