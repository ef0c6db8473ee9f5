//! A bounded table shared by the workers, from which only expendable entries are evicted.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::limits::{QUOTA_EVICTION_PROBES_MAX, QUOTA_SHARDS};

/// Whether an entry may be forgotten without anybody gaining by it.
pub(super) trait Expendable {
    /// True where a fresh entry would behave the same, and nobody holds this one.
    fn is_expendable(&self, now_ns: u64) -> bool;
}

/// The table. Keys may be chosen by clients, so they are hashed with a random seed.
#[derive(Debug)]
pub(super) struct Bounded<K, V> {
    shards: Box<[Mutex<Shard<K, V>>]>,
    hasher: RandomState,
    len: AtomicUsize,
}

/// Entries in a vector, so that an eviction hand can walk them.
#[derive(Debug)]
struct Shard<K, V> {
    places: HashMap<K, usize>,
    entries: Vec<(K, V)>,
    hand: usize,
}

/// No room, and nothing that may be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl<K: Hash + Eq + Clone, V: Expendable> Bounded<K, V> {
    pub(super) fn new() -> Self {
        let shards = (0..QUOTA_SHARDS)
            .map(|_| Mutex::new(Shard::new()))
            .collect();
        Self {
            shards,
            hasher: RandomState::new(),
            len: AtomicUsize::new(0),
        }
    }

    /// Entries in the table.
    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Gives the entry of `key` to `with`, under the lock of its shard; makes it first where it is missing.
    ///
    /// Errors: `Full` where a new entry would exceed `entries_max` and no entry probed is expendable.
    pub(super) fn with<Q, R>(
        &self,
        key: &Q,
        entries_max: usize,
        now_ns: u64,
        make: impl FnOnce() -> (K, V),
        with: impl FnOnce(&mut V) -> R,
    ) -> Result<R, Full>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let home = self.hasher.hash_one(key) as usize & (self.shards.len() - 1);
        let mut shard = lock(&self.shards[home]);
        if let Some(value) = shard.find(key) {
            return Ok(with(value));
        }
        self.make_room(home, &mut shard, entries_max, now_ns)?;
        let (key, value) = make();
        Ok(with(shard.insert(key, value)))
    }

    /// Gives the entry of `key` to `with`, if there is one.
    pub(super) fn peek<Q, R>(&self, key: &Q, with: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let home = self.hasher.hash_one(key) as usize & (self.shards.len() - 1);
        lock(&self.shards[home]).find(key).map(|value| with(value))
    }

    /// Forgets every expendable entry, one shard at a time. Returns how many went.
    pub(super) fn sweep(&self, now_ns: u64) -> usize {
        let swept = self
            .shards
            .iter()
            .map(|shard| lock(shard).sweep(now_ns))
            .sum();
        self.len.fetch_sub(swept, Ordering::Relaxed);
        swept
    }

    /// Counts one entry more, or takes the place of an expendable one: in the shard at hand first, then in any shard that
    /// is not locked at this moment. Bounded work, whatever the size of the table.
    fn make_room(
        &self,
        home: usize,
        shard: &mut Shard<K, V>,
        entries_max: usize,
        now_ns: u64,
    ) -> Result<(), Full> {
        let claim = |len: usize| (len < entries_max).then_some(len + 1);
        if self
            .len
            .try_update(Ordering::Relaxed, Ordering::Relaxed, claim)
            .is_ok()
        {
            return Ok(());
        }
        if shard.evict(QUOTA_EVICTION_PROBES_MAX, now_ns) {
            return Ok(());
        }
        let others = self
            .shards
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != home);
        let mut unlocked = others.filter_map(|(_, other)| other.try_lock().ok());
        let probes = QUOTA_EVICTION_PROBES_MAX / 8;
        if unlocked.any(|mut other| other.evict(probes, now_ns)) {
            Ok(())
        } else {
            Err(Full)
        }
    }
}

impl<K: Hash + Eq + Clone, V: Expendable> Shard<K, V> {
    fn new() -> Self {
        Self {
            places: HashMap::new(),
            entries: Vec::new(),
            hand: 0,
        }
    }

    fn find<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let place = *self.places.get(key)?;
        self.entries.get_mut(place).map(|(_, value)| value)
    }

    fn insert(&mut self, key: K, value: V) -> &mut V {
        let place = self.entries.len();
        self.places.insert(key.clone(), place);
        &mut self.entries.push_mut((key, value)).1
    }

    /// Forgets one expendable entry among the next `probes` under the hand.
    fn evict(&mut self, probes: usize, now_ns: u64) -> bool {
        for _ in 0..probes.min(self.entries.len()) {
            self.hand = if self.hand < self.entries.len() {
                self.hand
            } else {
                0
            };
            if self.entries[self.hand].1.is_expendable(now_ns) {
                self.remove(self.hand);
                return true;
            }
            self.hand += 1;
        }
        false
    }

    fn sweep(&mut self, now_ns: u64) -> usize {
        let before = self.entries.len();
        for place in (0..before).rev() {
            if self.entries[place].1.is_expendable(now_ns) {
                self.remove(place);
            }
        }
        before - self.entries.len()
    }

    /// Removes the entry at `place`; the last one moves there.
    fn remove(&mut self, place: usize) {
        let (key, _) = self.entries.swap_remove(place);
        self.places.remove(&key);
        if let Some((moved, _)) = self.entries.get(place) {
            self.places.insert(moved.clone(), place);
        }
    }
}

/// A shard is valid between any two of its operations, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "bounded/tests.rs"]
mod tests;
