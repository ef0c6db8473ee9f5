//! Tells operators that logins fail at the provider, and that they work again.
//!
//! The audit record has each login; the log has the first that fails, and then one a minute, however many try.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{LoggedIn, ProviderFault};

/// Time between two warnings.
const WARNED_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// What was told of one provider.
#[derive(Debug, Default)]
pub(super) struct Trouble(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    /// Whether the last line was a warning.
    is_warned: bool,
    warned_at: Option<Instant>,
}

/// What is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Nothing,
    Failing,
    WorkingAgain,
}

impl Trouble {
    /// Counts a browser that could be sent to the provider, or not. That it could says nothing of how its login ends.
    pub(super) fn sent(&self, outcome: &Result<String, ProviderFault>) {
        if let Err(fault) = outcome {
            self.tell(Some(fault));
        }
    }

    /// Counts a login that came back.
    pub(super) fn redeemed(&self, outcome: &Result<LoggedIn, ProviderFault>) {
        self.tell(outcome.as_ref().err());
    }

    fn tell(&self, fault: Option<&ProviderFault>) {
        let line = self.count(fault, Instant::now());
        match (line, fault) {
            // One person's answer may be the only one that is bad.
            (Line::Failing, Some(fault @ ProviderFault::BadAnswer(_))) => {
                tracing::warn!(%fault, "a login failed; others may fail too");
            }
            (Line::Failing, Some(fault)) => tracing::warn!(%fault, "nobody can log in"),
            (Line::WorkingAgain, _) => tracing::info!("people can log in again"),
            _ => {}
        }
    }

    fn count(&self, fault: Option<&ProviderFault>, now: Instant) -> Line {
        // No code that can panic runs under this lock.
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            None | Some(ProviderFault::NotAllowed(_)) => {
                match std::mem::replace(&mut told.is_warned, false) {
                    true => Line::WorkingAgain,
                    false => Line::Nothing,
                }
            }
            // Anybody can come back with a code that is worth nothing.
            Some(ProviderFault::Refused(_) | ProviderFault::WrongIssuer) => Line::Nothing,
            Some(
                ProviderFault::ClientRefused(_)
                | ProviderFault::BadAnswer(_)
                | ProviderFault::Unavailable(_),
            ) => {
                let is_recent =
                    |at: Instant| now.saturating_duration_since(at) < WARNED_AGAIN_AFTER;
                if told.warned_at.is_some_and(is_recent) {
                    return Line::Nothing;
                }
                *told = Told {
                    is_warned: true,
                    warned_at: Some(now),
                };
                Line::Failing
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Line, Trouble};
    use crate::control::oauth::provider::ProviderFault;

    #[test]
    fn a_failure_is_told_once_a_minute_and_its_end_once() {
        let down = ProviderFault::Unavailable("status 503".into());
        let secret = ProviderFault::ClientRefused("invalid_client");
        let bad = ProviderFault::BadAnswer("clock".into());
        let stranger = ProviderFault::NotAllowed("rule".into());
        let refused = ProviderFault::Refused("invalid_grant");
        let (trouble, start) = (Trouble::default(), Instant::now());
        for (at_secs, fault, expected) in [
            (0, None, Line::Nothing),
            (0, Some(&refused), Line::Nothing),
            (0, Some(&ProviderFault::WrongIssuer), Line::Nothing),
            (1, Some(&down), Line::Failing),
            (1, Some(&down), Line::Nothing),
            (60, Some(&secret), Line::Nothing),
            (61, Some(&secret), Line::Failing),
            (62, Some(&refused), Line::Nothing),
            // Whoever is judged has logged in.
            (63, Some(&stranger), Line::WorkingAgain),
            (64, None, Line::Nothing),
            // Failures that take turns with successes are no more than one line a minute either.
            (65, Some(&bad), Line::Nothing),
            (66, None, Line::Nothing),
            (121, Some(&bad), Line::Failing),
            (122, None, Line::WorkingAgain),
        ] {
            let line = trouble.count(fault, start + Duration::from_secs(at_secs));
            assert_eq!(line, expected, "{at_secs} s: {fault:?}");
        }
    }
}
