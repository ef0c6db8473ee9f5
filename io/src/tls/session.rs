//! A TLS connection on a socket.

use std::{
    cell::RefCell,
    io::{self, ErrorKind},
    task::{Context, Poll, ready},
};

use super::{CertificateDer, TlsPeer, records::Records};
use crate::{Buffer, limits::TLS_RECORDS_PER_TURN_MAX, socket::Socket};

/// What a [`Stream`](crate::Stream) under TLS holds beside its socket: keys, what the handshake found out, and, while
/// there are some, bytes on their way.
pub(crate) struct Session {
    records: RefCell<Records>,
    peer: TlsPeer,
}

impl Session {
    pub(super) fn new(records: Records, peer: TlsPeer) -> Self {
        Self {
            records: RefCell::new(records),
            peer,
        }
    }

    /// What the handshake found out about the peer.
    pub(crate) fn peer(&self) -> &TlsPeer {
        &self.peer
    }

    /// The peer's certificates, its own first; empty where it showed none. They were verified.
    ///
    /// Lent by rustls, which keeps them anyway: they are kilobytes that an idle connection would hold twice.
    pub(crate) fn with_certificates<T>(
        &self,
        look: impl FnOnce(&[CertificateDer<'static>]) -> T,
    ) -> T {
        let records = self.records.borrow();
        look(records.common().peer_certificates().unwrap_or_default())
    }

    /// Memory that is held for bytes on their way.
    #[cfg(test)]
    pub(crate) fn held_bytes(&self) -> usize {
        self.records.borrow().held_bytes()
    }

    /// As [`Socket::poll_read`], of what the peer encrypted.
    pub(crate) fn poll_read(
        &self,
        socket: &Socket,
        cx: &mut Context<'_>,
        buffer: &mut Buffer,
    ) -> Poll<io::Result<usize>> {
        if buffer.capacity() > 0 && buffer.len() == buffer.capacity() {
            return Poll::Ready(Err(ErrorKind::InvalidInput.into()));
        }
        socket.check_deadline()?;
        let mut records = self.records.borrow_mut();
        loop {
            let outcome = records.read(buffer);
            flush(&mut records, socket);
            if let Some(outcome) = outcome {
                return Poll::Ready(outcome);
            }
            ready!(poll_receive(&mut records, socket, cx))?;
        }
    }

    /// Polls until a read finds something, which it then does without waiting. Records that only concern TLS are none.
    pub(crate) fn poll_readable(
        &self,
        socket: &Socket,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut records = self.records.borrow_mut();
        loop {
            let found = records.look_ahead();
            flush(&mut records, socket);
            if found {
                return Poll::Ready(Ok(()));
            }
            ready!(poll_receive(&mut records, socket, cx))?;
        }
    }

    /// Polls until the peer has left (`false`) or has sent data (`true`), behind which it may have left.
    pub(crate) fn poll_hangup(&self, socket: &Socket, cx: &mut Context<'_>) -> Poll<bool> {
        let outcome = ready!(self.poll_readable(socket, cx));
        let records = self.records.borrow();
        let has_left = outcome.is_err() || socket.timed_out() || records.end().is_some();
        Poll::Ready(!has_left)
    }

    /// Whether the peer has said its end behind data that nobody has read. Looks as far ahead as a record of data.
    pub(crate) fn has_ended_behind_data(&self, socket: &Socket) -> bool {
        let mut records = self.records.borrow_mut();
        if records.end().is_none() && !records.is_far_ahead() {
            match try_receive(&mut records, socket) {
                Err(error) if error.kind() != ErrorKind::WouldBlock => records.transport_ended(),
                _ => {}
            }
            records.look_ahead();
            flush(&mut records, socket);
        }
        records.end().is_some()
    }

    /// Encrypts and sends what is left of `parts`, and takes off what is encrypted.
    pub(crate) fn poll_write(
        &self,
        socket: &Socket,
        cx: &mut Context<'_>,
        parts: &mut [&[u8]; 2],
    ) -> Poll<io::Result<()>> {
        let mut records = self.records.borrow_mut();
        for _ in 0..TLS_RECORDS_PER_TURN_MAX {
            // A write that was dropped has left the rest of its last record.
            ready!(poll_flush(&mut records, socket, cx))?;
            if parts[0].is_empty() && parts[1].is_empty() {
                return Poll::Ready(Ok(()));
            }
            socket.check_deadline()?;
            records.encrypt(parts)?;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Whether an idle connection has failed, was closed, or has got data that nobody asked for. Works off what came.
    pub(crate) fn is_stale(&self, socket: &Socket) -> bool {
        let mut records = self.records.borrow_mut();
        loop {
            let found = records.look_ahead();
            flush(&mut records, socket);
            if found {
                return true;
            }
            match try_receive(&mut records, socket) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    records.settle();
                    return false;
                }
                // The kernel tells of a failure once.
                Err(_) => records.transport_ended(),
            }
        }
    }

    /// Whether something is there that was decrypted or ended before: the socket need not be asked.
    pub(crate) fn has_unread(&self) -> bool {
        let records = self.records.borrow();
        records.has_plaintext() || records.end().is_some()
    }

    /// Says that nothing more comes, as far as the socket takes it at once.
    pub(crate) fn close(&self, socket: &Socket) {
        let mut records = self.records.borrow_mut();
        records.close();
        flush(&mut records, socket);
    }
}

/// Receives once, waiting for it. The end of the transport is left in `records`.
pub(super) fn poll_receive(
    records: &mut Records,
    socket: &Socket,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    let Some((incoming, room)) = records.room() else {
        return Poll::Ready(Ok(()));
    };
    let poll = socket.poll_read(cx, incoming, room);
    if !matches!(poll, Poll::Ready(Ok(_))) {
        records.settle();
    }
    note(records, ready!(poll)?);
    Poll::Ready(Ok(()))
}

/// Receives once, if there is something.
fn try_receive(records: &mut Records, socket: &Socket) -> io::Result<()> {
    let Some((incoming, room)) = records.room() else {
        return Ok(());
    };
    let received = socket.try_read(incoming, room)?;
    note(records, received);
    Ok(())
}

fn note(records: &mut Records, received: usize) {
    match received {
        0 => records.transport_ended(),
        count => records.received(count),
    }
}

/// Sends what is encrypted.
pub(super) fn poll_flush(
    records: &mut Records,
    socket: &Socket,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    while !records.outgoing().is_empty() {
        let mut parts = [records.outgoing(), &[]];
        let before = parts[0].len();
        let poll = socket.poll_write(cx, &mut parts);
        let sent = before - parts[0].len();
        records.sent(sent);
        ready!(poll)?;
    }
    Poll::Ready(Ok(()))
}

/// Sends what the socket takes at once. What it does not take goes out before the next write.
pub(super) fn flush(records: &mut Records, socket: &Socket) {
    while !records.outgoing().is_empty() {
        match socket.try_write([records.outgoing(), &[]]) {
            Ok(sent) => records.sent(sent),
            // A failure is found by whoever reads or writes next.
            Err(_) => return,
        }
    }
}
