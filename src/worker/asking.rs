//! Waiting for control to answer a question.

use std::time::Duration;

use guard_io::{Either, select, time};

use super::exchange::Exchange;
use crate::mailbox::Awaited;

/// What came of a question.
#[derive(Debug)]
pub(super) enum Heard<A> {
    /// The answer.
    Answer(A),
    /// There is none, and will be none.
    Nothing,
    /// It did not come in time.
    TooLate,
    /// The grace of a drain is over.
    Draining,
    /// The client has left.
    Gone,
}

impl Exchange<'_> {
    /// Waits for what control says, `wait_ms_max` at most.
    pub(super) async fn hear<A>(&self, awaited: &Awaited<A>, wait_ms_max: u64) -> Heard<A> {
        let gone = self.connection.stream.hangup();
        let expired = self.worker.expired.raised();
        let heard = select(awaited.answer(), select(gone, expired));
        match time::timeout(Duration::from_millis(wait_ms_max), heard).await {
            Ok(Either::Left(Some(answer))) => Heard::Answer(answer),
            Ok(Either::Left(None)) => Heard::Nothing,
            Ok(Either::Right(Either::Left(()))) => Heard::Gone,
            Ok(Either::Right(Either::Right(()))) => Heard::Draining,
            Err(_) => Heard::TooLate,
        }
    }
}
