//! The task of one source.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use super::fetch::{FetchFault, Fetched, fetch};
use super::schedule::{Dice, Schedule};
use super::settings::SourceSettings;
use crate::control::outbound::{self, OutboundFault};
use crate::engine::identity::jwt::{KeySet, KeyState, SkippedKey};
use crate::mailbox::{KeyDesk, Live, Shared};
use crate::metrics::JwksResult;
use crate::signatures;

/// Tells each set of the process from every other.
static GENERATION: AtomicU64 = AtomicU64::new(1);

/// A source that is being kept.
pub(super) struct Source {
    settings: SourceSettings,
    shared: Arc<Shared>,
    desk: Arc<KeyDesk>,
    schedule: Schedule,
    is_failing: bool,
}

/// What wakes the task.
enum Turn {
    Due,
    Asked,
    Ended,
}

impl Source {
    /// A source that will be fetched from at once. `desk` may have served before, under other settings.
    pub(super) fn new(settings: SourceSettings, shared: Arc<Shared>, desk: Arc<KeyDesk>) -> Self {
        let fetched_at = desk.report().fetched_at;
        let schedule = Schedule::new(Instant::now(), settings.life_max, fetched_at);
        Self {
            settings,
            shared,
            desk,
            schedule,
            is_failing: false,
        }
    }

    /// Keeps the source for as long as the task lives.
    pub(super) async fn keep(mut self) {
        loop {
            match self.next_turn().await {
                Turn::Due => self.renew().await,
                Turn::Asked if self.schedule.spend_ask(Instant::now()) => self.renew().await,
                // There were too many: what is known is known.
                Turn::Asked => {
                    self.close_desk();
                    drop(self.desk.take());
                }
                Turn::Ended => self.drop_keys(),
            }
        }
    }

    async fn next_turn(&self) -> Turn {
        let end = async {
            match self.schedule.ends_at() {
                Some(at) => sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = end => Turn::Ended,
            () = self.desk.asked() => Turn::Asked,
            () = sleep_until(self.schedule.due_at().into()) => Turn::Due,
        }
    }

    /// Fetches once, for all who wait.
    async fn renew(&mut self) {
        let waiting = self.desk.take();
        let outcome = match self.fetch().await {
            Ok(fetched) => self.take_over(fetched),
            Err(fault) => Err(fault),
        };
        let (now, dice) = (Instant::now(), dice());
        let result = match &outcome {
            Ok((result, own_life)) => {
                self.schedule.succeeded(now, *own_life, dice);
                *result
            }
            Err(fault) => {
                self.schedule.failed(now, dice);
                fault.result()
            }
        };
        self.desk.count(result);
        self.tell(now, outcome.err());
        self.close_desk();
        drop(waiting);
        // What came is news for those who asked meanwhile, too; the same keys are not, since theirs may have been published
        // after this fetch began.
        if result != JwksResult::Unchanged {
            drop(self.desk.take());
        }
        self.desk.tried.raise();
        self.shared.doorbell.ring();
    }

    async fn fetch(&self) -> Result<Fetched, FetchFault> {
        let url = &self.settings.url;
        let config = match url.is_secure {
            true => Some(
                outbound::client("jwks_ca_path", url.ca_path.as_deref())
                    .await
                    .map_err(|why| FetchFault::Outbound(OutboundFault::Trust(why)))?,
            ),
            false => None,
        };
        fetch(url, config.as_ref()).await
    }

    /// Publishes what was fetched, where it is not what is in use.
    fn take_over(&self, fetched: Fetched) -> Result<(JwksResult, Option<Duration>), FetchFault> {
        let library = signatures::library().ok_or(FetchFault::NoLibrary)?;
        let generation = GENERATION.fetch_add(1, Relaxed);
        let (set, skipped) = KeySet::parse_jwks(
            &fetched.document,
            &self.settings.algorithms,
            generation,
            library,
        )
        .map_err(FetchFault::Unusable)?;
        if let KeyState::Ready(current) = self.shared.live.load().keys.state(self.settings.id)
            && current.is_same_as(&set)
        {
            return Ok((JwksResult::Unchanged, fetched.own_life));
        }
        self.log_skipped(&skipped);
        self.publish(Some(Arc::new(set)));
        Ok((JwksResult::Changed, fetched.own_life))
    }

    fn publish(&self, set: Option<Arc<KeySet>>) {
        let keys = set.as_ref().map_or(0, |set| set.len());
        self.desk.revise(|report| report.keys = keys);
        put_in_force(&self.shared, &self.settings, set);
    }

    /// Too old to be used, and not to be renewed: without keys nobody gets in with a token of theirs.
    fn drop_keys(&mut self) {
        self.schedule.dropped();
        self.desk.revise(|report| {
            report.fetched_at = None;
            report.is_stale = false;
        });
        self.publish(None);
        tracing::error!(
            jwks_url = self.settings.url.text,
            issuers = ?self.settings.issuers,
            "keys are too old and cannot be fetched: tokens of their issuers are refused until they are"
        );
    }

    /// Writes down how a fetch ended, and tells of it once.
    fn tell(&mut self, now: Instant, fault: Option<FetchFault>) {
        let is_stale = self.schedule.is_stale(now);
        let (url, issuers) = (&self.settings.url.text, &self.settings.issuers);
        let error = fault.map(|fault| fault.to_string());
        match (&error, self.is_failing) {
            (None, true) => tracing::info!(jwks_url = url, ?issuers, "keys are fetched again"),
            (None, false) => {}
            (Some(error), false) => tracing::warn!(
                jwks_url = url,
                ?issuers,
                error,
                keys_in_use = self.desk.report().keys,
                "keys cannot be fetched"
            ),
            (Some(error), true) => {
                tracing::debug!(jwks_url = url, error, "keys still cannot be fetched");
            }
        }
        self.is_failing = error.is_some();
        self.desk.revise(|report| {
            if error.is_none() {
                report.fetched_at = Some(now);
            }
            report.is_stale = is_stale;
            report.last_error = error;
        });
    }

    fn log_skipped(&self, skipped: &[SkippedKey]) {
        for SkippedKey { index, kid, reason } in skipped {
            tracing::info!(
                jwks_url = self.settings.url.text,
                index,
                ?kid,
                reason,
                "key is not used"
            );
        }
    }

    fn close_desk(&self) {
        if let Some(end) = self.schedule.closed_until(Instant::now()) {
            self.desk.close_until(end);
        }
    }
}

/// Puts `set` in force as the keys of the source that `settings` describe; `None` takes away what it had.
pub(super) fn put_in_force(shared: &Shared, settings: &SourceSettings, set: Option<Arc<KeySet>>) {
    shared.update(|live| Live {
        keys: Arc::new(live.keys.with(settings.id, set)),
        keys_version: live.keys_version + 1,
        ..live.clone()
    });
}

/// A random byte; without one the times are the planned ones.
fn dice() -> Dice {
    let mut byte = [0];
    let _ = getrandom::fill(&mut byte);
    byte[0]
}
