//! The path of audit records from one worker to the control thread.
//!
//! A lane is one byte buffer that exactly two threads touch: its worker appends encoded lines, control swaps the whole
//! buffer for an empty one. Nothing is allocated a record, the lock is uncontended but for the instant of the swap, and the
//! bound is in bytes, so that memory is bounded whatever records look like. The reasons against a channel of records are in
//! `docs/decisions/0002-audit-lanes.md`.
//!
//! **Invariant:** whoever holds a [`Ticket`] with room can always write its record, so nothing that was admitted goes
//! unrecorded; and a lane never holds more than `queued_bytes_max + rooms_max × record_bytes_max` bytes.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Doorbell;
use crate::engine::limits::{AUDIT_LANE_BYTES_MAX, AUDIT_RECORD_BYTES_MAX};

/// Fill at which the worker rings for control: small enough that a batch is still in the cache, large enough that ringing
/// costs nothing a record.
const RING_AT_BYTES: usize = 256 << 10;

/// What a lane does when it has no room for another record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Requests are refused until there is room again (`audit.overflow = "refuse"`).
    Refuse,
    /// Records are dropped and counted (`audit.overflow = "drop"`).
    Drop,
}

/// The bounds of one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneBounds {
    /// Queued bytes at which no further record is promised room.
    pub queued_bytes_max: usize,
    /// Records that may be promised room at once: those of requests and streams that run.
    pub rooms_max: usize,
    /// Longest encoded record in bytes, line end included.
    pub record_bytes_max: usize,
}

impl Default for LaneBounds {
    fn default() -> Self {
        Self {
            queued_bytes_max: AUDIT_LANE_BYTES_MAX,
            rooms_max: ROOMS_MAX,
            record_bytes_max: AUDIT_RECORD_BYTES_MAX,
        }
    }
}

/// Requests and streams of one worker that may run at once, as far as audit is concerned. Streams live long, so this is
/// many; their records are about 400 bytes in practice and only a stalled disk makes them wait together.
const ROOMS_MAX: usize = 65_536;

/// One worker's queue of encoded audit records, shared with the control thread.
#[derive(Debug)]
pub struct AuditLane {
    bounds: LaneBounds,
    queue: Mutex<Vec<u8>>,
    queued_bytes: AtomicUsize,
    drops: AtomicBool,
    claimed: AtomicBool,
    records: AtomicU64,
    dropped: AtomicU64,
    refused: AtomicU64,
    doorbell: Arc<Doorbell>,
}

impl AuditLane {
    /// An empty lane. Reserves its address space; memory becomes resident as it is first filled.
    #[must_use]
    pub fn new(bounds: LaneBounds, overflow: Overflow, doorbell: Arc<Doorbell>) -> Self {
        Self {
            bounds,
            queue: Mutex::new(Vec::with_capacity(bounds.queued_bytes_max)),
            queued_bytes: AtomicUsize::new(0),
            drops: AtomicBool::new(overflow == Overflow::Drop),
            claimed: AtomicBool::new(false),
            records: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            doorbell,
        }
    }

    /// Changes what happens when the lane is full, from the next reservation on.
    pub fn set_overflow(&self, overflow: Overflow) {
        self.drops.store(overflow == Overflow::Drop, Relaxed);
    }

    /// Swaps the queued lines into `spare`, which must be empty; its capacity becomes the lane's. For control alone.
    ///
    /// Returns the number of bytes taken. The lane may fill again while `spare` is being written, so memory is bounded by
    /// twice the lane's bound.
    pub fn take(&self, spare: &mut Vec<u8>) -> usize {
        debug_assert!(spare.is_empty(), "a spare buffer still holds records");
        if self.queued_bytes() == 0 {
            return 0;
        }
        let mut queue = self.lock();
        std::mem::swap(&mut *queue, spare);
        self.queued_bytes.store(queue.len(), Relaxed);
        spare.len()
    }

    /// Bytes waiting for control.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.queued_bytes.load(Relaxed)
    }

    /// Records written to the lane since the start.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records.load(Relaxed)
    }

    /// Records lost because the lane was full and the operator chose `drop`.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// Reservations refused because the lane was full.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// A buffer fit to be given to [`take`](Self::take).
    #[must_use]
    pub fn spare(&self) -> Vec<u8> {
        Vec::with_capacity(self.bounds.queued_bytes_max)
    }

    /// Whether `records` more records fit beside what is queued.
    fn fits(&self, records: usize) -> bool {
        let more_bytes = records.saturating_mul(self.bounds.record_bytes_max);
        self.queued_bytes().saturating_add(more_bytes) <= self.bounds.queued_bytes_max
    }

    fn append(&self, encode: impl FnOnce(&mut Vec<u8>)) {
        let mut queue = self.lock();
        let before = queue.len();
        encode(&mut queue);
        let after = queue.len();
        self.queued_bytes.store(after, Relaxed);
        drop(queue);
        debug_assert!(
            after - before <= self.bounds.record_bytes_max,
            "an audit record exceeds its bound"
        );
        self.records.store(self.records() + 1, Relaxed);
        if before < RING_AT_BYTES && after >= RING_AT_BYTES {
            self.doorbell.ring();
        }
    }

    /// The queue, also after a panic of the other side: a poisoned lane must not silence the audit log.
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The worker's end of a lane. Cheap to clone, and `!Send`, so that one thread makes every reservation.
#[derive(Clone, Debug)]
pub struct AuditWriter(Rc<Writer>);

#[derive(Debug)]
struct Writer {
    lane: Arc<AuditLane>,
    /// Records that tickets of this worker may still write.
    rooms: Cell<usize>,
}

impl AuditWriter {
    /// Takes the writing end of `lane` for the calling thread; `None` where somebody has it already.
    #[must_use]
    pub fn claim(lane: &Arc<AuditLane>) -> Option<Self> {
        let first = !lane.claimed.swap(true, Relaxed);
        first.then(|| {
            Self(Rc::new(Writer {
                lane: Arc::clone(lane),
                rooms: Cell::new(0),
            }))
        })
    }

    /// Reserves room for one record, before the request that it will describe is admitted.
    ///
    /// `None` means that the lane is full and the operator chose `overflow = "refuse"`: answer 503. With
    /// `overflow = "drop"` there is always a ticket; one without room counts its record as dropped. Cost: no lock, no
    /// allocation.
    #[must_use]
    pub fn reserve(&self) -> Option<Ticket> {
        self.reserve_many(1)
    }

    /// As [`reserve`](Self::reserve), with room for `records` records (a batch has one a member): all or nothing.
    #[must_use]
    pub fn reserve_many(&self, records: usize) -> Option<Ticket> {
        let lane = &self.0.lane;
        let rooms = self.0.rooms.get() + records;
        if rooms <= lane.bounds.rooms_max && lane.fits(records) {
            self.0.rooms.set(rooms);
            return Some(self.ticket(records));
        }
        if lane.drops.load(Relaxed) {
            return Some(self.ticket(0));
        }
        lane.refused.store(lane.refused() + 1, Relaxed);
        None
    }

    fn ticket(&self, rooms: usize) -> Ticket {
        Ticket {
            writer: self.clone(),
            rooms,
        }
    }
}

/// The right to write audit records that was given when a request was admitted. What is not used returns on drop.
#[derive(Debug)]
#[must_use = "a ticket that is dropped at once reserves nothing"]
pub struct Ticket {
    writer: AuditWriter,
    rooms: usize,
}

impl Ticket {
    /// Appends one record: `encode` writes one line, line end included, of at most `record_bytes_max` bytes.
    ///
    /// Uses up one room. Without room (a lossy ticket, or more records than were reserved) the record is still written where
    /// it fits, else it is counted as dropped and `false` comes back. Cost: one
    /// uncontended lock.
    pub fn write(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> bool {
        let Writer { lane, rooms } = &*self.writer.0;
        if self.rooms > 0 {
            self.rooms -= 1;
            rooms.set(rooms.get() - 1);
        } else if !lane.fits(1) {
            lane.dropped.store(lane.dropped() + 1, Relaxed);
            return false;
        }
        lane.append(encode);
        true
    }

    /// Records that this ticket may still write for certain.
    #[must_use]
    pub fn rooms(&self) -> usize {
        self.rooms
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let rooms = &self.writer.0.rooms;
        rooms.set(rooms.get() - self.rooms);
    }
}

#[cfg(test)]
mod tests;
