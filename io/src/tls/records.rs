//! One side of a TLS connection without its socket: records in, plaintext out, and the reverse.
//!
//! Drives rustls without buffers of its own: what is received, decrypted ahead and not yet sent stands in buffers of the
//! worker's pool, which go back there as soon as they are empty.

use std::{fmt, io};

use rustls::{
    CommonState, Error, client::UnbufferedClientConnection, server::UnbufferedServerConnection,
};

use super::step::{RECORD_HEADER_BYTES, Send, Step, Work};
use crate::{
    Buffer,
    limits::{
        BUFFER_CLASSES_BYTES, TLS_CONTROL_BYTES_MAX, TLS_HANDSHAKE_MESSAGE_BYTES_MAX,
        TLS_PLAINTEXT_BYTES_MAX, TLS_RECORD_BYTES_MAX,
    },
    socket::advance,
};

/// As much in one receive fills the memory that an idle reader begins with.
const BULK_BYTES: usize = BUFFER_CLASSES_BYTES[0];

/// Either side of a connection.
pub(super) enum Side {
    Server(UnbufferedServerConnection),
    Client(UnbufferedClientConnection),
}

impl Side {
    fn common(&self) -> &CommonState {
        match self {
            Self::Server(connection) => connection,
            Self::Client(connection) => connection,
        }
    }
}

/// Why nothing more is to be had from the peer.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// It said that it has sent everything (`close_notify`).
    Closed,
    /// The transport ended before the peer said so; what came may not be all.
    Truncated,
    /// It, or we, broke the connection off.
    Broken(Error),
    /// It sent only records that carry no data.
    Fruitless,
}

impl End {
    /// What a read gets.
    pub(super) fn outcome(&self) -> io::Result<usize> {
        match self {
            Self::Closed => Ok(0),
            Self::Truncated => Err(io::ErrorKind::UnexpectedEof.into()),
            Self::Broken(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error.clone())),
            Self::Fruitless => Err(io::Error::new(io::ErrorKind::InvalidData, Fruitless)),
        }
    }
}

/// The peer kept the connection busy with nothing.
#[derive(Debug)]
struct Fruitless;

impl fmt::Display for Fruitless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "peer sent {TLS_CONTROL_BYTES_MAX} bytes of TLS records without data"
        )
    }
}

impl std::error::Error for Fruitless {}

/// How far working records off came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// A record gave plaintext; there may be more.
    Plaintext,
    /// All that came is worked off, and nothing can be sent.
    Blocked,
    /// All that came is worked off, and it was our turn to send.
    Turn,
}

/// The connection with what is on its way through it.
pub(super) struct Records {
    side: Side,
    /// Received, not worked off: the beginning of a record, or of a handshake message. What is worked off leaves the front;
    /// rustls remembers places in it, so nothing else may touch it.
    incoming: Buffer,
    /// Decrypted, not read. Empty unless the reader's buffer was full, or somebody looked ahead.
    plain: Buffer,
    /// Encrypted, not sent.
    outgoing: Buffer,
    end: Option<Box<End>>,
    has_closed: bool,
    /// Whether the last that was received was much, so that more of it is likely.
    is_bulk: bool,
    /// Bytes of records since the last that carried data.
    control_bytes: usize,
}

impl Records {
    pub(super) fn new(side: Side) -> Self {
        Self {
            side,
            incoming: Buffer::new(),
            plain: Buffer::new(),
            outgoing: Buffer::new(),
            end: None,
            has_closed: false,
            is_bulk: false,
            control_bytes: 0,
        }
    }

    /// What is known about the connection.
    pub(super) fn common(&self) -> &CommonState {
        self.side.common()
    }

    /// Where received bytes go, and how many of them may be asked for at once. `None` ends the connection: a record, or a
    /// handshake message, is longer than any may be.
    pub(super) fn room(&mut self) -> Option<(&mut Buffer, usize)> {
        let bytes_max = match self.common().is_handshaking() {
            true => TLS_HANDSHAKE_MESSAGE_BYTES_MAX,
            false => TLS_RECORD_BYTES_MAX,
        };
        let room = bytes_max.saturating_sub(self.incoming.len());
        if room == 0 {
            self.end_with(End::Fruitless);
            return None;
        }
        self.make_room(room);
        Some((&mut self.incoming, room))
    }

    /// Takes memory for the rest of a record that has begun, or for a long one where long ones are coming in.
    fn make_room(&mut self, room: usize) {
        let held = self.incoming.len();
        match *self.incoming {
            [] if self.is_bulk => self.incoming.reserve(room),
            [] => {}
            [_, _, _, high, low, ..] => {
                let record = RECORD_HEADER_BYTES + usize::from(u16::from_be_bytes([high, low]));
                self.incoming
                    .reserve(record.saturating_sub(held).clamp(1, room));
            }
            _ => self.incoming.reserve(1),
        }
    }

    /// `count` bytes were received.
    pub(super) fn received(&mut self, count: usize) {
        self.is_bulk = count >= BULK_BYTES;
    }

    /// Memory that is held for bytes on their way.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        let buffers = [&self.incoming, &self.plain, &self.outgoing];
        buffers.map(Buffer::capacity).iter().sum()
    }

    /// Bytes to send.
    pub(super) fn outgoing(&self) -> &[u8] {
        &self.outgoing
    }

    /// `count` bytes were sent.
    pub(super) fn sent(&mut self, count: usize) {
        self.outgoing.consume_front(count);
        if self.outgoing.is_empty() {
            self.outgoing.release();
        }
    }

    /// Whether decrypted bytes wait.
    pub(super) fn has_plaintext(&self) -> bool {
        !self.plain.is_empty()
    }

    /// Whether more than a record's content waits.
    pub(super) fn is_far_ahead(&self) -> bool {
        self.plain.len() > TLS_RECORD_BYTES_MAX
    }

    /// Why nothing more comes.
    pub(super) fn end(&self) -> Option<&End> {
        self.end.as_deref()
    }

    /// The transport has ended.
    pub(super) fn transport_ended(&mut self) {
        self.end_with(End::Truncated);
    }

    fn end_with(&mut self, end: End) {
        // After a truncation we may still send, and rustls then looks again at the part of a message that it has seen.
        if !matches!(end, End::Truncated) {
            self.incoming.release();
        }
        self.end.get_or_insert_with(|| Box::new(end));
    }

    /// Gives plaintext to `buffer` as far as it has room: what waits, then what records that came hold.
    ///
    /// `None` when more has to be received first; after that every complete record is worked off.
    pub(super) fn read(&mut self, buffer: &mut Buffer) -> Option<io::Result<usize>> {
        let held = buffer.len();
        if self.has_plaintext() {
            buffer.reserve(1);
            let count = self.plain.len().min(buffer.spare());
            buffer.extend_from_slice(&self.plain[..count]);
            self.plain.consume_front(count);
        }
        while !self.has_plaintext() && self.work_off(Some(buffer)) == Reached::Plaintext {}
        self.settle();
        match buffer.len() - held {
            0 => self.end().map(End::outcome),
            count => Some(Ok(count)),
        }
    }

    /// Decrypts all that came, for later reads. Says whether a read would find something.
    pub(super) fn look_ahead(&mut self) -> bool {
        while self.work_off(None) == Reached::Plaintext {}
        self.settle();
        self.has_plaintext() || self.end.is_some()
    }

    /// Gives back what is empty.
    pub(super) fn settle(&mut self) {
        for buffer in [&mut self.incoming, &mut self.plain, &mut self.outgoing] {
            if buffer.is_empty() {
                buffer.release();
            }
        }
    }

    /// Works records off until one gave plaintext.
    pub(super) fn work_off(&mut self, into: Option<&mut Buffer>) -> Reached {
        if self.end.is_some() {
            return Reached::Blocked;
        }
        self.drive(into, Send::Nothing)
    }

    /// Encrypts the front of `parts` as one record, and takes it off. Errors: `BrokenPipe` when nothing can be sent any more.
    pub(super) fn encrypt(&mut self, parts: &mut [&[u8]; 2]) -> io::Result<()> {
        let head = parts[0].len().min(TLS_PLAINTEXT_BYTES_MAX);
        let body = parts[1].len().min(TLS_PLAINTEXT_BYTES_MAX - head);
        match (head, body) {
            (0, _) => self.send(Send::Data(&parts[1][..body]))?,
            (_, 0) => self.send(Send::Data(&parts[0][..head]))?,
            _ => {
                let mut joined = Buffer::with_capacity(head + body);
                joined.extend_from_slice(&parts[0][..head]);
                joined.extend_from_slice(&parts[1][..body]);
                self.send(Send::Data(&joined))?;
            }
        }
        advance(parts, head + body);
        Ok(())
    }

    /// Says to the peer that nothing more comes, once; not behind a record that it has only in part from a write that was
    /// dropped, which may be part of an answer that was broken off.
    pub(super) fn close(&mut self) {
        if !self.outgoing.is_empty() {
            return;
        }
        // A failure means that the peer is beyond being told.
        let _ = self.send(Send::CloseNotify);
        self.has_closed = true;
    }

    fn send(&mut self, send: Send<'_>) -> io::Result<()> {
        let broken = matches!(self.end(), Some(End::Broken(_) | End::Fruitless));
        if broken || self.has_closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        loop {
            // What came first is worked off before it is our turn.
            match self.drive(None, send) {
                Reached::Plaintext => {}
                Reached::Turn => return Ok(()),
                Reached::Blocked => return Err(io::ErrorKind::BrokenPipe.into()),
            }
        }
    }

    /// Lets rustls do everything that it can, up to plaintext.
    fn drive(&mut self, mut into: Option<&mut Buffer>, send: Send<'_>) -> Reached {
        loop {
            let mut work = Work {
                into: into.as_deref_mut(),
                plain: &mut self.plain,
                outgoing: &mut self.outgoing,
                send,
            };
            let incoming = self.incoming.content_mut();
            let (discard, step) = match &mut self.side {
                Side::Server(side) => work.handle(side.process_tls_records(incoming)),
                Side::Client(side) => work.handle(side.process_tls_records(incoming)),
            };
            self.incoming.consume_front(discard);
            self.control_bytes = self.control_bytes.saturating_add(discard);
            match step {
                Ok(Step::Plaintext) => {
                    self.control_bytes = 0;
                    return Reached::Plaintext;
                }
                Ok(Step::Onward) => {}
                Ok(Step::PeerClosed) => self.end_with(End::Closed),
                Ok(Step::Blocked) => return self.bounded(Reached::Blocked),
                Ok(Step::Turn) => return self.bounded(Reached::Turn),
                Err(error) => {
                    self.fail(error);
                    return Reached::Blocked;
                }
            }
        }
    }

    /// Ends a connection that has been kept busy with nothing for too long.
    fn bounded(&mut self, reached: Reached) -> Reached {
        if self.control_bytes <= TLS_CONTROL_BYTES_MAX {
            return reached;
        }
        self.end_with(End::Fruitless);
        Reached::Blocked
    }

    /// Ends the connection, with the alert for the peer ready to be sent.
    ///
    /// rustls hands out what it wants to send before it looks at what came, so that it gets by without the latter.
    fn fail(&mut self, error: Error) {
        self.end_with(End::Broken(error));
        let mut work = Work {
            into: None,
            plain: &mut self.plain,
            outgoing: &mut self.outgoing,
            send: Send::Nothing,
        };
        while self.side.common().wants_write() {
            let (_, step) = match &mut self.side {
                Side::Server(side) => work.handle(side.process_tls_records(&mut [])),
                Side::Client(side) => work.handle(side.process_tls_records(&mut [])),
            };
            if !matches!(step, Ok(Step::Onward)) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
