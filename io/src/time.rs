//! Waiting for time to pass.
//!
//! For the time limits of a connection use [`crate::Stream::set_deadline`], which costs no timer an operation.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;

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
///
/// The timer is allocated: it is half a kilobyte, and a connection's task would carry one for each place that may sleep.
pub async fn sleep(duration: Duration) {
    Box::pin(monoio::time::sleep(duration.min(SLEEP_MAX))).await;
}

/// Runs `future` for `limit` at most. Dropping the result drops it.
pub fn timeout<F: Future>(limit: Duration, future: F) -> Timeout<F> {
    Timeout {
        future,
        timer: monoio::time::sleep(limit.min(SLEEP_MAX)),
    }
}

pin_project! {
    /// The future of [`timeout`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        #[pin]
        timer: monoio::time::Sleep,
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.future.poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => this.timer.poll(cx).map(|()| Err(Elapsed)),
        }
    }
}

impl<F> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Timeout")
    }
}
