#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

/// An entry that says itself whether it may go.
#[derive(Debug)]
struct Entry {
    value: u64,
    expendable: bool,
}

impl Expendable for Entry {
    fn is_expendable(&self, _now_ns: u64) -> bool {
        self.expendable
    }
}

fn put(
    table: &Bounded<u64, Entry>,
    key: u64,
    entries_max: usize,
    expendable: bool,
) -> Result<u64, Full> {
    let make = || {
        (
            key,
            Entry {
                value: key,
                expendable,
            },
        )
    };
    table.with(&key, entries_max, 0, make, |entry| {
        entry.expendable = expendable;
        entry.value
    })
}

#[test]
fn an_entry_is_found_as_itself_whatever_comes_and_goes() {
    let (table, mut seed) = (Bounded::new(), 5_u64);
    let mut kept = std::collections::HashSet::new();
    for _ in 0..50_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let (key, keep) = ((seed >> 33) % 2_000, seed >> 60 == 0);
        if kept.len() >= 900 && keep {
            continue;
        }
        match put(&table, key, 1_000, !keep && !kept.contains(&key)) {
            Ok(value) => assert_eq!(value, key),
            Err(Full) => assert!(!kept.contains(&key), "an entry in the table needs no room"),
        }
        if keep && table.peek(&key, |_| ()).is_some() {
            kept.insert(key);
        }
        assert!(table.len() <= 1_000);
    }
    assert!(kept.len() > 500, "{}", kept.len());
    for key in &kept {
        assert_eq!(
            table.peek(key, |entry| entry.value),
            Some(*key),
            "what must stay has stayed"
        );
    }
    let before = table.len();
    assert_eq!(table.sweep(0), before - kept.len());
    assert_eq!(table.len(), kept.len());
    for key in &kept {
        assert_eq!(table.peek(key, |entry| entry.value), Some(*key));
    }
}

#[test]
fn a_full_table_makes_room_in_whichever_shard_has_some() {
    let table = Bounded::new();
    for key in 0..10 {
        put(&table, key, 10, key == 3).unwrap();
    }
    assert_eq!(put(&table, 99, 10, false), Ok(99));
    assert_eq!(table.peek(&3, |_| ()), None);
    assert_eq!(put(&table, 100, 10, false), Err(Full));
    assert_eq!(table.len(), 10);
}

#[test]
fn a_table_of_no_entries_takes_none() {
    assert_eq!(put(&Bounded::new(), 1, 0, true), Err(Full));
}
