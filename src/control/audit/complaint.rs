//! One log line for a fault that repeats.

use std::time::{Duration, Instant};

/// How long a fault that persists stays quiet after it was logged.
const QUIET: Duration = Duration::from_secs(30);

/// Decides when a repeating fault is worth another log line.
#[derive(Debug, Default)]
pub(super) struct Complaint {
    said: Option<Instant>,
}

impl Complaint {
    /// Whether to log the fault now: the first time, and every 30 s after that.
    pub(super) fn due(&mut self, now: Instant) -> bool {
        let due = self
            .said
            .is_none_or(|said| now.duration_since(said) >= QUIET);
        if due {
            self.said = Some(now);
        }
        due
    }

    /// The fault is over; returns whether it had been logged.
    pub(super) fn resolve(&mut self) -> bool {
        self.said.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Complaint, QUIET};

    #[test]
    fn a_persistent_fault_is_said_once_in_thirty_seconds() {
        let start = Instant::now();
        let mut complaint = Complaint::default();
        assert!(!complaint.resolve());
        assert!(complaint.due(start));
        assert!(!complaint.due(start + QUIET - Duration::from_millis(1)));
        assert!(complaint.due(start + QUIET));
        assert!(complaint.resolve());
        assert!(complaint.due(start + QUIET));
    }
}
