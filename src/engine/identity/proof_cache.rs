//! Proofs that were made, so that the next request with the same credential costs a look-up.

use std::cell::RefCell;
use std::fmt;

use rustc_hash::FxHashMap;
use sha2::{Digest as _, Sha256};

use super::{Principal, Provider};
use crate::engine::limits::PROOF_EVICTION_PROBES_MAX;

/// A cache of one worker: digest of a credential → principal. Bounded; holds no credential.
///
/// A hit is good only while the configuration and the keys are those under which it was proven ([`align`](Self::align)), and
/// within the credential's own time, and before whoever vouched for it is to be asked again. Only good proofs are kept, so that forged credentials push nothing out.
///
/// Entries leave in the order in which they came, save that one that was used since it was last passed over stays (CLOCK):
/// a caller with many good tokens pushes out its own before those that are in use. Memory: about 130 bytes an entry beside
/// its principal; grows with use up to the bound.
pub struct ProofCache(RefCell<Table>);

struct Table {
    version: ProofVersion,
    entries_max: usize,
    places: FxHashMap<ProofDigest, usize>,
    entries: Vec<Entry>,
    /// Where the search for an entry to push out goes on.
    hand: usize,
}

struct Entry {
    digest: ProofDigest,
    principal: Principal,
    not_before_secs: u64,
    /// First second at which it may not be used.
    ends_at_secs: u64,
    was_used: bool,
}

/// Under what a proof was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProofVersion {
    /// [`Snapshot::revision`](crate::engine::snapshot::Snapshot::revision).
    pub revision: u64,
    /// Counts the changes of the key ring.
    pub keys: u64,
}

/// The SHA-256 digest of a credential and of what kind it is.
pub type ProofDigest = [u8; 32];

impl ProofCache {
    /// A cache for `entries_max` proofs.
    #[must_use]
    pub fn new(entries_max: usize) -> Self {
        Self(RefCell::new(Table {
            version: ProofVersion::default(),
            entries_max,
            places: FxHashMap::default(),
            entries: Vec::new(),
            hand: 0,
        }))
    }

    /// What a `credential` that proves identities of `provider` is found by. One credential never answers for another kind.
    #[must_use]
    pub fn digest(provider: Provider, credential: &[u8]) -> ProofDigest {
        let mut hash = Sha256::new();
        hash.update([provider as u8]);
        hash.update(credential);
        hash.finalize().into()
    }

    /// Drops everything that was proven under another `version`.
    pub fn align(&self, version: ProofVersion) {
        let table = &mut *self.0.borrow_mut();
        if table.version != version {
            table.version = version;
            table.places.clear();
            table.entries.clear();
            table.hand = 0;
        }
    }

    /// The principal behind `digest`, where its proof still holds at `now_secs` (Unix time). Allocates nothing.
    #[must_use]
    pub fn find(&self, digest: &ProofDigest, now_secs: u64) -> Option<Principal> {
        let table = &mut *self.0.borrow_mut();
        let entry = &mut table.entries[*table.places.get(digest)?];
        let holds = (entry.not_before_secs..entry.ends_at_secs).contains(&now_secs);
        entry.was_used = holds;
        holds.then(|| entry.principal.clone())
    }

    /// Keeps a proof that was just made, whatever resource it is for: who finds it again asks that again ([`Principal::is_for`]). `not_before_secs` is the credential's own beginning.
    pub fn keep(&self, digest: ProofDigest, principal: &Principal, not_before_secs: Option<u64>) {
        self.0.borrow_mut().keep(Entry {
            digest,
            principal: principal.clone(),
            not_before_secs: not_before_secs.unwrap_or(0),
            ends_at_secs: principal.ties().proof_ends_at_secs(),
            was_used: false,
        });
    }
}

impl Table {
    fn keep(&mut self, entry: Entry) {
        if let Some(place) = self.places.get(&entry.digest) {
            self.entries[*place] = entry;
        } else if self.entries.len() < self.entries_max {
            self.places.insert(entry.digest, self.entries.len());
            self.entries.push(entry);
        } else if !self.entries.is_empty() {
            let place = self.make_room();
            self.places.remove(&self.entries[place].digest);
            self.places.insert(entry.digest, place);
            self.entries[place] = entry;
        }
    }

    /// The place of the first entry from the hand on that was not used since the hand passed, or of the last one looked at.
    fn make_room(&mut self) -> usize {
        let mut place = self.hand;
        for _ in 0..PROOF_EVICTION_PROBES_MAX {
            place = self.hand;
            self.hand = (place + 1) % self.entries.len();
            if !std::mem::take(&mut self.entries[place].was_used) {
                break;
            }
        }
        place
    }
}

impl fmt::Debug for ProofCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.0.borrow().entries.len();
        f.debug_struct("ProofCache")
            .field("entries", &entries)
            .finish()
    }
}

#[cfg(test)]
#[path = "proof_cache/tests.rs"]
mod tests;
