//! The sockets that the event loop watches, and borrowing their descriptors for direct calls.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
};

use monoio::net::{TcpListener, TcpStream, UnixStream};

/// A socket registered with the worker's event loop. Dropping it closes the descriptor once no wait refers to it.
pub(crate) enum Handle {
    /// A listening TCP socket.
    Listener(TcpListener),
    /// A TCP connection.
    Tcp(TcpStream),
    /// A connection over a Unix socket.
    Unix(UnixStream),
}

impl Handle {
    /// Resolves when the socket has bytes, a connection, an end or an error to read. May resolve early.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Listener(socket) => socket.readable(false).await,
            Self::Tcp(socket) => socket.readable(false).await,
            Self::Unix(socket) => socket.readable(false).await,
        }
    }

    /// Resolves when the socket takes more bytes, or has failed. May resolve early. A listener is never writable.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        match self {
            Self::Listener(_) => Err(io::ErrorKind::InvalidInput.into()),
            Self::Tcp(socket) => socket.writable(false).await,
            Self::Unix(socket) => socket.writable(false).await,
        }
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        let fd = match self {
            Self::Listener(socket) => socket.as_raw_fd(),
            Self::Tcp(socket) => socket.as_raw_fd(),
            Self::Unix(socket) => socket.as_raw_fd(),
        };
        // SAFETY: the socket owns `fd` and closes it on drop only, so it stays open while `self` is borrowed.
        unsafe { BorrowedFd::borrow_raw(fd) }
    }
}
