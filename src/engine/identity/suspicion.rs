//! Whether a caller whose address fails too often is worth a signature.
//!
//! A forged token costs its sender nothing and the gateway several times what the rest of the request does. Where an address is
//! beyond `rate_limit.unauthenticated_per_ip` anyhow, its tokens are tried at a fixed rate for all such addresses of a worker
//! together, so that a flood costs little however many take part. Nobody else notices, and neither does a token that was proven
//! before: it is found without a signature.

use crate::engine::quota::{Cell, Charge, PeerKey, PeerQuotas, Quota, charge};

/// What is known of the address that a credential came from.
#[derive(Clone, Copy, Debug)]
pub struct Suspicion<'a> {
    /// Failures by address.
    pub peers: &'a PeerQuotas,
    /// The address.
    pub peer: PeerKey,
    /// What an address may fail.
    pub quota: Quota,
    /// What addresses that failed too often may still try, all of this worker together.
    pub tries: &'a Cell,
    /// Monotonic time, in nanoseconds.
    pub now_ns: u64,
}

impl Suspicion<'_> {
    /// Whether a credential that is not known may be tried. Where its address has failed too often, that spends one of the tries
    /// of [`Quota::SUSPECT_PROOFS`].
    #[must_use]
    pub fn may_try(&self) -> bool {
        !self.is_suspect() || self.spend()
    }

    /// Whether the address has failed so often that another failure is answered with 429.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.peers.is_exhausted(self.peer, self.quota, self.now_ns)
    }

    fn spend(&self) -> bool {
        let try_one = Charge {
            cell: self.tries,
            quota: Quota::SUSPECT_PROOFS,
            n: 1,
        };
        charge(std::iter::once(try_one), self.now_ns).is_ok()
    }
}
