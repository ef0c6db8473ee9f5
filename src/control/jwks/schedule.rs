//! When a source is fetched from, and how long its keys are used. Pure: the time is passed in.

use std::time::{Duration, Instant};

use crate::engine::limits::{
    JWKS_ASK_BURST, JWKS_ASK_INTERVAL_MS, JWKS_LIFE_MS_MIN, JWKS_RETRY_MS_MAX, JWKS_RETRY_MS_MIN,
    JWKS_STALE_MS_MAX,
};

/// The share of a set's life after which it is fetched again, in percent.
const REFRESH_PERCENT: u32 = 75;

/// The most by which a planned time is brought forward, in percent, so that gateways that started together do not stay together.
const JITTER_PERCENT: u32 = 10;

/// The times of one source.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    /// `cache_duration_secs`.
    life_max: Duration,
    due_at: Instant,
    /// When the set in use was fetched, and how long it is fresh.
    fetched: Option<(Instant, Duration)>,
    failures: u32,
    asks: AskBudget,
}

/// Where between nothing and all of its jitter a time falls: 0 to 255.
pub(super) type Dice = u8;

impl Schedule {
    /// A source that is due at `now`. `fetched_at` is when the set in use was fetched, where there is one from before.
    pub(super) fn new(now: Instant, life_max: Duration, fetched_at: Option<Instant>) -> Self {
        Self {
            life_max,
            due_at: now,
            fetched: fetched_at.map(|at| (at, life_max)),
            failures: 0,
            asks: AskBudget::default(),
        }
    }

    /// When to fetch next.
    pub(super) const fn due_at(&self) -> Instant {
        self.due_at
    }

    /// Whether the set in use has outlived its life.
    pub(super) fn is_stale(&self, now: Instant) -> bool {
        self.fetched.is_some_and(|(at, life)| now >= at + life)
    }

    /// When the set in use must go, if it is not renewed before.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        let (at, life) = self.fetched?;
        Some(at + life + Duration::from_millis(JWKS_STALE_MS_MAX))
    }

    /// A fetch succeeded; the answer says that it is fresh for `own_life`.
    pub(super) fn succeeded(&mut self, now: Instant, own_life: Option<Duration>, dice: Dice) {
        let life = own_life
            .unwrap_or(self.life_max)
            .max(Duration::from_millis(JWKS_LIFE_MS_MIN))
            .min(self.life_max);
        self.failures = 0;
        self.fetched = Some((now, life));
        self.due_at = now + jittered(life * REFRESH_PERCENT / 100, dice);
    }

    /// A fetch failed.
    pub(super) fn failed(&mut self, now: Instant, dice: Dice) {
        let pause_ms = JWKS_RETRY_MS_MIN << self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        let pause = Duration::from_millis(pause_ms.min(JWKS_RETRY_MS_MAX));
        self.due_at = now + jittered(pause, dice);
    }

    /// The set in use was dropped.
    pub(super) fn dropped(&mut self) {
        self.fetched = None;
    }

    /// Spends one fetch on those who ask at `now`. `false`: there were too many.
    pub(super) fn spend_ask(&mut self, now: Instant) -> bool {
        self.asks.spend(now)
    }

    /// When those who ask may have a fetch again, where that is later than `now`.
    pub(super) fn closed_until(&self, now: Instant) -> Option<Instant> {
        self.asks.opens_at().filter(|opens_at| *opens_at > now)
    }
}

fn jittered(time: Duration, dice: Dice) -> Duration {
    time - time * JITTER_PERCENT * u32::from(dice) / (100 * u32::from(Dice::MAX))
}

/// Fetches on demand: [`JWKS_ASK_BURST`] at once, then one each [`JWKS_ASK_INTERVAL_MS`].
#[derive(Clone, Debug, Default)]
struct AskBudget {
    /// When the whole burst is available again.
    full_at: Option<Instant>,
}

const ASK_INTERVAL: Duration = Duration::from_millis(JWKS_ASK_INTERVAL_MS);

impl AskBudget {
    fn opens_at(&self) -> Option<Instant> {
        self.full_at?
            .checked_sub(ASK_INTERVAL * (JWKS_ASK_BURST - 1))
    }

    fn spend(&mut self, now: Instant) -> bool {
        if self.opens_at().is_some_and(|opens_at| opens_at > now) {
            return false;
        }
        let full_at = self.full_at.map_or(now, |full_at| full_at.max(now));
        self.full_at = Some(full_at + ASK_INTERVAL);
        true
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::time::{Duration, Instant};

    use super::Schedule;

    const HOUR: Duration = Duration::from_secs(3_600);

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_set_is_fetched_again_at_three_quarters_of_its_life_or_a_little_sooner() {
        let now = Instant::now();
        for (own_life, dice, due_secs) in [
            (None, 0, 2_700),
            (None, 255, 2_430),
            (Some(secs(400)), 0, 300),
            (Some(secs(7_200)), 0, 2_700),
            (Some(secs(0)), 0, 45),
            (Some(secs(59)), 0, 45),
        ] {
            let mut schedule = Schedule::new(now, HOUR, None);
            assert_eq!(schedule.due_at(), now);
            schedule.succeeded(now, own_life, dice);
            assert_eq!(
                schedule.due_at() - now,
                secs(due_secs),
                "{own_life:?} {dice}"
            );
        }
    }

    #[test]
    fn pauses_after_failures_double_up_to_a_minute_and_begin_anew_after_success() {
        let now = Instant::now();
        let mut schedule = Schedule::new(now, HOUR, None);
        let mut pause = || {
            schedule.failed(now, 0);
            (schedule.due_at() - now).as_secs()
        };
        let pauses: Vec<u64> = (0..9).map(|_| pause()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        for _ in 0..100 {
            schedule.failed(now, 0);
        }
        assert_eq!(schedule.due_at() - now, secs(60));
        schedule.succeeded(now, None, 0);
        schedule.failed(now, 255);
        assert_eq!(schedule.due_at() - now, Duration::from_millis(900));
    }

    #[test]
    fn a_set_is_stale_after_its_life_and_ends_a_day_later() {
        let now = Instant::now();
        let mut schedule = Schedule::new(now, HOUR, None);
        assert!(!schedule.is_stale(now + HOUR) && schedule.ends_at().is_none());
        schedule.succeeded(now, Some(secs(600)), 0);
        schedule.failed(now + secs(500), 0);
        assert!(!schedule.is_stale(now + secs(599)));
        assert!(schedule.is_stale(now + secs(600)));
        assert_eq!(schedule.ends_at(), Some(now + secs(600) + 24 * HOUR));
        schedule.dropped();
        assert!(schedule.ends_at().is_none() && !schedule.is_stale(now + secs(600)));
    }

    #[test]
    fn a_set_from_before_keeps_its_age() {
        let now = Instant::now();
        let schedule = Schedule::new(now + HOUR, HOUR, Some(now));
        assert_eq!(schedule.due_at(), now + HOUR);
        assert!(schedule.is_stale(now + HOUR));
        assert_eq!(schedule.ends_at(), Some(now + 25 * HOUR));
    }

    #[test]
    fn three_asks_are_granted_at_once_and_then_one_in_ten_seconds() {
        let now = Instant::now();
        let mut schedule = Schedule::new(now, HOUR, None);
        for n in 1..=3 {
            assert!(schedule.closed_until(now).is_none(), "{n}");
            assert!(schedule.spend_ask(now), "{n}");
        }
        assert_eq!(schedule.closed_until(now), Some(now + secs(10)));
        assert!(!schedule.spend_ask(now + secs(9)));
        assert!(schedule.spend_ask(now + secs(10)));
        assert_eq!(schedule.closed_until(now + secs(10)), Some(now + secs(20)));
        assert!(schedule.spend_ask(now + secs(3_600)), "time fills it again");
        assert!(schedule.closed_until(now + secs(3_600)).is_none());
    }

    #[test]
    fn asks_over_an_hour_stay_within_rate_and_burst() {
        let now = Instant::now();
        let mut schedule = Schedule::new(now, HOUR, None);
        let granted = (0..36_000)
            .filter(|tenth| schedule.spend_ask(now + Duration::from_millis(tenth * 100)))
            .count();
        assert!((360..=363).contains(&granted), "{granted}");
    }
}
