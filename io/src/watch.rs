//! Waiting until a socket is ready, with a wait that survives its waiter.
//!
//! A gateway looks out for its client's departure while it waits for the upstream, and drops that look-out for every
//! answer. Were the wait dropped too, each request would pay for arming and cancelling one. So the wait stays armed in
//! the stream, and the read of the next request takes it over: looking out costs nothing.

use std::{
    cell::RefCell,
    convert::Infallible,
    future::{Future, poll_fn},
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use crate::descriptor::Descriptor;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    Read,
    Write,
}

/// The wait of one direction of a socket. One task may wait in it at a time; a later one takes its place.
pub(crate) struct Watch {
    interest: Interest,
    armed: RefCell<Option<Pin<Box<dyn Future<Output = Infallible>>>>>,
}

impl Watch {
    /// Makes a watch that is not armed; it allocates when it is polled first.
    pub(crate) fn new(interest: Interest) -> Self {
        Self {
            interest,
            armed: RefCell::new(None),
        }
    }

    /// Polls for readiness, arming the wait when none is armed. Readiness is a hint: the socket is to be tried.
    pub(crate) fn poll(
        &self,
        descriptor: &Rc<Descriptor>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut armed = self.armed.borrow_mut();
        let wait =
            armed.get_or_insert_with(|| Box::pin(keep_waiting(descriptor.clone(), self.interest)));
        match wait.as_mut().poll(cx) {
            Poll::Ready(never) => match never {},
            Poll::Pending => match descriptor.outcome(self.interest).take() {
                Some(outcome) => Poll::Ready(outcome),
                None => Poll::Pending,
            },
        }
    }
}

/// Waits again and again, leaving each outcome in the descriptor. One allocation serves a stream's whole life.
async fn keep_waiting(descriptor: Rc<Descriptor>, interest: Interest) -> Infallible {
    loop {
        let outcome = descriptor.ready(interest).await;
        descriptor.outcome(interest).set(Some(outcome));
        suspend().await;
    }
}

/// Returns to the caller of `poll` once, with no wake-up arranged: whoever polls again wants the next outcome.
async fn suspend() {
    let mut suspended = false;
    poll_fn(move |_| match std::mem::replace(&mut suspended, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}
