//! A request whose token needs keys that are not known waits for control to fetch them.
//!
//! Nobody waits while control is asked too often, beyond the source's share of [`KEY_WAITERS_PER_WORKER_MAX`], or from an address
//! that fails too often: forged tokens cost what other bad credentials cost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use guard_io::{Clock, Either, Stop, select, time};

use super::exchange::Exchange;
use super::waiters::{Place, Room};
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

    fn ask(&self, source: SourceId) -> Option<(Stop, Place<'_, SourceId>)> {
        let desks = &self.worker.shared.key_desks;
        let place = self.worker.key_waiters.admit(source, room(desks.len()))?;
        if self.is_suspect() {
            return None;
        }
        let desk = desks.find(source)?;
        Some((desk.ask(Instant::now())?, place))
    }

    /// Whether the address has failed so often that another failure is answered with 429.
    pub(super) fn is_suspect(&self) -> bool {
        let plan = &self.view.snapshot().quotas;
        let peer = PeerKey::from(self.account.client);
        plan.enabled
            && plan.unauthenticated.is_some_and(|quota| {
                let peers = &self.worker.shared.peers;
                peers.is_exhausted(peer, quota, Clock::monotonic_ns())
            })
    }
}

/// The places of those who wait for one of so many sources: equal shares.
fn room(sources: usize) -> Room {
    Room {
        each_max: KEY_WAITERS_PER_WORKER_MAX / sources.max(1),
        all_max: KEY_WAITERS_PER_WORKER_MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::room;
    use crate::engine::limits::{JWT_ISSUERS_MAX, KEY_WAITERS_PER_WORKER_MAX};

    #[test]
    fn somebody_may_wait_for_each_source_and_none_takes_anothers_places() {
        for (sources, share) in [
            (0, KEY_WAITERS_PER_WORKER_MAX),
            (1, KEY_WAITERS_PER_WORKER_MAX),
            (64, 4),
        ] {
            assert_eq!(room(sources).each_max, share);
        }
        assert!(room(JWT_ISSUERS_MAX).each_max * JWT_ISSUERS_MAX <= room(1).all_max);
    }
}
