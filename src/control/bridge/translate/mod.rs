//! Clients of one era in front of servers of the other: what `engine::bridge::translate` decides, moved about.
//!
//! [`AsModern`] keeps legacy sessions on which modern requests are answered; [`AsLegacy`] gives each legacy client a task that
//! turns its messages into modern requests.
//!
//! **Invariant:** a task never waits for one side while it does not read the other, except for a client that reads too slowly,
//! and for that a bounded time; every queue is bounded.

mod as_legacy;
mod as_modern;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub(in crate::control) use as_legacy::AsLegacy;
pub(in crate::control) use as_modern::{AsModern, Bounds};

use std::time::Duration;

use tokio::time::Instant;

/// Milliseconds since the translation was set up.
#[derive(Clone, Copy, Debug)]
struct Clock(Instant);

impl Clock {
    fn start() -> Self {
        Self(Instant::now())
    }

    fn now_ms(self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn at(self, ms: u64) -> Instant {
        self.0 + Duration::from_millis(ms)
    }
}

/// Waits until `ms` on `clock`; for ever where there is nothing to wait for.
async fn sleep_until(clock: Clock, ms: Option<u64>) {
    match ms {
        Some(ms) => tokio::time::sleep_until(clock.at(ms)).await,
        None => std::future::pending().await,
    }
}
