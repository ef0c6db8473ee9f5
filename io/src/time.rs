//! Waiting for time to pass.
//!
//! For the time limits of a connection use [`crate::Stream::set_deadline`], which costs no timer an operation.

use std::{fmt, future::Future, time::Duration};

use crate::{Either, select};

/// The longest sleep that the timer takes; longer ones end here. Far beyond the life of a process.
const SLEEP_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// A future did not end in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("time limit elapsed")
    }
}

impl std::error::Error for Elapsed {}

/// Waits for `duration`, rounded up to milliseconds. May be dropped.
pub async fn sleep(duration: Duration) {
    monoio::time::sleep(duration.min(SLEEP_MAX)).await;
}

/// Runs `future` for `limit` at most and drops it then.
pub async fn timeout<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    match select(future, sleep(limit)).await {
        Either::Left(output) => Ok(output),
        Either::Right(()) => Err(Elapsed),
    }
}
