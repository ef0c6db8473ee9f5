//! Counters of the sessions that the gateway itself holds.

use super::labels::{SessionEvent, UnplacedMessage};
use super::{Counter, Gauge};

/// What control counts about sessions in front of stdio, HTTP+SSE and translated servers. It is the only writer.
#[derive(Debug, Default)]
pub struct SessionCells {
    /// Sessions that are held.
    pub held: Gauge,
    events: [Counter; SessionEvent::ALL.len()],
    unplaced: [Counter; UnplacedMessage::ALL.len()],
}

impl SessionCells {
    /// Counts one session to which `event` happened.
    pub fn count(&self, event: SessionEvent) {
        self.events[event.index()].inc();
    }

    /// Counts `messages` of servers that reached no client, for one reason.
    pub fn unplaced(&self, reason: UnplacedMessage, messages: u64) {
        self.unplaced[reason.index()].add(messages);
    }

    /// Sessions to which `event` has happened.
    #[must_use]
    pub fn counted(&self, event: SessionEvent) -> u64 {
        self.events[event.index()].value()
    }

    /// Messages that reached no client for `reason`.
    #[must_use]
    pub fn unplaced_for(&self, reason: UnplacedMessage) -> u64 {
        self.unplaced[reason.index()].value()
    }
}
