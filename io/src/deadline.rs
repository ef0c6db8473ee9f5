//! Deadlines of streams, one wheel a worker.
//!
//! Setting a deadline is a store; a stream has one entry in the wheel at most, which moves on by itself when it comes
//! up before the deadline. A timer for every operation was rejected for its cost. On expiry the socket is shut down,
//! which ends whatever waits on it.

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
    time::Duration,
};

use slab::Slab;
use socket2::SockRef;

use crate::{
    Clock,
    descriptor::Descriptor,
    limits::{DEADLINE_SLOTS, DEADLINE_TICK_MS},
    time,
};

/// Stands for "no deadline" and "not in the wheel".
const NEVER_MS: u64 = u64::MAX;

thread_local! {
    static WHEEL: RefCell<Wheel> = const { RefCell::new(Wheel::new()) };
}

/// The deadline of one socket.
pub(crate) struct Deadline {
    due_ms: Cell<u64>,
    /// How long it was set for.
    limit_ms: Cell<u64>,
    /// When the wheel will look at it.
    scheduled_ms: Cell<u64>,
    key: Cell<usize>,
    expired: Cell<bool>,
}

impl Deadline {
    /// No deadline.
    pub(crate) fn none() -> Self {
        Self {
            due_ms: Cell::new(NEVER_MS),
            limit_ms: Cell::new(NEVER_MS),
            scheduled_ms: Cell::new(NEVER_MS),
            key: Cell::new(0),
            expired: Cell::new(false),
        }
    }

    /// Says whether the deadline has passed and the socket was shut down. It does not come back.
    #[inline]
    pub(crate) fn expired(&self) -> bool {
        self.expired.get()
    }

    fn is_scheduled(&self) -> bool {
        self.scheduled_ms.get() != NEVER_MS
    }
}

/// Sets the deadline of `descriptor` to `limit` from now, or takes it away.
#[inline]
pub(crate) fn set(descriptor: &Rc<Descriptor>, limit: Option<Duration>) {
    let deadline = descriptor.deadline();
    let limit_ms = limit.map_or(NEVER_MS, |limit| {
        u64::try_from(limit.as_millis()).unwrap_or(NEVER_MS - 1)
    });
    deadline.limit_ms.set(limit_ms);
    let due_ms = due_after(Clock::coarse_ms(), limit_ms);
    deadline.due_ms.set(due_ms);
    if due_ms < deadline.scheduled_ms.get() {
        WHEEL.with_borrow_mut(|wheel| wheel.schedule(descriptor, Clock::coarse_ms()));
    }
}

/// Starts the time of a deadline that is set anew: there was progress.
pub(crate) fn renew(descriptor: &Descriptor) {
    let deadline = descriptor.deadline();
    // Later than before, so the wheel finds out by itself.
    deadline
        .due_ms
        .set(due_after(Clock::coarse_ms(), deadline.limit_ms.get()));
}

fn due_after(now_ms: u64, limit_ms: u64) -> u64 {
    match limit_ms {
        NEVER_MS => NEVER_MS,
        _ => now_ms.saturating_add(limit_ms).min(NEVER_MS - 1),
    }
}

/// Takes `descriptor` out of the wheel. Must be called before its owner lets go of it.
pub(crate) fn forget(descriptor: &Descriptor) {
    if descriptor.deadline().is_scheduled() {
        // The wheel is gone when the thread ends.
        let _ = WHEEL.try_with(|wheel| wheel.borrow_mut().remove(descriptor));
    }
}

/// Turns the wheel for as long as this thread's runtime runs; sleeps while it is empty.
pub(crate) async fn keep_time() -> Infallible {
    loop {
        poll_fn(|cx| WHEEL.with_borrow_mut(|wheel| wheel.poll_entries(cx.waker()))).await;
        time::sleep(Duration::from_millis(DEADLINE_TICK_MS)).await;
        WHEEL.with_borrow_mut(|wheel| wheel.advance(Clock::coarse_ms()));
    }
}

struct Entry {
    descriptor: Rc<Descriptor>,
    slot: usize,
    /// Where in the slot's list the key stands.
    position: usize,
}

/// Entries by the tick at which they are looked at.
struct Wheel {
    entries: Slab<Entry>,
    /// Keys of entries; empty until the first deadline of the thread.
    slots: Vec<Vec<usize>>,
    /// The tick that was worked off last.
    tick: u64,
    keeper: Option<Waker>,
}

impl Wheel {
    const fn new() -> Self {
        Self {
            entries: Slab::new(),
            slots: Vec::new(),
            tick: 0,
            keeper: None,
        }
    }

    fn poll_entries(&mut self, waker: &Waker) -> Poll<()> {
        if !self.entries.is_empty() {
            return Poll::Ready(());
        }
        self.keeper = Some(waker.clone());
        Poll::Pending
    }

    fn schedule(&mut self, descriptor: &Rc<Descriptor>, now_ms: u64) {
        if descriptor.deadline().is_scheduled() {
            self.remove(descriptor);
        }
        if self.entries.is_empty() {
            self.begin(now_ms);
        }
        self.insert(descriptor.clone());
    }

    fn begin(&mut self, now_ms: u64) {
        self.slots.resize_with(DEADLINE_SLOTS, Vec::new);
        self.tick = now_ms / DEADLINE_TICK_MS;
        if let Some(keeper) = self.keeper.take() {
            keeper.wake();
        }
    }

    /// Puts an entry into the slot of the first tick at or after its deadline, or into the farthest one.
    fn insert(&mut self, descriptor: Rc<Descriptor>) {
        let deadline = descriptor.deadline();
        let due_tick = deadline.due_ms.get().div_ceil(DEADLINE_TICK_MS);
        let tick = due_tick.clamp(self.tick + 1, self.tick + DEADLINE_SLOTS as u64 - 1);
        let slot = slot_of(tick);
        let position = self.slots[slot].len();
        deadline.scheduled_ms.set(tick * DEADLINE_TICK_MS);
        let entry = self.entries.vacant_entry();
        deadline.key.set(entry.key());
        self.slots[slot].push(entry.key());
        entry.insert(Entry {
            descriptor,
            slot,
            position,
        });
    }

    fn remove(&mut self, descriptor: &Descriptor) {
        let deadline = descriptor.deadline();
        deadline.scheduled_ms.set(NEVER_MS);
        let Some(entry) = self.entries.try_remove(deadline.key.get()) else {
            return;
        };
        let keys = &mut self.slots[entry.slot];
        keys.swap_remove(entry.position);
        if let Some(&moved) = keys.get(entry.position) {
            self.entries[moved].position = entry.position;
        }
    }

    fn advance(&mut self, now_ms: u64) {
        let now_tick = now_ms / DEADLINE_TICK_MS;
        let behind = now_tick
            .saturating_sub(self.tick)
            .min(DEADLINE_SLOTS as u64);
        // After a pause longer than the wheel one full turn visits every entry.
        self.tick = now_tick.max(self.tick).saturating_sub(behind);
        for _ in 0..behind {
            self.tick += 1;
            self.visit_slot(slot_of(self.tick), now_ms);
        }
    }

    fn visit_slot(&mut self, slot: usize, now_ms: u64) {
        let mut keys = std::mem::take(&mut self.slots[slot]);
        for key in keys.drain(..) {
            let descriptor = self.entries.remove(key).descriptor;
            self.visit(descriptor, now_ms);
        }
        if self.slots[slot].is_empty() {
            self.slots[slot] = keys;
        }
    }

    fn visit(&mut self, descriptor: Rc<Descriptor>, now_ms: u64) {
        let deadline = descriptor.deadline();
        deadline.scheduled_ms.set(NEVER_MS);
        match deadline.due_ms.get() {
            NEVER_MS => {}
            due_ms if due_ms <= now_ms => expire(&descriptor),
            _ => self.insert(descriptor),
        }
    }
}

fn slot_of(tick: u64) -> usize {
    (tick % DEADLINE_SLOTS as u64) as usize
}

fn expire(descriptor: &Descriptor) {
    descriptor.deadline().expired.set(true);
    // An error means that the connection is down already, which is what was wanted.
    let _ = SockRef::from(descriptor).shutdown(std::net::Shutdown::Both);
}

#[cfg(test)]
mod tests;
