//! Waiting for the first, or for all, of two futures of one task.
//!
//! Written as structures, since an async function keeps its arguments twice: once as passed and once pinned. Nested a few
//! times, that multiplies what a connection costs.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

/// Which of two futures ended first.
#[derive(Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first one.
    Left(A),
    /// The second one.
    Right(B),
}

/// Runs both futures until one ends; when both are ready the first wins. Dropping the result drops both.
///
/// Every future of this package may be dropped this way without losing bytes.
pub fn select<A: Future, B: Future>(left: A, right: B) -> Select<A, B> {
    Select { left, right }
}

pin_project! {
    /// The future of [`select`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Select<A, B> {
        #[pin]
        left: A,
        #[pin]
        right: B,
    }
}

impl<A: Future, B: Future> Future for Select<A, B> {
    type Output = Either<A::Output, B::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.left.poll(cx) {
            Poll::Ready(output) => Poll::Ready(Either::Left(output)),
            Poll::Pending => this.right.poll(cx).map(Either::Right),
        }
    }
}

/// Runs both futures until both have ended.
pub fn join<A: Future, B: Future>(left: A, right: B) -> Join<A, B> {
    Join {
        left,
        right,
        left_output: None,
        right_output: None,
    }
}

pin_project! {
    /// The future of [`join`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Join<A: Future, B: Future> {
        #[pin]
        left: A,
        #[pin]
        right: B,
        left_output: Option<A::Output>,
        right_output: Option<B::Output>,
    }
}

impl<A: Future, B: Future> Future for Join<A, B> {
    type Output = (A::Output, B::Output);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        poll_into(this.left_output, this.left, cx);
        poll_into(this.right_output, this.right, cx);
        match (this.left_output.take(), this.right_output.take()) {
            (Some(left), Some(right)) => Poll::Ready((left, right)),
            (left, right) => {
                *this.left_output = left;
                *this.right_output = right;
                Poll::Pending
            }
        }
    }
}

fn poll_into<F: Future>(output: &mut Option<F::Output>, future: Pin<&mut F>, cx: &mut Context<'_>) {
    if output.is_none()
        && let Poll::Ready(ready) = future.poll(cx)
    {
        *output = Some(ready);
    }
}

impl<A: Future, B: Future> std::fmt::Debug for Join<A, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Join")
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
        std::pin::pin!(future).poll(&mut Context::from_waker(std::task::Waker::noop()))
    }

    #[test]
    fn first_of_two_that_are_ready_wins() {
        assert_eq!(
            poll_once(select(ready(1), ready(2))),
            Poll::Ready(Either::Left(1))
        );
        assert_eq!(
            poll_once(select(pending::<()>(), ready(2))),
            Poll::Ready(Either::Right(2))
        );
        assert_eq!(
            poll_once(select(pending::<()>(), pending::<()>())),
            Poll::Pending
        );
    }

    #[test]
    fn join_waits_for_both() {
        assert_eq!(poll_once(join(ready(1), ready(2))), Poll::Ready((1, 2)));
        assert_eq!(poll_once(join(ready(1), pending::<()>())), Poll::Pending);
    }

    #[test]
    fn nesting_adds_sizes_and_does_not_multiply_them() {
        let leaf = || async {
            let bytes = [0_u8; 1000];
            pending::<()>().await;
            std::hint::black_box(&bytes);
        };
        let nested = select(join(leaf(), leaf()), select(leaf(), join(leaf(), leaf())));
        assert!(
            size_of_val(&nested) < 5 * 1000 + 500,
            "{}",
            size_of_val(&nested)
        );
    }
}
