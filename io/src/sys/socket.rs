//! Socket calls that return at once: they act now or fail with `WouldBlock`, whatever mode the socket is in.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    os::fd::{AsFd, AsRawFd},
};

use socket2::SockRef;

/// Receives `max` bytes at most into the spare capacity of `bytes` and lengthens it by what arrived. Returns 0 at the end of
/// the stream.
///
/// `bytes` must have spare capacity: with none, the answer could not be told from the end of the stream.
#[inline]
pub(crate) fn recv(socket: &impl AsFd, bytes: &mut Vec<u8>, max: usize) -> io::Result<usize> {
    let spare = bytes.spare_capacity_mut();
    let room = spare.len().min(max);
    let received = SockRef::from(socket).recv_with_flags(&mut spare[..room], libc::MSG_DONTWAIT)?;
    let len = bytes.len() + received;
    // SAFETY: the kernel initialised `received` bytes right behind the old length, and no more than the spare capacity.
    unsafe { bytes.set_len(len) };
    Ok(received)
}

/// The byte that a read would find first, consuming nothing; `None` for the end of the stream.
pub(crate) fn peek(socket: &impl AsFd) -> io::Result<Option<u8>> {
    let mut byte = [MaybeUninit::new(0)];
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
    let received = SockRef::from(socket).recv_with_flags(&mut byte, flags)?;
    // SAFETY: the byte was initialised above.
    Ok((received > 0).then(|| unsafe { byte[0].assume_init() }))
}

/// Sends what the socket's buffer takes of `bytes`. A peer that has left is an error, never a signal.
#[inline]
pub(crate) fn send(socket: &impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    SockRef::from(socket).send_with_flags(bytes, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
}

/// Like [`send`], from two places in order.
#[inline]
pub(crate) fn send_pair(socket: &impl AsFd, first: &[u8], second: &[u8]) -> io::Result<usize> {
    let slices = [IoSlice::new(first), IoSlice::new(second)];
    SockRef::from(socket).send_vectored_with_flags(&slices, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
}

/// Says whether the peer has closed its side or the connection has failed, whatever bytes lie unread.
pub(crate) fn peer_left(socket: &impl AsFd) -> bool {
    let mut poll = libc::pollfd {
        fd: socket.as_fd().as_raw_fd(),
        events: libc::POLLRDHUP,
        revents: 0,
    };
    // SAFETY: `poll` is one writable entry, as the count says.
    let ready = unsafe { libc::poll(&raw mut poll, 1, 0) };
    ready > 0 && poll.revents != 0
}
