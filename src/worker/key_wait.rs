//! A request whose token needs keys that are not known waits for control to fetch them.
//!
//! Nobody waits while control is asked too often, beyond [`KEY_WAITERS_PER_WORKER_MAX`], or from an address that fails too
//! often: forged tokens cost what other bad credentials cost.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use guard_io::{Clock, Either, Stop, select, time};

use super::exchange::Exchange;
use crate::engine::identity::jwt::{KeyRing, SourceId};
use crate::engine::limits::{KEY_WAIT_MS_MAX, KEY_WAITERS_PER_WORKER_MAX};
use crate::engine::quota::PeerKey;

/// How a wait ended.
pub(super) enum Waited {
    /// There are other keys than before.
    Renewed(Arc<KeyRing>),
    /// Nothing has changed, or nobody may wait.
    InVain,
    /// The client has left.
    Gone,
}

impl Exchange<'_> {
    /// Asks for the keys of `source` and waits until they were fetched, [`KEY_WAIT_MS_MAX`] at most.
    pub(super) async fn newer_keys(&self, source: SourceId) -> Waited {
        // They may have come between the beginning of this exchange and now.
        if let Some(keys) = self.changed_keys() {
            return Waited::Renewed(keys);
        }
        let Some((asked, _place)) = self.ask(source) else {
            return Waited::InVain;
        };
        let gone = self.connection.stream.hangup();
        let expired = self.worker.expired.raised();
        let answer = select(asked.raised(), select(gone, expired));
        match time::timeout(Duration::from_millis(KEY_WAIT_MS_MAX), answer).await {
            Ok(Either::Right(Either::Left(()))) => Waited::Gone,
            _ => self.changed_keys().map_or(Waited::InVain, Waited::Renewed),
        }
    }

    fn changed_keys(&self) -> Option<Arc<KeyRing>> {
        let now = self.worker.view();
        let has_changed = now.live.keys_version != self.view.live.keys_version;
        has_changed.then(|| Arc::clone(&now.live.keys))
    }

    fn ask(&self, source: SourceId) -> Option<(Stop, Place<'_>)> {
        let place = Place::take(&self.worker.key_waiters)?;
        if self.is_suspect() {
            return None;
        }
        let desk = self.worker.shared.key_desks.find(source)?;
        Some((desk.ask(Instant::now())?, place))
    }

    /// Whether the address has failed so often that another failure is answered with 429.
    fn is_suspect(&self) -> bool {
        let plan = &self.view.snapshot().quotas;
        let peer = PeerKey::from(self.account.client);
        plan.enabled
            && plan.unauthenticated.is_some_and(|quota| {
                let peers = &self.worker.shared.peers;
                peers.is_exhausted(peer, quota, Clock::monotonic_ns())
            })
    }
}

/// A place among those who wait; given back when dropped.
struct Place<'w>(&'w Cell<usize>);

impl<'w> Place<'w> {
    fn take(waiters: &'w Cell<usize>) -> Option<Self> {
        let place = (waiters.get() < KEY_WAITERS_PER_WORKER_MAX).then(|| Self(waiters))?;
        waiters.set(waiters.get() + 1);
        Some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::cell::Cell;

    use super::Place;
    use crate::engine::limits::KEY_WAITERS_PER_WORKER_MAX;

    #[test]
    fn as_many_wait_as_may_and_places_come_back() {
        let waiters = Cell::new(0);
        let mut places: Vec<_> = (0..KEY_WAITERS_PER_WORKER_MAX)
            .map(|_| Place::take(&waiters).unwrap())
            .collect();
        assert!(Place::take(&waiters).is_none());
        assert_eq!(waiters.get(), KEY_WAITERS_PER_WORKER_MAX);
        places.pop();
        places.push(Place::take(&waiters).unwrap());
        drop(places);
        assert_eq!(waiters.get(), 0);
    }
}
