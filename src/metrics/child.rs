//! Counters of one stdio server's children.

use super::labels::{ChildEnd, ChildStart};
use super::{Counter, Gauge};

/// What control counts about one server's children. It is the only writer.
#[derive(Debug, Default)]
pub struct ChildCells {
    /// Children that are not reaped yet.
    pub alive: Gauge,
    starts: [Counter; ChildStart::ALL.len()],
    ends: [Counter; ChildEnd::ALL.len()],
}

impl ChildCells {
    /// Counts one wish for a child.
    pub fn start(&self, result: ChildStart) {
        self.starts[result.index()].inc();
    }

    /// Counts one child that is gone.
    pub fn end(&self, how: ChildEnd) {
        self.ends[how.index()].inc();
    }

    /// Wishes that ended with `result`.
    #[must_use]
    pub fn starts(&self, result: ChildStart) -> u64 {
        self.starts[result.index()].value()
    }

    /// Children that went the way of `how`.
    #[must_use]
    pub fn ends(&self, how: ChildEnd) -> u64 {
        self.ends[how.index()].value()
    }
}
