//! The events that a session keeps for a client that comes back.

use std::collections::VecDeque;

use super::action::StreamId;
use super::event::EventId;
use super::limits::EVENT_OVERHEAD_BYTES;

/// Events in the order in which they were made, bounded in bytes; the oldest make room.
#[derive(Debug)]
pub(super) struct EventStore {
    events: VecDeque<Stored>,
    bytes: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Stored {
    id: EventId,
    event: Vec<u8>,
}

/// Whether an event was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Yes,
    /// It is larger than the whole store.
    TooLarge,
}

impl EventStore {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            events: VecDeque::new(),
            bytes: 0,
            bytes_max,
        }
    }

    /// Keeps a copy of `event`; `evicted` is told of each older one that made room.
    pub(super) fn keep(
        &mut self,
        id: EventId,
        event: &[u8],
        mut evicted: impl FnMut(EventId),
    ) -> Kept {
        let cost = event.len().saturating_add(EVENT_OVERHEAD_BYTES);
        if cost > self.bytes_max {
            return Kept::TooLarge;
        }
        while self.bytes + cost > self.bytes_max {
            let Some(oldest) = self.events.pop_front() else {
                break;
            };
            self.bytes -= oldest.event.len() + EVENT_OVERHEAD_BYTES;
            evicted(oldest.id);
        }
        self.bytes += cost;
        self.events.push_back(Stored {
            id,
            event: event.to_vec(),
        });
        Kept::Yes
    }

    /// The kept events of `stream` after `position`, in order.
    pub(super) fn after(
        &self,
        stream: StreamId,
        position: u64,
    ) -> impl Iterator<Item = (u64, &[u8])> {
        self.events
            .iter()
            .filter(move |stored| stored.id.stream == stream && stored.id.position > position)
            .map(|stored| (stored.id.position, stored.event.as_slice()))
    }

    /// Bytes that are held, overhead included.
    #[cfg(test)]
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{EVENT_OVERHEAD_BYTES, EventId, EventStore, Kept, StreamId};

    #[test]
    fn the_oldest_make_room_and_what_never_fits_is_not_kept() {
        let id = |stream, position| EventId {
            stream: StreamId(stream),
            position,
        };
        let mut store = EventStore::new(2 * (EVENT_OVERHEAD_BYTES + 4));
        let mut evicted = Vec::new();
        for (stream, position) in [(1, 1), (2, 1), (1, 2)] {
            let kept = store.keep(id(stream, position), b"1234", |id| evicted.push(id));
            assert_eq!(kept, Kept::Yes);
        }
        assert_eq!(evicted, [id(1, 1)]);
        let positions = |stream, after| -> Vec<u64> {
            store
                .after(StreamId(stream), after)
                .map(|(at, _)| at)
                .collect()
        };
        assert_eq!(positions(1, 0), [2]);
        assert_eq!(positions(1, 2), [0_u64; 0]);
        assert_eq!(positions(2, 0), [1]);
        let large = vec![0; 2 * (EVENT_OVERHEAD_BYTES + 4) - EVENT_OVERHEAD_BYTES];
        assert_eq!(store.keep(id(3, 1), &large, |_| ()), Kept::Yes, "all of it");
        assert_eq!(store.bytes(), 2 * (EVENT_OVERHEAD_BYTES + 4));
        let larger = vec![0; large.len() + 1];
        assert_eq!(store.keep(id(3, 2), &larger, |_| ()), Kept::TooLarge);
        assert_eq!(store.after(StreamId(3), 0).count(), 1, "nothing made room");
    }
}
