//! How many event streams each identity holds open, over all workers.
//!
//! Looked at when a stream opens and when it closes, never for an ordinary request, so one lock for all is enough.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The open streams of the process.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamCounts(Arc<Mutex<HashMap<Box<str>, usize>>>);

/// One counted stream; dropping it ends the count.
#[derive(Debug)]
pub(super) struct StreamSlot {
    counts: StreamCounts,
    identity: Box<str>,
}

impl StreamCounts {
    /// Counts a stream of `identity`; `None` where it has `max` already.
    pub(super) fn admit(&self, identity: &str, max: usize) -> Option<StreamSlot> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = counts.entry(identity.into()).or_default();
        if *open >= max {
            return None;
        }
        *open += 1;
        Some(StreamSlot {
            counts: self.clone(),
            identity: identity.into(),
        })
    }
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = counts.get_mut(&self.identity) {
            *open -= 1;
            if *open == 0 {
                counts.remove(&self.identity);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::StreamCounts;

    #[test]
    fn a_bound_holds_per_identity_and_slots_come_back() {
        let counts = StreamCounts::default();
        let first = counts.admit("key:a", 2);
        let second = counts.admit("key:a", 2);
        assert!(first.is_some() && second.is_some());
        assert!(counts.admit("key:a", 2).is_none());
        assert!(counts.admit("key:b", 2).is_some());
        drop(first);
        assert!(counts.admit("key:a", 2).is_some());
        drop(second);
    }
}
