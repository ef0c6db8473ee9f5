//! One connection to the fixture: read a request, answer it, perhaps stream.

use std::io;
use std::time::{Duration, Instant};

use crate::http::request::{Parsed, parse};
use crate::net::Stream;
use crate::os::Interest;

use super::answers::{Library, Reply, append_event};
use super::outbound::Outbound;

/// What the event loop does after a connection acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Wait for the socket.
    Wait,
    /// Wake the stream at this time.
    At(Instant),
    /// Drop it.
    Close,
}

/// A connection and the answer it is giving.
pub(crate) struct Connection {
    stream: Stream,
    /// The beginning of a request whose end has not come.
    pending: Vec<u8>,
    outbound: Outbound,
    streaming: Option<Streaming>,
    /// The client wants the connection ended after this answer.
    last: bool,
    /// What the poller watches for now.
    interest: Interest,
}

/// A paced event stream that is being sent.
struct Streaming {
    id: Vec<u8>,
    number: usize,
    count: usize,
    every: Duration,
    /// When the next event is owed; a wake for another time belonged to an earlier connection in the same slot.
    due: Option<Instant>,
}

impl Connection {
    /// A connection that has sent nothing yet.
    pub(crate) fn new(stream: Stream) -> Self {
        Self {
            stream,
            pending: Vec::new(),
            outbound: Outbound::default(),
            streaming: None,
            last: false,
            interest: Interest::Read,
        }
    }

    /// The socket, for the poller.
    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The poller's new interest where it differs from what it has.
    pub(crate) fn interest_change(&mut self) -> Option<Interest> {
        let wanted = if self.outbound.is_empty() {
            Interest::Read
        } else {
            Interest::ReadWrite
        };
        let changed = wanted != self.interest;
        self.interest = wanted;
        changed.then_some(wanted)
    }

    /// The socket is readable or writable.
    pub(crate) fn ready(
        &mut self,
        readable: bool,
        library: &mut Library,
        scratch: &mut [u8],
    ) -> io::Result<Next> {
        self.outbound.write_to(&mut self.stream)?;
        if !readable {
            return self.answer_pending(library);
        }
        match self.stream.read_now(scratch)? {
            None => Ok(Next::Wait),
            Some(0) => Ok(Next::Close),
            Some(len) => self.received(&scratch[..len], library),
        }
    }

    fn received(&mut self, bytes: &[u8], library: &mut Library) -> io::Result<Next> {
        if !self.pending.is_empty() || self.busy() {
            self.pending.extend_from_slice(bytes);
            return self.answer_pending(library);
        }
        let (used, next) = self.answer_from(bytes, library)?;
        self.pending.extend_from_slice(&bytes[used..]);
        Ok(next)
    }

    fn answer_pending(&mut self, library: &mut Library) -> io::Result<Next> {
        let pending = std::mem::take(&mut self.pending);
        let (used, next) = self.answer_from(&pending, library)?;
        self.pending = pending;
        self.pending.drain(..used);
        Ok(next)
    }

    fn busy(&self) -> bool {
        self.streaming.is_some() || !self.outbound.is_empty()
    }

    /// Answers the requests in `bytes` until one is incomplete or an answer cannot be sent whole; returns the bytes used.
    fn answer_from(&mut self, bytes: &[u8], library: &mut Library) -> io::Result<(usize, Next)> {
        let (mut used, mut next) = (0, Next::Wait);
        while !self.busy() && used < bytes.len() {
            let request = match parse(&bytes[used..]) {
                Parsed::Complete(request) => request,
                Parsed::Partial => break,
                Parsed::Refused => return Ok((used, Next::Close)),
            };
            used += request.len;
            self.last = request.close;
            let reply = library.answer(&request, &mut self.outbound);
            if self.last {
                self.outbound.announce_close();
            }
            self.outbound.write_to(&mut self.stream)?;
            next = self.after(reply);
        }
        if self.last && !self.busy() {
            return Ok((used, Next::Close));
        }
        Ok((used, next))
    }

    fn after(&mut self, reply: Reply) -> Next {
        let Reply::Stream { id, count, every } = reply else {
            return Next::Wait;
        };
        let due = (count != usize::MAX).then(|| Instant::now() + every);
        self.streaming = Some(Streaming {
            id,
            number: 1,
            count,
            every,
            due,
        });
        due.map_or(Next::Wait, Next::At)
    }

    /// The event that was due at `due` is sent, and the next one planned from that time, so that pauses do not add up.
    pub(crate) fn event_due(&mut self, due: Instant) -> io::Result<Next> {
        let Some(streaming) = self
            .streaming
            .as_mut()
            .filter(|streaming| streaming.due == Some(due))
        else {
            return Ok(Next::Wait);
        };
        streaming.number += 1;
        append_event(
            &streaming.id,
            streaming.number,
            streaming.count,
            &mut self.outbound.own,
        );
        streaming.due = (streaming.number < streaming.count).then(|| due + streaming.every);
        let next = streaming.due.map_or(Next::Wait, Next::At);
        if next == Next::Wait {
            self.streaming = None;
        }
        self.outbound.write_to(&mut self.stream)?;
        Ok(if self.last && !self.busy() {
            Next::Close
        } else {
            next
        })
    }
}
