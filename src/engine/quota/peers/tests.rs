#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

const SECOND_NS: u64 = 1_000_000_000;

fn peer(text: &str) -> PeerKey {
    PeerKey::from(text.parse::<IpAddr>().unwrap())
}

#[test]
fn a_peer_is_an_ipv4_address_or_an_ipv6_network() {
    assert_eq!(peer("192.0.2.1"), peer("::ffff:192.0.2.1"));
    assert_ne!(peer("192.0.2.1"), peer("192.0.2.2"));
    assert_eq!(peer("2001:db8:1:2::1"), peer("2001:db8:1:2:ffff::9"));
    assert_ne!(peer("2001:db8:1:2::1"), peer("2001:db8:1:3::1"));
}

#[test]
fn failures_are_counted_per_address_and_forgiven_with_time() {
    let (table, quota) = (PeerQuotas::new(), Quota::new(1.0, 3).unwrap());
    let (bad, good) = (peer("192.0.2.1"), peer("192.0.2.2"));
    for left in [false, false, true] {
        assert!(table.charge_failure(bad, quota, 0).is_ok());
        assert_eq!(table.is_exhausted(bad, quota, 0), left);
    }
    assert_eq!(
        table
            .charge_failure(bad, quota, 0)
            .unwrap_err()
            .retry_after_secs(),
        1
    );
    assert!(!table.is_exhausted(good, quota, 0));
    assert!(table.charge_failure(good, quota, 0).is_ok());
    assert!(table.charge_failure(bad, quota, SECOND_NS).is_ok());
    assert_eq!(table.sweep(SECOND_NS), 1);
    assert_eq!(table.len(), 1);
}

#[test]
fn filling_the_table_does_not_reset_a_bucket_in_debt() {
    let (table, quota) = (PeerQuotas::new(), Quota::new(0.01, 1).unwrap());
    let own = peer("192.0.2.1");
    assert!(table.charge_failure(own, quota, 0).is_ok());
    for n in 0..UNAUTHENTICATED_PEERS_MAX as u64 + 100 {
        let _ = table.charge_failure(PeerKey::V6Net(n), quota, 0);
    }
    assert_eq!(table.len(), UNAUTHENTICATED_PEERS_MAX);
    assert!(table.charge_failure(own, quota, 0).is_err());
    assert!(
        table.charge_failure(peer("192.0.2.77"), quota, 0).is_err(),
        "a full table refuses newcomers' failures"
    );
    assert!(
        table
            .charge_failure(peer("192.0.2.77"), quota, 200 * SECOND_NS)
            .is_ok(),
        "refilled buckets make room"
    );
}
