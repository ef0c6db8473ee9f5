//! Sessions of clients up to 2025-11-25.

use std::collections::VecDeque;

/// Sessions kept; the oldest is forgotten for a new one.
const SESSIONS_MAX: usize = 1_024;

/// The sessions that were begun and not ended.
#[derive(Debug, Default)]
pub(super) struct Sessions(VecDeque<String>);

impl Sessions {
    /// Begins a session under a fresh id of 128 random bits; `None` where the system gives no random bytes.
    pub(super) fn begin(&mut self) -> Option<String> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).ok()?;
        let id = format!("{:032x}", u128::from_ne_bytes(bytes));
        if self.0.len() == SESSIONS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(id.clone());
        Some(id)
    }

    /// Whether `id` is a session.
    pub(super) fn has(&self, id: &[u8]) -> bool {
        self.0.iter().any(|known| known.as_bytes() == id)
    }

    /// Ends session `id`; returns whether there was one.
    pub(super) fn end(&mut self, id: &[u8]) -> bool {
        let before = self.0.len();
        self.0.retain(|known| known.as_bytes() != id);
        self.0.len() < before
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{SESSIONS_MAX, Sessions};

    #[test]
    fn sessions_begin_end_and_are_bounded() {
        let mut sessions = Sessions::default();
        let first = sessions.begin().unwrap();
        let second = sessions.begin().unwrap();
        assert_ne!(first, second);
        assert!(sessions.has(first.as_bytes()) && !sessions.has(b""));
        assert!(sessions.end(second.as_bytes()) && !sessions.end(second.as_bytes()));
        for _ in 0..SESSIONS_MAX {
            sessions.begin().unwrap();
        }
        assert!(!sessions.has(first.as_bytes()), "the oldest makes room");
        assert_eq!(sessions.0.len(), SESSIONS_MAX);
    }
}
