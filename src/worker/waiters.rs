//! Places for requests that wait for control, so that those who wait for one thing, or come from one address, take none from others.

use std::cell::RefCell;
use std::hash::Hash;

use rustc_hash::FxHashMap;

/// How many requests of a worker wait, by what they are told apart by. The keys are as many as the places, at most.
#[derive(Debug)]
pub(super) struct Waiters<K>(RefCell<Counts<K>>);

#[derive(Debug)]
struct Counts<K> {
    each: FxHashMap<K, usize>,
    all: usize,
}

/// How many may wait at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Of one key.
    pub(super) each_max: usize,
    /// Together.
    pub(super) all_max: usize,
}

impl<K: Copy + Eq + Hash> Waiters<K> {
    /// A place among those of `key`; `None` where its share is taken, or every place.
    pub(super) fn admit(&self, key: K, room: Room) -> Option<Place<'_, K>> {
        let counts = &mut *self.0.borrow_mut();
        let count = counts.each.get(&key).copied().unwrap_or(0);
        if count >= room.each_max || counts.all >= room.all_max {
            return None;
        }
        counts.each.insert(key, count + 1);
        counts.all += 1;
        Some(Place { waiters: self, key })
    }

    fn leave(&self, key: K) {
        let counts = &mut *self.0.borrow_mut();
        counts.all -= 1;
        match counts.each.get_mut(&key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(counts.each.remove(&key)),
        }
    }
}

impl<K> Default for Waiters<K> {
    fn default() -> Self {
        Self(RefCell::new(Counts {
            each: FxHashMap::default(),
            all: 0,
        }))
    }
}

/// A place among those who wait; given back when dropped.
#[derive(Debug)]
pub(super) struct Place<'w, K: Copy + Eq + Hash> {
    waiters: &'w Waiters<K>,
    key: K,
}

impl<K: Copy + Eq + Hash> Drop for Place<'_, K> {
    fn drop(&mut self) {
        self.waiters.leave(self.key);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Room, Waiters};

    #[test]
    fn each_has_its_share_and_places_come_back() {
        let waiters = Waiters::default();
        let room = Room {
            each_max: 2,
            all_max: 3,
        };
        let one = [(); 2].map(|()| waiters.admit(1, room).unwrap());
        assert!(waiters.admit(1, room).is_none(), "its share is taken");
        let other = waiters.admit(2, room).unwrap();
        assert!(waiters.admit(3, room).is_none(), "every place is taken");
        let [first, second] = one;
        drop(first);
        let again = waiters.admit(3, room).unwrap();
        drop((second, other, again));
        let counts = waiters.0.borrow();
        assert!(
            counts.each.is_empty() && counts.all == 0,
            "nothing is left behind"
        );
    }
}
