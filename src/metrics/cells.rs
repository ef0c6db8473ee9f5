//! Cells with one writer: plain loads and stores instead of locked read-modify-writes.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// A count that only grows. One thread writes, any thread reads.
///
/// A second writer would lose counts and nothing else; there is none, because each worker has its own cells.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.add(1);
    }

    /// Adds `n`.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.store(self.value().wrapping_add(n), Relaxed);
    }

    /// The count so far.
    #[inline]
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A level that rises and falls. One thread writes, any thread reads.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// Raises the level by one.
    #[inline]
    pub fn inc(&self) {
        self.0.store(self.value() + 1, Relaxed);
    }

    /// Lowers the level by one.
    #[inline]
    pub fn dec(&self) {
        self.0.store(self.value() - 1, Relaxed);
    }

    /// Sets the level.
    #[inline]
    pub fn set(&self, level: i64) {
        self.0.store(level, Relaxed);
    }

    /// The level now.
    #[inline]
    #[must_use]
    pub fn value(&self) -> i64 {
        self.0.load(Relaxed)
    }
}
