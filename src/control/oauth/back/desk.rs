//! What the endpoints remember from one request to the next: who registers clients, and which grants are being refreshed.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::engine::limits::{
    OAUTH_REGISTRATIONS_PER_ADDRESS_BURST, OAUTH_REGISTRATIONS_PER_ADDRESS_PER_HOUR,
    OAUTH_REGISTRATIONS_PER_HOUR,
};
use crate::engine::oauth::GrantId;
use crate::engine::quota::{Cell, Charge, PeerQuotas, Quota, charge};

const HOUR_SECS: f64 = 3_600.0;

/// What outlives a request, and a configuration.
#[derive(Debug, Default)]
pub(in crate::control::oauth) struct Desk {
    registrations: Registrations,
    turns: Turns,
}

impl Desk {
    /// Counts a client that `address` registers at `now_ns` (monotonic). Errors: after how many seconds the next may come.
    pub(super) fn count_registration(&self, address: IpAddr, now_ns: u64) -> Result<(), u32> {
        self.registrations.count(address, now_ns)
    }

    /// Waits until nobody else refreshes `grant`, and keeps others waiting until what is returned is dropped.
    pub(super) async fn turn(&self, grant: GrantId) -> Turn {
        self.turns.wait(grant).await
    }
}

/// Registrations by address, and of all.
#[derive(Debug)]
struct Registrations {
    peers: PeerQuotas,
    all: Cell,
}

impl Default for Registrations {
    fn default() -> Self {
        Self {
            peers: PeerQuotas::new(),
            all: Cell::new(),
        }
    }
}

impl Registrations {
    fn count(&self, address: IpAddr, now_ns: u64) -> Result<(), u32> {
        let of_address = quota(
            OAUTH_REGISTRATIONS_PER_ADDRESS_PER_HOUR,
            OAUTH_REGISTRATIONS_PER_ADDRESS_BURST,
        );
        let of_all = quota(OAUTH_REGISTRATIONS_PER_HOUR, OAUTH_REGISTRATIONS_PER_HOUR);
        // A bound that is no quota lets nobody in.
        let (Some(of_address), Some(of_all)) = (of_address, of_all) else {
            return Err(1);
        };
        let peer = self
            .peers
            .charge_request(address.into(), of_address, now_ns);
        peer.map_err(|exceeded| exceeded.retry_after_secs())?;
        let one = Charge {
            cell: &self.all,
            quota: of_all,
            n: 1,
        };
        let charged = charge(std::iter::once(one), now_ns);
        charged.map_err(|exceeded| exceeded.retry_after_secs())?;
        self.peers.sweep(now_ns);
        Ok(())
    }
}

fn quota(per_hour: u32, burst: u32) -> Option<Quota> {
    Quota::new(f64::from(per_hour) / HOUR_SECS, burst).ok()
}

/// Grants that are being refreshed. As many as requests are served at once.
#[derive(Default)]
struct Turns(Arc<Mutex<HashMap<GrantId, Arc<tokio::sync::Mutex<()>>>>>);

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turns(..)")
    }
}

impl Turns {
    async fn wait(&self, grant: GrantId) -> Turn {
        let own = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(grant).or_default())
        };
        let mut turn = Turn {
            grant,
            turns: Self(Arc::clone(&self.0)),
            held: None,
        };
        turn.held = Some(own.lock_owned().await);
        turn
    }
}

/// Nobody else refreshes the grant while this is there.
#[derive(Debug)]
pub(super) struct Turn {
    grant: GrantId,
    turns: Turns,
    held: Option<OwnedMutexGuard<()>>,
}

impl Drop for Turn {
    /// The last to leave removes what they waited at.
    fn drop(&mut self) {
        let mut all = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.held = None;
        if all
            .get(&self.grant)
            .is_some_and(|own| Arc::strong_count(own) == 1)
        {
            all.remove(&self.grant);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::net::IpAddr;

    use super::{Desk, Registrations};
    use crate::engine::limits::{
        OAUTH_REGISTRATIONS_PER_ADDRESS_BURST as OF_ONE, OAUTH_REGISTRATIONS_PER_HOUR as OF_ALL,
    };
    use crate::engine::oauth::GrantId;

    const HOUR_NS: u64 = 3_600 * 1_000_000_000;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_registers_so_many_and_no_more() {
        for (one, same, other) in [
            ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
            ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"),
        ] {
            let registrations = Registrations::default();
            for _ in 0..OF_ONE {
                registrations.count(address(one), 1).unwrap();
            }
            assert!(registrations.count(address(one), 1).unwrap_err() > 1);
            assert!(registrations.count(address(same), 1).is_err());
            assert!(registrations.count(address(other), 1).is_ok());
            assert!(registrations.count(address(one), HOUR_NS).is_ok());
        }
    }

    #[test]
    fn all_addresses_together_register_so_many_and_no_more() {
        let registrations = Registrations::default();
        let of = |number: u32| IpAddr::V4(number.to_be_bytes().into());
        for number in 0..OF_ALL {
            registrations.count(of(number), 1).unwrap();
        }
        assert!(registrations.count(of(OF_ALL), 1).is_err());
        assert!(registrations.count(of(OF_ALL + 1), HOUR_NS).is_ok());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_grant_is_refreshed_by_one_at_a_time_and_nothing_is_left() {
        let desk = Desk::default();
        let (one, other) = (GrantId([1; 16]), GrantId([2; 16]));
        let held = desk.turn(one).await;
        let _other = desk.turn(other).await;
        let mut waiting = Box::pin(desk.turn(one));
        assert!(futures_poll(&mut waiting).await.is_none());
        drop(held);
        let next = futures_poll(&mut waiting).await.unwrap();
        // Somebody who gives up leaves nothing behind either.
        assert!(futures_poll(&mut Box::pin(desk.turn(one))).await.is_none());
        drop(next);
        assert_eq!(desk.turns.0.lock().unwrap().len(), 1);
    }

    /// What `future` has to say at once.
    async fn futures_poll<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
                std::task::Poll::Ready(value) => Some(value),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
