//! Legacy requests whose clients have left: read to their end and thrown away, since a disconnect cancels nothing before
//! 2026-07-28 and closing the connection would make most servers give up.
//!
//! Bounded in number (`detached_requests`) and time (`detached_ms`).

use std::rc::Rc;
use std::time::Duration;

use guard_io::http1::BodyReader;
use guard_io::{Buffer, Stream, spawn};

use super::forward::HeadReader;
use super::state::{View, Worker};
use crate::metrics::Bound;

/// An answer that nobody waits for.
pub(super) struct Unfinished {
    pub(super) stream: Stream,
    pub(super) buffer: Buffer,
    pub(super) stage: Stage,
}

/// How far it has come.
pub(super) enum Stage {
    Head(HeadReader),
    Body(BodyReader),
}

/// Lets `unfinished` run to its end on a task of its own; where too many do already, it ends now.
pub(super) fn see_out(worker: &Rc<Worker>, view: &View, mut unfinished: Unfinished) {
    let limits = view.limits();
    if worker.detached.get() >= limits.detached_requests {
        worker.metrics().bound(Bound::Detached);
        return;
    }
    unfinished
        .stream
        .set_deadline(Some(Duration::from_millis(limits.detached_ms)));
    worker.detached.set(worker.detached.get() + 1);
    let worker = Rc::clone(worker);
    // The task outlives its handle.
    drop(spawn(async move {
        let expired = worker.expired.clone();
        guard_io::select(unfinished.read_out(), expired.raised()).await;
        worker.detached.set(worker.detached.get() - 1);
    }));
}

impl Unfinished {
    /// Returns when the answer is whole, malformed, broken or late: nobody is there to be told the difference.
    async fn read_out(&mut self) {
        while self.is_wanting() {
            self.buffer.reserve(1);
            match self.stream.read(&mut self.buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }

    fn is_wanting(&mut self) -> bool {
        if let Stage::Head(reader) = &mut self.stage {
            match reader.next(&mut self.buffer) {
                Ok(None) => return true,
                Ok(Some(head)) => {
                    self.buffer.consume_front(head.head_len);
                    self.stage = Stage::Body(BodyReader::response(head.framing));
                }
                Err(_) => return false,
            }
        }
        let Stage::Body(body) = &mut self.stage else {
            return false;
        };
        while !self.buffer.is_empty() && !body.is_done() {
            match body.next(&self.buffer) {
                Ok(step) => self.buffer.consume_front(step.consumed),
                Err(_) => return false,
            }
        }
        !body.is_done()
    }
}
