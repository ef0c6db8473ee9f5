//! Where workers ask for the keys of issuers, and control answers.
//!
//! A worker that meets a token whose key is not known goes to the [`KeyDesk`] of the key's source. All who ask before control
//! begins to fetch wait for one [`Stop`], so a flood is one fetch. Control closes the desk while the source was asked too often:
//! then nobody waits and nothing is sent.
//!
//! **Invariant:** each wait that a desk hands out ends: with a fetch, with the closing of the desk, or with its retirement.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use guard_io::Stop;

use super::Doorbell;
use crate::engine::identity::jwt::SourceId;
use crate::metrics::{Counter, JwksResult};

/// The desks of every source that is configured.
#[derive(Debug, Default)]
pub struct KeyDesks(ArcSwap<Vec<Arc<KeyDesk>>>);

impl KeyDesks {
    /// The desk of `source`; `None` where control does not fetch from it, or no longer.
    #[must_use]
    pub fn find(&self, source: SourceId) -> Option<Arc<KeyDesk>> {
        let desks = self.0.load();
        desks.iter().find(|desk| desk.source == source).cloned()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.load().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every desk.
    #[must_use]
    pub fn all(&self) -> Arc<Vec<Arc<KeyDesk>>> {
        self.0.load_full()
    }

    /// Replaces them. For control alone.
    pub fn set(&self, desks: Vec<Arc<KeyDesk>>) {
        self.0.store(Arc::new(desks));
    }
}

/// One source: who waits for it, and what is known of its fetches.
#[derive(Debug)]
pub struct KeyDesk {
    /// Which source.
    pub source: SourceId,
    /// Whether the gateway is not ready before its keys were fetched once: it was configured at the start.
    pub gates_readiness: bool,
    /// Raised when the first fetch has ended, well or not.
    pub tried: Stop,
    was_fetched: AtomicBool,
    window: Mutex<Window>,
    rung: Doorbell,
    fetches: [Counter; JwksResult::ALL.len()],
    report: Mutex<KeyReport>,
}

/// What is known of a source's keys.
#[derive(Clone, Debug, Default)]
pub struct KeyReport {
    /// The issuers whose keys they are, as configured.
    pub issuers: Vec<Box<str>>,
    /// Where they come from, as configured.
    pub url: Box<str>,
    /// When they were last fetched well.
    pub fetched_at: Option<Instant>,
    /// How many may be used now.
    pub keys: usize,
    /// Whether they are used although they have outlived their time.
    pub is_stale: bool,
    /// Why the last fetch failed, if it did.
    pub last_error: Option<String>,
}

/// The waiting and the hours of a desk.
#[derive(Debug, Default)]
struct Window {
    waiting: Option<Stop>,
    closed_until: Option<Closed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closed {
    Until(Instant),
    ForGood,
}

impl KeyDesk {
    /// A desk that is open.
    #[must_use]
    pub fn new(source: SourceId, gates_readiness: bool) -> Self {
        Self {
            source,
            gates_readiness,
            tried: Stop::new(),
            was_fetched: AtomicBool::new(false),
            window: Mutex::default(),
            rung: Doorbell::default(),
            fetches: Default::default(),
            report: Mutex::default(),
        }
    }

    /// Asks control to fetch. The flag that comes back is raised when that has happened, or will not; `None` means that the
    /// desk is closed at `now`. Callable from any thread; waits for nothing.
    #[must_use]
    pub fn ask(&self, now: Instant) -> Option<Stop> {
        let mut window = lock(&self.window);
        if window.is_closed(now) {
            return None;
        }
        if let Some(waiting) = &window.waiting {
            return Some(waiting.clone());
        }
        let waiting = Stop::new();
        window.waiting = Some(waiting.clone());
        drop(window);
        self.rung.ring();
        Some(waiting)
    }

    /// Waits until somebody asks. For control alone; safe to drop and call again.
    pub async fn asked(&self) {
        while !self.has_asks() {
            self.rung.rung().await;
        }
    }

    /// Whether somebody waits for a fetch that has not begun.
    #[must_use]
    pub fn has_asks(&self) -> bool {
        lock(&self.window).waiting.is_some()
    }

    /// Takes those who wait. Whoever asks from now on waits for another fetch. For control alone.
    pub fn take(&self) -> Waiting {
        Waiting(lock(&self.window).waiting.take())
    }

    /// Turns away whoever asks before `end`. For control alone.
    pub fn close_until(&self, end: Instant) {
        let mut window = lock(&self.window);
        if window.closed_until != Some(Closed::ForGood) {
            window.closed_until = Some(Closed::Until(end));
        }
    }

    /// Ends every wait, for good. For control alone.
    pub fn retire(&self) {
        lock(&self.window).closed_until = Some(Closed::ForGood);
        self.tried.raise();
        drop(self.take());
    }

    /// Counts a fetch. For control alone.
    pub fn count(&self, result: JwksResult) {
        self.fetches[result.index()].inc();
        if matches!(result, JwksResult::Changed | JwksResult::Unchanged) {
            self.was_fetched.store(true, Relaxed);
        }
    }

    /// Whether any fetch went well.
    #[must_use]
    pub fn was_fetched(&self) -> bool {
        self.was_fetched.load(Relaxed)
    }

    /// Fetches that ended with `result`.
    #[must_use]
    pub fn fetches(&self, result: JwksResult) -> u64 {
        self.fetches[result.index()].value()
    }

    /// What is known of the keys.
    #[must_use]
    pub fn report(&self) -> KeyReport {
        lock(&self.report).clone()
    }

    /// Changes what is known of the keys. For control alone.
    pub fn revise(&self, change: impl FnOnce(&mut KeyReport)) {
        change(&mut lock(&self.report));
    }
}

impl Window {
    fn is_closed(&self, now: Instant) -> bool {
        match self.closed_until {
            None => false,
            Some(Closed::Until(end)) => now < end,
            Some(Closed::ForGood) => true,
        }
    }
}

/// Those who wait for one fetch. They are told when this is dropped, however the fetch ended.
#[derive(Debug)]
#[must_use = "dropping it tells those who wait that the fetch has ended"]
pub struct Waiting(Option<Stop>);

impl Waiting {
    /// Whether there is anybody.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(waiting) = &self.0 {
            waiting.raise();
        }
    }
}

/// The value, also after a panic of another thread: no code that can panic runs under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::time::{Duration, Instant};

    use super::KeyDesk;
    use crate::engine::identity::jwt::SourceId;

    fn desk() -> KeyDesk {
        KeyDesk::new(SourceId::of("https://issuer.example/jwks", &[]), false)
    }

    #[test]
    fn all_who_ask_before_a_fetch_wait_for_it_and_later_ones_for_the_next() {
        let (desk, now) = (desk(), Instant::now());
        let (first, second) = (desk.ask(now).unwrap(), desk.ask(now).unwrap());
        let fetch = desk.take();
        let late = desk.ask(now).unwrap();
        assert!(!first.is_raised() && desk.has_asks());
        drop(fetch);
        assert!(first.is_raised() && second.is_raised());
        assert!(!late.is_raised());
        drop(desk.take());
        assert!(late.is_raised() && !desk.has_asks());
    }

    #[test]
    fn a_closed_desk_turns_away_until_it_opens() {
        let (desk, now) = (desk(), Instant::now());
        let end = now + Duration::from_secs(10);
        desk.close_until(end);
        assert!(desk.ask(now).is_none());
        assert!(desk.ask(end - Duration::from_millis(1)).is_none());
        assert!(!desk.has_asks(), "who is turned away sends nothing");
        assert!(desk.ask(end).is_some());
    }

    #[test]
    fn a_retired_desk_leaves_nobody_waiting_and_never_opens() {
        let (desk, now) = (desk(), Instant::now());
        let waiting = desk.ask(now).unwrap();
        desk.retire();
        assert!(waiting.is_raised() && desk.tried.is_raised());
        desk.close_until(now);
        assert!(desk.ask(now + Duration::from_secs(3_600)).is_none());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn an_ask_of_another_thread_wakes_control() {
        let desk = desk();
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(desk.ask(Instant::now()).is_some()));
        });
        tokio::time::timeout(Duration::from_secs(10), desk.asked())
            .await
            .unwrap();
    }
}
