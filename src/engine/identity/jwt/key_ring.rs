//! The key sets in force, of every source, and what is refused although its key is good.

use std::sync::Arc;

use super::{KeySet, RevokedGrants};
use crate::engine::identity::TokenOfGrant;

/// A source of keys: the number of its URL among those of the process, given by [`KeyRing`]'s owner. Equal URLs are one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceId(u64);

impl SourceId {
    /// The gateway's own keys, which control makes and nobody fetches.
    #[must_use]
    pub fn own() -> Self {
        Self::of("own", &[])
    }

    /// The source at `url`, with keys for `algorithms`: a digest, equal in every snapshot.
    #[must_use]
    pub fn of(url: &str, algorithms: &[super::Algorithm]) -> Self {
        use sha2::{Digest as _, Sha256};
        let mut hash = Sha256::new();
        hash.update(url);
        for algorithm in algorithms {
            hash.update([0]);
            hash.update(algorithm.as_str());
        }
        let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = hash.finalize().into();
        Self(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }
}

/// What is known of a source.
#[derive(Clone, Debug, Default)]
pub enum KeyState {
    /// Nothing was fetched yet, or what was fetched is older than may be used.
    #[default]
    Missing,
    /// Keys that may be used.
    Ready(Arc<KeySet>),
}

/// The key sets of every source, as of one moment. Immutable; replaced whole.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    sets: Vec<Entry>,
    /// Absent: none.
    revoked: Option<Arc<RevokedGrants>>,
}

type Entry = (SourceId, Arc<KeySet>);

impl KeyRing {
    /// A ring without keys.
    pub const EMPTY: Self = Self {
        sets: Vec::new(),
        revoked: None,
    };

    /// What is known of `source`.
    #[must_use]
    pub fn state(&self, source: SourceId) -> KeyState {
        let found = self.sets.iter().find(|(id, _)| *id == source);
        found.map_or(KeyState::Missing, |(_, set)| {
            KeyState::Ready(Arc::clone(set))
        })
    }

    /// This ring with `set` in the place of what `source` had; `None` takes it away.
    #[must_use]
    pub fn with(&self, source: SourceId, set: Option<Arc<KeySet>>) -> Self {
        let others = self.sets.iter().filter(|(id, _)| *id != source).cloned();
        let sets = others.chain(set.map(|set| (source, set))).collect();
        Self {
            sets,
            revoked: self.revoked.clone(),
        }
    }

    /// This ring, with tokens of `revoked` refused, and of no other grants.
    #[must_use]
    pub fn refusing(&self, revoked: Arc<RevokedGrants>) -> Self {
        Self {
            sets: self.sets.clone(),
            revoked: Some(revoked),
        }
    }

    /// Whether `token` is of a grant that was taken back.
    pub(in crate::engine::identity) fn refuses(&self, token: TokenOfGrant) -> bool {
        self.revoked
            .as_ref()
            .is_some_and(|revoked| revoked.refuse(token))
    }

    /// Whether both hold the same sets and refuse the same grants.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let same =
            |(one, other): (&Entry, &Entry)| one.0 == other.0 && Arc::ptr_eq(&one.1, &other.1);
        self.sets.len() == other.sets.len()
            && self.sets.iter().zip(&other.sets).all(same)
            && self.revoked == other.revoked
    }
}
