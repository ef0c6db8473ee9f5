//! How many documents strangers may make the gateway fetch.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::engine::limits::{
    CLIENT_DOCUMENTS_BURST, CLIENT_DOCUMENTS_BURST_PER_PEER, CLIENT_DOCUMENTS_PER_MINUTE,
    CLIENT_DOCUMENTS_PER_MINUTE_PER_PEER,
};
use crate::engine::quota::PeerKey;

/// Addresses that are counted at once. Beyond it nobody new is served until some have refilled: all of them together are bounded
/// anyhow.
const PEERS_MAX: usize = 1_024;

/// Fetches, counted in all and by address.
#[derive(Debug, Default)]
pub(super) struct Quotas {
    all: Bucket,
    peers: HashMap<PeerKey, Bucket>,
}

/// The time at which a bucket is full again (GCRA).
#[derive(Debug, Default)]
struct Bucket(Option<Instant>);

impl Bucket {
    fn debt(&self, now: Instant) -> Duration {
        self.0.map_or(Duration::ZERO, |full_at| {
            full_at.saturating_duration_since(now)
        })
    }

    fn has_room(&self, now: Instant, per_minute: u32, burst: u32) -> bool {
        let pause = Duration::from_secs(60) / per_minute;
        self.debt(now) + pause <= pause * burst
    }

    fn charge(&mut self, now: Instant, per_minute: u32) {
        self.0 = Some(now + self.debt(now) + Duration::from_secs(60) / per_minute);
    }
}

impl Quotas {
    /// Counts one fetch for `peer`, where there is room for it.
    pub(super) fn spend(&mut self, peer: IpAddr, now: Instant) -> bool {
        if self.peers.len() >= PEERS_MAX {
            self.peers.retain(|_, bucket| !bucket.debt(now).is_zero());
        }
        let key = PeerKey::from(peer);
        let is_new = !self.peers.contains_key(&key);
        if is_new && self.peers.len() >= PEERS_MAX {
            return false;
        }
        let (all, own) = (&mut self.all, self.peers.entry(key).or_default());
        let has_room = all.has_room(now, CLIENT_DOCUMENTS_PER_MINUTE, CLIENT_DOCUMENTS_BURST)
            && own.has_room(
                now,
                CLIENT_DOCUMENTS_PER_MINUTE_PER_PEER,
                CLIENT_DOCUMENTS_BURST_PER_PEER,
            );
        if has_room {
            all.charge(now, CLIENT_DOCUMENTS_PER_MINUTE);
            own.charge(now, CLIENT_DOCUMENTS_PER_MINUTE_PER_PEER);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    use std::time::{Duration, Instant};

    use super::{PEERS_MAX, Quotas};

    #[test]
    fn an_address_has_its_share_and_all_have_theirs() {
        let (mut quotas, now) = (Quotas::default(), Instant::now());
        let peer = |n: u32| IpAddr::V4(Ipv4Addr::from_bits(n));
        let spend = |quotas: &mut Quotas, peer, times: u32| {
            (0..times).filter(|_| quotas.spend(peer, now)).count()
        };
        assert_eq!(spend(&mut quotas, peer(1), 100), 10);
        assert_eq!(spend(&mut quotas, peer(2), 9), 9);
        assert!(!quotas.spend(peer(1), now + Duration::from_secs(5)));
        assert!(quotas.spend(peer(1), now + Duration::from_secs(6)));
        let mut quotas = Quotas::default();
        let rest: usize = (0..100).map(|n| spend(&mut quotas, peer(n), 1)).sum();
        assert_eq!(rest, 60);
        assert!(!quotas.spend(peer(200), now));
        assert!(quotas.spend(peer(200), now + Duration::from_secs(1)));
    }

    #[test]
    fn one_network_is_one_address_and_the_table_is_bounded() {
        let (mut quotas, now) = (Quotas::default(), Instant::now());
        let host = |n: u128| IpAddr::V6(Ipv6Addr::from_bits((0x2001 << 112) | n));
        let spent = (0..50).filter(|n| quotas.spend(host(*n), now)).count();
        assert_eq!(spent, 10);
        for n in 0..5_000 {
            quotas.spend(IpAddr::V4(Ipv4Addr::from_bits(n)), now);
            assert!(quotas.peers.len() <= PEERS_MAX);
        }
        // A minute later they have all refilled.
        assert!(quotas.spend(
            IpAddr::V4(Ipv4Addr::from_bits(9_999)),
            now + Duration::from_secs(120)
        ));
    }
}
