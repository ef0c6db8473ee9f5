//! How many connections may be open, in total and for one peer, over all workers.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::limits::{PEER_PREFIX_V6_BITS, PEER_SHARDS};

/// Which cap a connection would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapReached {
    /// That of all connections.
    Total {
        /// The cap.
        max: usize,
    },
    /// That of one peer.
    Peer {
        /// The cap.
        max: usize,
    },
}

impl fmt::Display for CapReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total { max } => write!(f, "connections are at their limit of {max}"),
            Self::Peer { max } => write!(f, "connections of the peer are at their limit of {max}"),
        }
    }
}

/// The open connections of the process. Clones count together.
///
/// Exact for any number of workers. Used when a connection is accepted and when it is closed, never for a request.
#[derive(Clone, Debug)]
pub struct ConnectionCaps {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    total_max: usize,
    per_peer_max: usize,
    total: AtomicUsize,
    shards: Vec<Mutex<HashMap<IpAddr, usize>>>,
}

impl ConnectionCaps {
    /// Makes caps with no connection open.
    #[must_use]
    pub fn new(total_max: usize, per_peer_max: usize) -> Self {
        let shards = (0..PEER_SHARDS).map(|_| Mutex::default()).collect();
        Self {
            shared: Arc::new(Shared {
                total_max,
                per_peer_max,
                total: AtomicUsize::new(0),
                shards,
            }),
        }
    }

    /// Counts a connection of `peer` until the slot is dropped. IPv6 peers are told apart by their /64.
    pub fn admit(&self, peer: IpAddr) -> Result<ConnectionSlot, CapReached> {
        let peer = subscriber(peer);
        self.shared.enter_total()?;
        if let Err(reached) = self.shared.enter_peer(peer) {
            self.shared.total.fetch_sub(1, Ordering::Relaxed);
            return Err(reached);
        }
        Ok(ConnectionSlot {
            shared: self.shared.clone(),
            peer,
        })
    }

    /// How many connections are open.
    #[must_use]
    pub fn total(&self) -> usize {
        self.shared.total.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn enter_total(&self) -> Result<(), CapReached> {
        let max = self.total_max;
        let entered = self
            .total
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |total| {
                (total < max).then_some(total + 1)
            });
        entered.map(drop).map_err(|_| CapReached::Total { max })
    }

    fn enter_peer(&self, peer: IpAddr) -> Result<(), CapReached> {
        let mut shard = self.shard(peer);
        let count = shard.get(&peer).copied().unwrap_or(0);
        if count >= self.per_peer_max {
            return Err(CapReached::Peer {
                max: self.per_peer_max,
            });
        }
        shard.insert(peer, count + 1);
        Ok(())
    }

    fn leave_peer(&self, peer: IpAddr) {
        if let Entry::Occupied(mut count) = self.shard(peer).entry(peer) {
            match *count.get() {
                0 | 1 => drop(count.remove()),
                open => *count.get_mut() = open - 1,
            }
        }
    }

    /// No code that can panic runs under the lock, so what a poisoned lock guards is whole.
    fn shard(&self, peer: IpAddr) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.shards[shard_of(peer)]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Spreads peers over the shards. Not secret: peers that meet in a shard only share its lock.
fn shard_of(peer: IpAddr) -> usize {
    let bits = match peer {
        IpAddr::V4(peer) => u128::from(peer.to_bits()),
        IpAddr::V6(peer) => peer.to_bits(),
    };
    let folded = (bits as u64) ^ ((bits >> 64) as u64);
    let mixed = folded.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    mixed as usize % PEER_SHARDS
}

/// The address under which a peer is counted.
fn subscriber(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(peer) => {
            let mask = u128::MAX << (u128::BITS - PEER_PREFIX_V6_BITS);
            IpAddr::V6(Ipv6Addr::from_bits(peer.to_bits() & mask))
        }
        peer => peer,
    }
}

/// One counted connection; dropping it ends the count.
#[derive(Debug)]
pub struct ConnectionSlot {
    shared: Arc<Shared>,
    peer: IpAddr,
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.shared.leave_peer(self.peer);
        self.shared.total.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse()
            .unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED))
    }

    #[test]
    fn caps_hold_on_both_sides_of_the_bound() {
        let caps = ConnectionCaps::new(3, 2);
        let first = caps.admit(ip("10.0.0.1"));
        let second = caps.admit(ip("10.0.0.1"));
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(
            caps.admit(ip("10.0.0.1")).err(),
            Some(CapReached::Peer { max: 2 })
        );
        let third = caps.admit(ip("10.0.0.2"));
        assert!(third.is_ok());
        assert_eq!(
            caps.admit(ip("10.0.0.3")).err(),
            Some(CapReached::Total { max: 3 })
        );
        drop(first);
        assert!(caps.admit(ip("10.0.0.1")).is_ok());
    }

    #[test]
    fn refused_peer_does_not_use_up_the_total() {
        let caps = ConnectionCaps::new(2, 1);
        let _first = caps.admit(ip("10.0.0.1"));
        for _ in 0..10 {
            assert!(caps.admit(ip("10.0.0.1")).is_err());
        }
        assert_eq!(caps.total(), 1);
    }

    #[test]
    fn addresses_of_one_subscriber_count_together() {
        let same = [
            ("2001:db8::1", "2001:db8::ffff:1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
        ];
        for (one, other) in same {
            let caps = ConnectionCaps::new(9, 1);
            let _slot = caps.admit(ip(one));
            assert!(caps.admit(ip(other)).is_err(), "{one} and {other}");
        }
        let caps = ConnectionCaps::new(9, 1);
        let _slot = caps.admit(ip("2001:db8:0:1::1"));
        assert!(caps.admit(ip("2001:db8:0:2::1")).is_ok());
    }

    #[test]
    fn closed_connections_leave_no_entry() {
        let caps = ConnectionCaps::new(1000, 1000);
        let slots: Vec<_> = (0..200_u32)
            .map(|n| caps.admit(IpAddr::V4(n.into())))
            .collect();
        assert_eq!(caps.total(), 200);
        drop(slots);
        assert_eq!(caps.total(), 0);
        assert!((0..200_u32).all(|n| caps.shared.shard(IpAddr::V4(n.into())).is_empty()));
    }

    #[test]
    fn count_is_exact_across_threads() {
        let caps = ConnectionCaps::new(50, 1000);
        let admitted = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for n in 0..4_u32 {
                let (caps, admitted) = (&caps, &admitted);
                scope.spawn(move || {
                    let slots: Vec<_> = (0..50)
                        .filter_map(|_| caps.admit(IpAddr::V4(n.into())).ok())
                        .collect();
                    admitted.fetch_add(slots.len(), Ordering::Relaxed);
                    std::mem::forget(slots);
                });
            }
        });
        assert_eq!(admitted.load(Ordering::Relaxed), 50);
        assert_eq!(caps.total(), 50);
    }
}
