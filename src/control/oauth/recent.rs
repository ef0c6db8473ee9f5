//! What was learnt not long ago, by name.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::time::Instant;

/// A table of things that hold for a while. Bounded: where it is full, what was learnt first makes room.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// Names by the order in which they came.
    order: BTreeMap<u64, K>,
    next: u64,
    entries_max: usize,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    ends_at: Instant,
    place: u64,
}

impl<K: Hash + Eq + Clone, V> Recent<K, V> {
    /// An empty table for `entries_max` things.
    pub(super) fn new(entries_max: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: BTreeMap::new(),
            next: 0,
            entries_max,
        }
    }

    /// What is known by `name`, where it still holds at `now`.
    pub(super) fn find(&self, name: &K, now: Instant) -> Option<&V> {
        let entry = self.entries.get(name)?;
        (now < entry.ends_at).then_some(&entry.value)
    }

    /// Learns `value`, which holds until `ends_at`. O(log entries).
    pub(super) fn keep(&mut self, name: K, value: V, ends_at: Instant) {
        self.forget(&name);
        while self.entries.len() >= self.entries_max {
            let Some((_, oldest)) = self.order.pop_first() else {
                return;
            };
            self.entries.remove(&oldest);
        }
        let place = self.next;
        self.next += 1;
        self.order.insert(place, name.clone());
        self.entries.insert(
            name,
            Entry {
                value,
                ends_at,
                place,
            },
        );
    }

    /// Forgets what is known by `name`.
    pub(super) fn forget(&mut self, name: &K) {
        if let Some(entry) = self.entries.remove(name) {
            self.order.remove(&entry.place);
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
    }

    /// Nothing holds longer than `now`.
    #[cfg(test)]
    pub(super) fn end_all(&mut self, now: Instant) {
        let entries = self.entries.values_mut();
        entries.for_each(|entry| entry.ends_at = now);
    }

    /// Things in the table, those among them that hold no longer.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Recent;

    #[test]
    fn what_was_learnt_first_makes_room() {
        let (now, mut recent) = (Instant::now(), Recent::new(2));
        let end = now + Duration::from_secs(10);
        for (name, value) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
            recent.keep(name, value, end);
            assert!(recent.len() <= 2 && recent.order.len() == recent.len());
        }
        // `a` was learnt anew after `b`.
        assert_eq!(recent.find(&"a", now), Some(&3));
        assert_eq!(recent.find(&"b", now), None);
        assert_eq!(recent.find(&"c", now), Some(&4));
        assert_eq!(recent.find(&"c", end), None);
        recent.forget(&"c");
        assert_eq!(recent.find(&"c", now), None);
        recent.clear();
        assert_eq!((recent.len(), recent.order.len()), (0, 0));
    }

    #[test]
    fn a_table_without_room_keeps_nothing() {
        let mut recent = Recent::new(0);
        recent.keep("a", 1, Instant::now() + Duration::from_secs(1));
        assert_eq!(recent.len(), 0);
    }
}
