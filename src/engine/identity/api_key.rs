//! The table of API keys.

use std::fmt;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::principal::{Principal, Proven, Provider};
use super::ties::Ties;
use super::{AuthFailure, Credential, KEY_PREFIX, KeyHash};
use crate::engine::limits::{API_KEYS_MAX, IDENTITY_ID_BYTES_MAX};
use crate::engine::policy::Grants;
use crate::engine::quota::Quota;

/// One entry of `[[auth.api_keys]]`, validated.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// The identity's id.
    pub id: String,
    /// Digest of the key.
    pub key_hash: KeyHash,
    /// What it may use.
    pub grants: Arc<Grants>,
    /// Its own quota, if it has one.
    pub quota: Option<Quota>,
    /// When it stops working, in seconds of Unix time.
    pub expires_at_secs: Option<u64>,
}

/// Why a table of keys is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeyError {
    /// Two entries share an id: which rights it has would depend on the key used.
    SameId {
        /// Index of the later entry.
        index: usize,
    },
    /// Two entries share a key.
    SameKey {
        /// Index of the later entry.
        index: usize,
    },
    /// The id is empty, too long, or holds a control character.
    BadId {
        /// Index of the entry.
        index: usize,
    },
    /// More than [`API_KEYS_MAX`] entries.
    TooMany,
}

impl fmt::Display for ApiKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameId { index } => write!(
                f,
                "auth.api_keys[{index}].id is used by an earlier key; give each key its own id"
            ),
            Self::SameKey { index } => write!(
                f,
                "auth.api_keys[{index}].key_hash is that of an earlier key"
            ),
            Self::BadId { index } => {
                write!(
                    f,
                    "auth.api_keys[{index}].id must be 1 to {IDENTITY_ID_BYTES_MAX} bytes without control characters"
                )
            }
            Self::TooMany => write!(
                f,
                "auth.api_keys has too many entries; limit is {API_KEYS_MAX}"
            ),
        }
    }
}

impl std::error::Error for ApiKeyError {}

/// API keys by the digest of the key: one hash and one lookup, whatever their number.
#[derive(Debug, Default)]
pub struct ApiKeys {
    by_hash: FxHashMap<KeyHash, Principal>,
    ids: FxHashSet<String>,
}

impl ApiKeys {
    /// Builds the table. Errors: every entry that is refused.
    pub fn compile(keys: Vec<ApiKey>) -> Result<Self, Vec<ApiKeyError>> {
        if keys.len() > API_KEYS_MAX {
            return Err(vec![ApiKeyError::TooMany]);
        }
        let (mut table, mut errors) = (Self::default(), Vec::new());
        for (index, key) in keys.into_iter().enumerate() {
            if !is_identity_id(&key.id) {
                errors.push(ApiKeyError::BadId { index });
            }
            if !table.ids.insert(key.id.clone()) {
                errors.push(ApiKeyError::SameId { index });
            }
            if !table.insert(key) {
                errors.push(ApiKeyError::SameKey { index });
            }
        }
        if errors.is_empty() {
            Ok(table)
        } else {
            Err(errors)
        }
    }

    /// Whether some key stands for the identity `id`.
    #[must_use]
    pub(super) fn holds(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Keys in the table.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_hash.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }

    /// Every principal of the table, in no order, for `explain` and for checks of the whole configuration.
    pub fn principals(&self) -> impl Iterator<Item = &Principal> {
        self.by_hash.values()
    }

    /// Finds the identity behind `credential` at `now_secs` (Unix time).
    ///
    /// Errors: `NotAnApiKey`, `UnknownKey`, `ExpiredKey`. Cost: one SHA-256, one lookup; allocates nothing.
    pub(super) fn check(
        &self,
        credential: Credential<'_>,
        now_secs: u64,
    ) -> Result<Principal, AuthFailure> {
        if !credential.token().starts_with(KEY_PREFIX.as_bytes()) {
            return Err(AuthFailure::NotAnApiKey);
        }
        let principal = self
            .by_hash
            .get(&KeyHash::of(credential.token()))
            .ok_or(AuthFailure::UnknownKey)?;
        if principal.is_expired(now_secs) {
            Err(AuthFailure::ExpiredKey)
        } else {
            Ok(principal.clone())
        }
    }

    /// Adds `key` unless its hash is there already.
    fn insert(&mut self, key: ApiKey) -> bool {
        let principal = Principal::new(Proven {
            provider: Provider::ApiKey,
            realm: None,
            id: &key.id,
            grants: key.grants,
            quota: key.quota,
            ties: Ties::until(key.expires_at_secs),
            granted: None,
        });
        let fresh = !self.by_hash.contains_key(&key.key_hash);
        self.by_hash.entry(key.key_hash).or_insert(principal);
        fresh
    }
}

fn is_identity_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= IDENTITY_ID_BYTES_MAX && !id.chars().any(char::is_control)
}
