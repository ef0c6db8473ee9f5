//! Waiting for the first, or for all, of two futures of one task.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

/// Which of two futures ended first.
#[derive(Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first one.
    Left(A),
    /// The second one.
    Right(B),
}

/// Runs both futures until one ends and drops the other; when both are ready the first wins.
///
/// Every future of this package may be dropped this way without losing bytes.
pub async fn select<A: Future, B: Future>(left: A, right: B) -> Either<A::Output, B::Output> {
    let mut left = pin!(left);
    let mut right = pin!(right);
    poll_fn(move |cx| {
        if let Poll::Ready(output) = left.as_mut().poll(cx) {
            return Poll::Ready(Either::Left(output));
        }
        right.as_mut().poll(cx).map(Either::Right)
    })
    .await
}

/// Runs both futures until both have ended.
pub async fn join<A: Future, B: Future>(left: A, right: B) -> (A::Output, B::Output) {
    let mut left = pin!(left);
    let mut right = pin!(right);
    let mut outputs = (None, None);
    poll_fn(move |cx| {
        if outputs.0.is_none() {
            outputs.0 = ready_output(left.as_mut().poll(cx));
        }
        if outputs.1.is_none() {
            outputs.1 = ready_output(right.as_mut().poll(cx));
        }
        match (outputs.0.take(), outputs.1.take()) {
            (Some(left), Some(right)) => Poll::Ready((left, right)),
            unfinished => {
                outputs = unfinished;
                Poll::Pending
            }
        }
    })
    .await
}

fn ready_output<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
