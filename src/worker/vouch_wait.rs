//! A request whose opaque token nobody has vouched for yet waits for control to ask its issuer.
//!
//! Nobody waits beyond the places of the worker and of the address; the engine sees to it that nobody does from an address that fails
//! too often. **Invariant:** what is passed on has neither the form of an API key, nor of a signed token, nor of a secret of the
//! gateway's own: the engine asks for a verdict on nothing else.

use std::rc::Rc;

use zeroize::Zeroizing;

use super::asking::Heard;
use super::exchange::Exchange;
use super::waiters::Room;
use crate::engine::admission::Arrival;
use crate::engine::identity::opaque::Verdict;
use crate::engine::identity::{Credential, ProofCache, Provider};
use crate::engine::limits::{
    VOUCH_WAIT_MS_MAX, VOUCH_WAITERS_PER_ADDRESS_MAX, VOUCH_WAITERS_PER_WORKER_MAX,
};
use crate::engine::quota::PeerKey;
use crate::mailbox::VouchRequest;
use crate::metrics::Bound;

const ROOM: Room = Room {
    each_max: VOUCH_WAITERS_PER_ADDRESS_MAX,
    all_max: VOUCH_WAITERS_PER_WORKER_MAX,
};

impl Exchange<'_> {
    /// What the issuer of the caller's token says of it, within [`VOUCH_WAIT_MS_MAX`]; `Unavailable` where it says nothing, or
    /// nobody may wait for it now. `None`: the client has left.
    pub(super) async fn verdict(&self) -> Option<Verdict> {
        let worker = self.worker;
        let place = worker
            .vouch_waiters
            .admit(PeerKey::from(self.account.client), ROOM);
        let asked = place.and_then(|place| {
            let request = self.vouch_request()?;
            Some((worker.shared.vouching.put(request)?, place))
        });
        let Some((awaited, _place)) = asked else {
            worker.metrics().bound(Bound::VouchWaiting);
            return Some(Verdict::Unavailable);
        };
        match self.hear(&awaited, VOUCH_WAIT_MS_MAX).await {
            Heard::Answer(verdict) => Some(verdict),
            Heard::Gone => None,
            Heard::Nothing | Heard::TooLate | Heard::Draining => Some(Verdict::Unavailable),
        }
    }

    fn vouch_request(&self) -> Option<VouchRequest> {
        let header = self.digest.authorization?.of(self.head_bytes());
        let token = Credential::parse(header).ok()?.token();
        Some(VouchRequest {
            digest: ProofCache::digest(Provider::OAuth, token),
            token: Zeroizing::new(str::from_utf8(token).ok()?.into()),
        })
    }

    /// The same arrival with a verdict on its token. The proof is kept where the configuration is still the one in force: the cache
    /// belongs to that.
    pub(super) fn arrival_with<'a>(&'a self, verdict: &'a Verdict) -> Arrival<'a> {
        let mut arrival = self.arrival();
        let is_current = Rc::ptr_eq(&self.worker.view(), self.view);
        arrival.proving.cache = arrival.proving.cache.filter(|_| is_current);
        arrival.proving.verdict = Some(verdict);
        // It was found worth the question.
        arrival.proving.suspicion = None;
        arrival
    }
}

#[cfg(test)]
mod tests;
