//! Tasks of a worker: they run on the thread that spawned them and nowhere else.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;

use crate::{
    local::{self, LiveTask},
    time,
};

/// A spawned task. Awaiting it gives its output; dropping it lets the task run on.
pub struct Task<T> {
    handle: monoio::task::JoinHandle<Result<T, Panicked>>,
    /// The handle must not leave the thread of the task, although its type would let it.
    _stays: PhantomData<Rc<()>>,
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Task")
    }
}

/// The task panicked. The panic message went to the process's panic hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("task panicked")
    }
}

impl std::error::Error for Panicked {}

impl<T> Future for Task<T> {
    type Output = Result<T, Panicked>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.handle).poll(cx)
    }
}

/// Runs `future` on this thread beside the others. Must be called on a worker.
///
/// A panic ends this task alone: a defect met by one connection must not close all connections of the worker.
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let contained = Contained {
        future,
        _live: local::count_task(),
    };
    Task {
        handle: monoio::spawn(contained),
        _stays: PhantomData,
    }
}

pin_project! {
    /// A future whose panic is its output.
    struct Contained<F> {
        #[pin]
        future: F,
        _live: LiveTask,
    }
}

impl<F: Future> Future for Contained<F> {
    type Output = Result<F::Output, Panicked>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.project().future;
        // What the task shares with others is behind cells whose guards are released by the unwinding.
        match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(_payload) => {
                tracing::error!("a task panicked and was ended");
                Poll::Ready(Err(Panicked))
            }
        }
    }
}

/// Lets other tasks run, and IO and timers make progress, before it returns.
///
/// A task that just wakes itself would not do: the event loop looks at timers, and a ring with deferred task work at
/// completions, only when no task is ready.
pub async fn yield_now() {
    let turned = match local::turnstile() {
        Ok(turnstile) => turnstile.writable(true).await,
        Err(error) => Err(error),
    };
    if turned.is_err() {
        // No descriptor was left for a turnstile. The shortest sleep does the same, later.
        time::sleep(Duration::from_millis(1)).await;
    }
}
