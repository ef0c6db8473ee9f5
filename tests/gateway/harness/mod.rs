//! What every test here stands on: the real binary, a client that speaks raw HTTP, an upstream that records what reached it.
//!
//! Tests wait for events with deadlines and never sleep to wait for something.

pub(crate) mod client;
pub(crate) mod gateway;
pub(crate) mod issuer;
pub(crate) mod pki;
pub(crate) mod proxy;
pub(crate) mod shelf;
pub(crate) mod site;
pub(crate) mod upstream;
pub(crate) mod wire;

use std::time::Duration;

/// How long any single wait of a test may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Polls `ready` until it gives a value; panics with `what` when [`PATIENCE`] has run out.
pub(crate) fn eventually<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "never happened: {what}"
        );
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
