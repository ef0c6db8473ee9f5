//! Idle connections to one upstream, kept for the next request of the same worker.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    time::Duration,
};

use crate::{Clock, Stream};

/// How many idle connections are kept, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct PoolBounds {
    /// Idle connections at most; the one that is idle longest makes way.
    pub idle_max: usize,
    /// Time after which an idle connection is closed. Set it below the upstream's own.
    pub idle_age_max: Duration,
}

/// What became of connections, counted since the pool was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolCounts {
    /// Taken out for another request.
    pub reused: u64,
    /// Asked for when there was none.
    pub missed: u64,
    /// Closed because the upstream had closed, failed or spoken out of turn.
    pub stale: u64,
    /// Closed for their age.
    pub aged: u64,
    /// Closed because too many were idle.
    pub surplus: u64,
}

/// The idle connections of one worker to one upstream. Holds no buffer, no pending read and no timer for them.
#[derive(Debug)]
pub struct ConnectionPool {
    bounds: PoolBounds,
    /// Oldest first.
    idle: RefCell<VecDeque<Idle>>,
    counts: Cell<PoolCounts>,
}

#[derive(Debug)]
struct Idle {
    stream: Stream,
    since_ms: u64,
}

impl ConnectionPool {
    /// Makes an empty pool.
    #[must_use]
    pub fn new(bounds: PoolBounds) -> Self {
        Self {
            bounds,
            idle: RefCell::new(VecDeque::new()),
            counts: Cell::default(),
        }
    }

    /// Takes the connection that was used last, which is the one least likely to have been closed; those found unfit
    /// are closed. A connection may still die before the request reaches the upstream.
    #[must_use]
    pub fn checkout(&self) -> Option<Stream> {
        while let Some(idle) = self.pop_newest() {
            if self.is_fit(&idle, Clock::coarse_ms()) {
                self.count(|counts| counts.reused += 1);
                return Some(idle.stream);
            }
        }
        self.count(|counts| counts.missed += 1);
        None
    }

    fn pop_newest(&self) -> Option<Idle> {
        self.idle.borrow_mut().pop_back()
    }

    fn is_fit(&self, idle: &Idle, now_ms: u64) -> bool {
        if u128::from(now_ms.saturating_sub(idle.since_ms)) > self.bounds.idle_age_max.as_millis() {
            self.count(|counts| counts.aged += 1);
            return false;
        }
        if idle.stream.timed_out() || idle.stream.has_gone_stale() {
            self.count(|counts| counts.stale += 1);
            return false;
        }
        true
    }

    /// Keeps `stream` for later. The caller vouches that its last answer was read to the end.
    pub fn checkin(&self, stream: Stream) {
        stream.set_deadline(None);
        stream.watch_idle();
        let mut idle = self.idle.borrow_mut();
        idle.push_back(Idle {
            stream,
            since_ms: Clock::coarse_ms(),
        });
        if idle.len() > self.bounds.idle_max {
            idle.pop_front();
            self.count(|counts| counts.surplus += 1);
        }
    }

    /// Closes idle connections that are too old or that the upstream has closed. Call it every few seconds.
    pub fn sweep(&self) {
        let now_ms = Clock::coarse_ms();
        self.idle
            .borrow_mut()
            .retain(|idle| self.is_fit(idle, now_ms));
    }

    /// Closes all idle connections: the upstream's address or credentials have changed.
    pub fn clear(&self) {
        self.idle.borrow_mut().clear();
    }

    /// How many connections are idle.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.idle.borrow().len()
    }

    /// What became of connections so far.
    #[must_use]
    pub fn counts(&self) -> PoolCounts {
        self.counts.get()
    }

    fn count(&self, add: impl FnOnce(&mut PoolCounts)) {
        let mut counts = self.counts.get();
        add(&mut counts);
        self.counts.set(counts);
    }
}

#[cfg(test)]
mod tests;
