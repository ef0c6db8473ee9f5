//! A request whose token needs keys that are not known waits for control to fetch them.
//!
//! Nobody waits while control is asked too often, beyond the source's share of [`KEY_WAITERS_PER_WORKER_MAX`], or from an address
//! that fails too often: forged tokens cost what other bad credentials cost.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use guard_io::{Clock, Either, Stop, select, time};
use rustc_hash::FxHashMap;

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
        let desks = &self.worker.shared.key_desks;
        let place = self.worker.key_waiters.admit(source, desks.len())?;
        if self.is_suspect() {
            return None;
        }
        let desk = desks.find(source)?;
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

/// How many requests of a worker wait, by the source that they wait for. Each source has its share of the places, so that whoever
/// waits for one that is silent takes none from the users of another.
#[derive(Debug, Default)]
pub(super) struct KeyWaiters(RefCell<FxHashMap<SourceId, usize>>);

impl KeyWaiters {
    /// A place among those who wait for `source`, one of `sources`; `None` where its share is taken.
    fn admit(&self, source: SourceId, sources: usize) -> Option<Place<'_>> {
        let share = KEY_WAITERS_PER_WORKER_MAX / sources.max(1);
        let mut counts = self.0.borrow_mut();
        let count = counts.get(&source).copied().unwrap_or(0);
        (count < share).then(|| {
            counts.insert(source, count + 1);
            Place {
                waiters: self,
                source,
            }
        })
    }

    fn leave(&self, source: SourceId) {
        let mut counts = self.0.borrow_mut();
        match counts.get_mut(&source) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(counts.remove(&source)),
        }
    }
}

/// A place among those who wait; given back when dropped.
#[derive(Debug)]
struct Place<'w> {
    waiters: &'w KeyWaiters,
    source: SourceId,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.waiters.leave(self.source);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::KeyWaiters;
    use crate::engine::identity::jwt::SourceId;
    use crate::engine::limits::KEY_WAITERS_PER_WORKER_MAX;

    #[test]
    fn as_many_wait_for_a_source_as_may_and_places_come_back() {
        let waiters = KeyWaiters::default();
        let [one, other] =
            ["https://one.example", "https://other.example"].map(|url| SourceId::of(url, &[]));
        for (sources, share) in [(1, KEY_WAITERS_PER_WORKER_MAX), (64, 4)] {
            let mut places: Vec<_> = (0..share)
                .map(|_| waiters.admit(one, sources).unwrap())
                .collect();
            assert!(waiters.admit(one, sources).is_none());
            assert!(waiters.admit(other, sources).is_some());
            places.pop();
            places.push(waiters.admit(one, sources).unwrap());
            drop(places);
            assert!(waiters.0.borrow().is_empty(), "nothing is left behind");
        }
    }
}
