//! Who waits for what, and what is remembered. No clock and no network but in [`Question::ask`].

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use zeroize::Zeroizing;

use super::pause::{Pause, Turn};
use crate::control::oauth::provider::{Provider, VouchFault};
use crate::control::oauth::recent::Recent;
use crate::engine::identity::ProofDigest;
use crate::engine::identity::opaque::{Verdict, Vouched};
use crate::engine::limits::{
    UNVOUCHED_MAX, UNVOUCHED_MS, VOUCH_WAITERS_MAX, VOUCHED_MAX, VOUCHES_AT_ONCE_MAX,
    VOUCHES_WAITING_MAX,
};
use crate::mailbox::{Ask, Reply, VouchRequest};
use crate::metrics::{OAuthCells, VouchResult};

/// Everything about tokens that is known or asked at the moment.
pub(super) struct Desk {
    provider: Option<Arc<Provider>>,
    good: Recent<ProofDigest, Arc<Vouched>>,
    bad: Recent<ProofDigest, ()>,
    /// Who waits, by token. Tokens that are asked about, and those that wait for that.
    waiting: HashMap<ProofDigest, Vec<Reply<Verdict>>>,
    /// Tokens that nobody is asked about yet.
    queue: VecDeque<VouchRequest>,
    /// Tokens that somebody is asked about.
    asked: usize,
    pause: Pause,
    cells: Arc<OAuthCells>,
}

/// A question that is to be put now.
pub(super) struct Question {
    provider: Arc<Provider>,
    digest: ProofDigest,
    token: Zeroizing<Box<str>>,
}

/// What came of it.
pub(super) struct Finished {
    provider: Arc<Provider>,
    digest: ProofDigest,
    outcome: Result<Vouched, VouchFault>,
}

impl Question {
    /// Asks the provider.
    pub(super) async fn ask(self) -> Finished {
        let outcome = self.provider.vouch(&self.token).await;
        Finished {
            provider: self.provider,
            digest: self.digest,
            outcome,
        }
    }
}

impl Desk {
    pub(super) fn new(cells: Arc<OAuthCells>) -> Self {
        Self {
            provider: None,
            good: Recent::new(VOUCHED_MAX),
            bad: Recent::new(UNVOUCHED_MAX),
            waiting: HashMap::new(),
            queue: VecDeque::new(),
            asked: 0,
            pause: Pause::default(),
            cells,
        }
    }

    /// Goes on under `provider`. Where that is another one, nothing is known any more.
    pub(super) fn turn_to(&mut self, provider: Option<Arc<Provider>>) {
        let is_same = match (&self.provider, &provider) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        };
        if !is_same {
            self.provider = provider;
            self.good.clear();
            self.bad.clear();
            self.pause = Pause::default();
        }
    }

    /// Answers `ask` with what is known, or lets it wait.
    pub(super) fn take(&mut self, ask: Ask<VouchRequest, Verdict>) {
        let Ask { question, reply } = ask;
        let now = Instant::now();
        if let Some(verdict) = self.remembered(&question.digest, now) {
            self.cells.vouched(VouchResult::Remembered);
            return reply.with(verdict);
        }
        let is_closed = self.provider.is_none() || self.pause.holds(now);
        if is_closed && !self.waiting.contains_key(&question.digest) {
            return self.refuse(reply);
        }
        if let Some(waiting) = self.waiting.get_mut(&question.digest) {
            match waiting.len() < VOUCH_WAITERS_MAX {
                true => waiting.push(reply),
                false => self.refuse(reply),
            }
            return;
        }
        if self.queue.len() >= VOUCHES_WAITING_MAX {
            return self.refuse(reply);
        }
        self.waiting.insert(question.digest, vec![reply]);
        self.queue.push_back(question);
    }

    /// The next question that may be put. Tokens that nobody waits for any more are left out.
    pub(super) fn next(&mut self) -> Option<Question> {
        while self.asked < VOUCHES_AT_ONCE_MAX {
            let VouchRequest { digest, token } = self.queue.pop_front()?;
            let waiting = self.waiting.get(&digest);
            if waiting.is_none_or(|waiting| waiting.iter().all(Reply::is_abandoned)) {
                self.waiting.remove(&digest);
                continue;
            }
            let open = self
                .provider
                .clone()
                .filter(|_| !self.pause.holds(Instant::now()));
            let Some(provider) = open else {
                self.answer(&digest, &Verdict::Unavailable);
                self.cells.vouched(VouchResult::Unavailable);
                continue;
            };
            self.asked += 1;
            return Some(Question {
                provider,
                digest,
                token,
            });
        }
        None
    }

    /// Takes what came of a question, and tells all who wait for it.
    pub(super) fn finish(&mut self, finished: Finished) {
        self.asked = self.asked.saturating_sub(1);
        let Finished {
            provider,
            digest,
            outcome,
        } = finished;
        let is_current = self
            .provider
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, &provider));
        if !is_current {
            // It was judged by rules that hold no longer.
            self.cells.vouched(VouchResult::Unavailable);
            return self.answer(&digest, &Verdict::Unavailable);
        }
        let (now, now_secs) = (Instant::now(), now_secs());
        let was_answered = !matches!(outcome, Err(VouchFault::Unavailable(_)));
        self.tell(&outcome, now, was_answered);
        let (result, verdict) = self.learn(digest, outcome, now, now_secs);
        self.cells.vouched(result);
        self.answer(&digest, &verdict);
    }

    /// A question ended without a word; which one is not known. Whoever waits is told that there is no answer, and may ask again.
    pub(super) fn give_up(&mut self) {
        self.asked = self.asked.saturating_sub(1);
        let queued: Vec<ProofDigest> = self.queue.iter().map(|request| request.digest).collect();
        self.waiting.retain(|digest, _| queued.contains(digest));
    }

    fn remembered(&self, digest: &ProofDigest, now: Instant) -> Option<Verdict> {
        let good = self.good.find(digest, now).cloned().map(Verdict::Active);
        good.or_else(|| self.bad.find(digest, now).map(|()| Verdict::Inactive))
    }

    fn learn(
        &mut self,
        digest: ProofDigest,
        outcome: Result<Vouched, VouchFault>,
        now: Instant,
        now_secs: u64,
    ) -> (VouchResult, Verdict) {
        let result = match outcome {
            Ok(vouched) => {
                let vouched = Arc::new(vouched);
                let life_secs = vouched.ask_again_at_secs.saturating_sub(now_secs);
                let end = now + Duration::from_secs(life_secs);
                self.bad.forget(&digest);
                self.good.keep(digest, Arc::clone(&vouched), end);
                return (VouchResult::Active, Verdict::Active(vouched));
            }
            Err(VouchFault::Unavailable(_)) => {
                return (VouchResult::Unavailable, Verdict::Unavailable);
            }
            Err(VouchFault::Inactive(_)) => VouchResult::Inactive,
            Err(VouchFault::NotAllowed(_)) => VouchResult::NotAllowed,
        };
        let end = now + Duration::from_millis(UNVOUCHED_MS);
        self.good.forget(&digest);
        self.bad.keep(digest, (), end);
        (result, Verdict::Inactive)
    }

    /// An outage is told once, and its end.
    fn tell(&mut self, outcome: &Result<Vouched, VouchFault>, now: Instant, was_answered: bool) {
        match (self.pause.count(was_answered, now), outcome) {
            (Turn::Down, Err(fault)) => {
                tracing::warn!(%fault, "opaque tokens cannot be vouched for");
            }
            (Turn::Up, _) => tracing::info!("opaque tokens are vouched for again"),
            (_, Err(fault)) => tracing::debug!(%fault, "opaque token"),
            (_, Ok(_)) => {}
        }
    }

    fn answer(&mut self, digest: &ProofDigest, verdict: &Verdict) {
        let waiting = self.waiting.remove(digest).unwrap_or_default();
        waiting
            .into_iter()
            .for_each(|reply| reply.with(verdict.clone()));
    }

    /// Whether anybody waits.
    #[cfg(test)]
    pub(super) fn waits_for_any(&self) -> bool {
        !self.waiting.is_empty() || !self.queue.is_empty() || self.asked > 0
    }

    /// Bad tokens that are remembered.
    #[cfg(test)]
    pub(super) fn remembered_bad(&self) -> usize {
        self.bad.len()
    }

    fn refuse(&self, reply: Reply<Verdict>) {
        self.cells.vouched(VouchResult::Unavailable);
        reply.with(Verdict::Unavailable);
    }
}

pub(super) fn now_secs() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
