//! One connection of the load generator and the request it has in flight.

use std::io;
use std::time::Instant;

use crate::http::answer::AnswerReader;
use crate::net::{Address, Stream};
use crate::os::{Epoll, Interest};

use super::expectation::Fault;

/// A connection slot. The connection is made when the slot first sends and again after it ended.
pub(crate) struct Client {
    token: u64,
    stream: Option<Stream>,
    interest: Interest,
    request: Vec<u8>,
    sent: usize,
    answer: AnswerReader,
    in_flight: Option<InFlight>,
    /// Every request asks that its connection end.
    closes: bool,
    /// The answer is complete, and the connection's end is awaited.
    ending: bool,
}

/// The request that is being answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InFlight {
    /// Its id.
    pub(crate) id: u64,
    /// When it was due (open loop) or sent (closed loop).
    pub(crate) since: Instant,
}

/// What a readable or writable socket led to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Nothing yet.
    Waiting,
    /// The answer is complete and may be judged.
    Answered(InFlight),
    /// The connection has ended after its answer; the slot is free.
    Ended,
    /// The request failed; the slot is free.
    Failed(Fault),
}

impl Client {
    /// An unconnected slot.
    pub(crate) fn new(token: u64, closes: bool) -> Self {
        Self {
            token,
            closes,
            stream: None,
            interest: Interest::Read,
            request: Vec::new(),
            sent: 0,
            answer: AnswerReader::default(),
            in_flight: None,
            ending: false,
        }
    }

    /// A new request may be sent.
    pub(crate) fn is_free(&self) -> bool {
        self.in_flight.is_none() && !self.ending
    }

    /// The answer last completed.
    pub(crate) fn answer(&self) -> &AnswerReader {
        &self.answer
    }

    /// Sends a request whose bytes `number` writes and whose id it returns.
    pub(crate) fn send(
        &mut self,
        address: &Address,
        epoll: &Epoll,
        since: Instant,
        number: impl FnOnce(&mut Vec<u8>) -> u64,
    ) -> io::Result<()> {
        self.connect(address, epoll)?;
        let id = number(&mut self.request);
        self.sent = 0;
        self.answer.reset();
        self.in_flight = Some(InFlight { id, since });
        self.write(epoll)
    }

    fn connect(&mut self, address: &Address, epoll: &Epoll) -> io::Result<()> {
        if self.stream.is_none() {
            let stream = Stream::connect(address)?;
            self.interest = Interest::Read;
            epoll.add(&stream, self.token, self.interest)?;
            self.stream = Some(stream);
        }
        Ok(())
    }

    /// Writes what is left; an error is left to the read side, which learns whether an answer came before it.
    fn write(&mut self, epoll: &Epoll) -> io::Result<()> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        while self.sent < self.request.len() {
            match stream.write_now(&self.request[self.sent..]) {
                Ok(Some(sent)) => self.sent += sent,
                Ok(None) | Err(_) => break,
            }
        }
        let wanted = if self.sent < self.request.len() {
            Interest::ReadWrite
        } else {
            Interest::Read
        };
        if wanted != self.interest {
            self.interest = wanted;
            epoll.change(stream, self.token, wanted)?;
        }
        Ok(())
    }

    /// The socket is ready. Reads once; the poller reports again if there is more.
    pub(crate) fn ready(
        &mut self,
        writable: bool,
        epoll: &Epoll,
        scratch: &mut [u8],
    ) -> io::Result<Outcome> {
        if writable {
            self.write(epoll)?;
        }
        let Some(stream) = &mut self.stream else {
            return Ok(Outcome::Waiting);
        };
        match stream.read_now(scratch) {
            Ok(None) => Ok(Outcome::Waiting),
            Ok(Some(0)) => Ok(self.ended()),
            Ok(Some(len)) => Ok(self.received(&scratch[..len])),
            Err(_) => Ok(self.fail(Fault::Closed)),
        }
    }

    fn received(&mut self, bytes: &[u8]) -> Outcome {
        if self.in_flight.is_none() {
            return self.fail(Fault::Framing);
        }
        match self.answer.feed(bytes) {
            Ok(false) => Outcome::Waiting,
            Ok(true) => self.answered(),
            Err(malformed) => self.fail(malformed.into()),
        }
    }

    fn answered(&mut self) -> Outcome {
        self.ending = self.closes || self.answer.closes();
        self.in_flight
            .take()
            .map_or(Outcome::Waiting, Outcome::Answered)
    }

    fn ended(&mut self) -> Outcome {
        self.stream = None;
        self.ending = false;
        let Some(in_flight) = self.in_flight.take() else {
            return Outcome::Ended;
        };
        match self.answer.feed_end() {
            Ok(()) => Outcome::Answered(in_flight),
            Err(malformed) => Outcome::Failed(malformed.into()),
        }
    }

    fn fail(&mut self, fault: Fault) -> Outcome {
        self.stream = None;
        self.ending = false;
        self.in_flight = None;
        Outcome::Failed(fault)
    }

    /// Gives up on what is in flight; the fault where there was something.
    pub(crate) fn abandon(&mut self) -> Option<Fault> {
        self.stream = None;
        self.in_flight.take().map(|_| Fault::Missing)
    }
}
