//! What is counted by address: failed authentications, and requests that need none.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::bounded::{Bounded, Expendable};
use super::{Cell, Charge, Exceeded, Quota, charge};
use crate::engine::limits::UNAUTHENTICATED_PEERS_MAX;

/// Whom failures are counted against: an IPv4 address, or the /64 of an IPv6 address, since one host owns all of a /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerKey {
    /// An IPv4 address, also when it arrived mapped into IPv6.
    V4(Ipv4Addr),
    /// The upper half of an IPv6 address.
    V6Net(u64),
}

impl From<IpAddr> for PeerKey {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::V4(v4),
            IpAddr::V6(v6) => Self::V6Net(upper_half(v6)),
        }
    }
}

fn upper_half(address: Ipv6Addr) -> u64 {
    (address.to_bits() >> 64) as u64
}

impl Expendable for Cell {
    fn is_expendable(&self, now_ns: u64) -> bool {
        self.debt_ns(now_ns) == 0
    }
}

/// Buckets of addresses, for one kind of event. One for the whole process.
///
/// Only refilled buckets are evicted, so nobody resets its own by filling the table. A full table refuses newcomers: their
/// failures with 429 instead of 401, where failures are counted; callers with good credentials notice nothing of that.
#[derive(Debug)]
pub struct PeerQuotas {
    peers: Bounded<PeerKey, Cell>,
}

impl PeerQuotas {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self {
            peers: Bounded::new(),
        }
    }

    /// Counts one failure of `peer` at `now_ns` (monotonic). Errors: the address has failed too often; answer 429.
    pub fn charge_failure(&self, peer: PeerKey, quota: Quota, now_ns: u64) -> Result<(), Exceeded> {
        self.charge(peer, quota, now_ns)
    }

    /// Counts one request of `peer` that needs no credential. Errors: the address asks too often; answer 429.
    pub fn charge_request(&self, peer: PeerKey, quota: Quota, now_ns: u64) -> Result<(), Exceeded> {
        self.charge(peer, quota, now_ns)
    }

    fn charge(&self, peer: PeerKey, quota: Quota, now_ns: u64) -> Result<(), Exceeded> {
        let make = || (peer, Cell::new());
        let count = |cell: &mut Cell| {
            charge(std::iter::once(Charge { cell, quota, n: 1 }), now_ns).map(|_| ())
        };
        let full = || {
            charge(
                std::iter::once(Charge {
                    cell: &Cell::new(),
                    quota,
                    n: u32::MAX,
                }),
                now_ns,
            )
            .map(|_| ())
        };
        self.peers
            .with(&peer, UNAUTHENTICATED_PEERS_MAX, now_ns, make, count)
            .unwrap_or_else(|_| full())
    }

    /// Whether `peer` has failed so often that its next failure would be refused: a cheap look before work that only a
    /// good credential deserves.
    #[must_use]
    pub fn is_exhausted(&self, peer: PeerKey, quota: Quota, now_ns: u64) -> bool {
        let spent = |cell: &Cell| {
            cell.debt_ns(now_ns).saturating_add(quota.increment_ns()) > quota.capacity_ns()
        };
        self.peers.peek(&peer, spent).unwrap_or(false)
    }

    /// Addresses counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether none is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets addresses whose buckets have refilled. Call it from time to time.
    pub fn sweep(&self, now_ns: u64) -> usize {
        self.peers.sweep(now_ns)
    }
}

impl Default for PeerQuotas {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
#[path = "peers/tests.rs"]
mod tests;
