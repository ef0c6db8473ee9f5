//! Properties of the wheel, with time given by hand.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::{sys::handle::Handle, testing::on_each_driver};

fn descriptor() -> Rc<Descriptor> {
    let (socket, _) = std::os::unix::net::UnixStream::pair().unwrap();
    Descriptor::new(Handle::Unix(
        monoio::net::UnixStream::from_std(socket).unwrap(),
    ))
}

fn due(wheel: &mut Wheel, due_ms: u64, now_ms: u64) -> Rc<Descriptor> {
    let descriptor = descriptor();
    descriptor.deadline().due_ms.set(due_ms);
    wheel.schedule(&descriptor, now_ms);
    descriptor
}

#[test]
fn deadline_fires_at_the_first_tick_after_it_and_not_before() {
    on_each_driver(async || {
        for due_ms in [
            10_000, 10_001, 10_099, 10_100, 40_000, 61_300, 200_050, 1_000_000,
        ] {
            let mut wheel = Wheel::new();
            let entry = due(&mut wheel, due_ms, 9_950);
            for now_ms in (9_950..due_ms).step_by(100) {
                wheel.advance(now_ms);
                assert!(!entry.deadline().expired(), "{due_ms} fired at {now_ms}");
            }
            wheel.advance(due_ms.next_multiple_of(DEADLINE_TICK_MS));
            assert!(entry.deadline().expired(), "{due_ms}");
            assert!(wheel.entries.is_empty());
        }
    });
}

#[test]
fn pause_longer_than_the_wheel_misses_nobody() {
    on_each_driver(async || {
        let mut wheel = Wheel::new();
        let entries: Vec<_> = (0..700)
            .map(|n| due(&mut wheel, 1_000 + n * 100, 950))
            .collect();
        wheel.advance(10_000_000);
        assert!(entries.iter().all(|entry| entry.deadline().expired()));
        assert!(wheel.entries.is_empty());
    });
}

#[test]
fn later_deadline_moves_on_lazily_and_earlier_one_at_once() {
    on_each_driver(async || {
        let mut wheel = Wheel::new();
        let entry = due(&mut wheel, 2_000, 1_000);
        entry.deadline().due_ms.set(5_000);
        wheel.advance(2_000);
        assert!(!entry.deadline().expired());
        assert_eq!(entry.deadline().scheduled_ms.get(), 5_000);
        entry.deadline().due_ms.set(3_000);
        wheel.schedule(&entry, 2_000);
        assert_eq!(wheel.entries.len(), 1);
        wheel.advance(3_000);
        assert!(entry.deadline().expired());
    });
}

#[test]
fn removed_entry_is_gone_and_its_neighbours_stay() {
    on_each_driver(async || {
        let mut wheel = Wheel::new();
        let entries: Vec<_> = (0..5).map(|_| due(&mut wheel, 2_000, 1_000)).collect();
        for index in [0, 2, 4] {
            wheel.remove(&entries[index]);
        }
        wheel.remove(&entries[0]);
        assert_eq!(wheel.entries.len(), 2);
        wheel.advance(2_000);
        let fired: Vec<_> = entries
            .iter()
            .map(|entry| entry.deadline().expired())
            .collect();
        assert_eq!(fired, [false, true, false, true, false]);
        assert!(entries.iter().all(|entry| Rc::strong_count(entry) == 1));
    });
}

#[test]
fn stream_that_is_dropped_leaves_the_wheel() {
    on_each_driver(async || {
        let (near, _far) = crate::testing::unix_pair();
        near.set_deadline(Some(Duration::from_secs(10)));
        assert_eq!(WHEEL.with_borrow(|wheel| wheel.entries.len()), 1);
        drop(near);
        assert_eq!(WHEEL.with_borrow(|wheel| wheel.entries.len()), 0);
    });
}

#[test]
fn endless_limit_is_no_overflow() {
    assert_eq!(due_after(5, NEVER_MS - 1), NEVER_MS - 1);
    assert_eq!(due_after(5, 7), 12);
}
