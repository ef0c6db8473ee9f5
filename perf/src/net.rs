//! Stream sockets of both families behind one type.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::failure::Failure;
use crate::tls::{ClientTls, Session};

/// Connections that the kernel holds for a listener before it accepts them.
const BACKLOG: i32 = 4096;

/// Where a listener or a target is: `127.0.0.1:3000` or `unix:/path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// An IP address and port.
    Tcp(SocketAddr),
    /// A socket file.
    Unix(PathBuf),
    /// TLS at an IP address and port.
    Tls(SocketAddr, ClientTls),
}

impl FromStr for Address {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.into()));
        }
        let refused = |_| Failure::Argument {
            what: "address",
            value: text.to_owned(),
        };
        text.parse().map(Self::Tcp).map_err(refused)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(out, "{address}"),
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
            Self::Tls(address, _) => write!(out, "tls:{address}"),
        }
    }
}

impl Address {
    fn socket(&self) -> io::Result<(Socket, SockAddr)> {
        let (domain, address) = match self {
            Self::Tcp(address) | Self::Tls(address, _) => {
                (Domain::for_address(*address), SockAddr::from(*address))
            }
            Self::Unix(path) => (Domain::UNIX, SockAddr::unix(path)?),
        };
        Ok((Socket::new(domain, Type::STREAM, None)?, address))
    }

    fn session(&self) -> io::Result<Option<Session>> {
        match self {
            Self::Tls(address, tls) => Session::new(tls, *address).map(Some),
            Self::Tcp(_) | Self::Unix(_) => Ok(None),
        }
    }
}

/// A listening socket that never blocks.
pub(crate) struct Listener(Socket);

impl Listener {
    /// Listens on `address`; an old socket file in its place is removed.
    pub(crate) fn bind(address: &Address) -> io::Result<Self> {
        let (socket, sockaddr) = address.socket()?;
        if let Address::Unix(path) = address {
            std::fs::remove_file(path).or_else(absent_is_fine)?;
        } else {
            socket.set_reuse_address(true)?;
        }
        socket.bind(&sockaddr)?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(Self(socket))
    }

    /// The next connection, or `None` where there is none now.
    pub(crate) fn accept(&self) -> io::Result<Option<Stream>> {
        match self.0.accept() {
            Ok((socket, _)) => Stream::tuned(socket, None).map(Some),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn absent_is_fine(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A connected stream socket, TCP_NODELAY set where it applies, with TLS where the address says so.
pub(crate) struct Stream {
    socket: Socket,
    tls: Option<Session>,
}

impl Stream {
    /// Begins a connection without waiting. Reading or writing before it stands gives `WouldBlock` or `NotConnected`.
    pub(crate) fn connect(address: &Address) -> io::Result<Self> {
        let (socket, sockaddr) = address.socket()?;
        let stream = Self::tuned(socket, address.session()?)?;
        match stream.socket.connect(&sockaddr) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
            _ => Ok(stream),
        }
    }

    /// Connects and waits; every later read and write waits at most `timeout`.
    pub(crate) fn connect_blocking(address: &Address, timeout: Duration) -> io::Result<Self> {
        let (socket, sockaddr) = address.socket()?;
        socket.connect_timeout(&sockaddr, timeout)?;
        let stream = Self::tuned(socket, address.session()?)?;
        stream.socket.set_nonblocking(false)?;
        stream.socket.set_read_timeout(Some(timeout))?;
        stream.socket.set_write_timeout(Some(timeout))?;
        Ok(stream)
    }

    fn tuned(socket: Socket, tls: Option<Session>) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        if socket.domain()? != Domain::UNIX {
            socket.set_tcp_nodelay(true)?;
        }
        Ok(Self { socket, tls })
    }

    /// Reads once. `None` means that there is nothing now; `Some(0)` is the end.
    pub(crate) fn read_now(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match &mut self.tls {
            Some(tls) => tls.read_now(&self.socket, buffer),
            None => not_now(self.socket.read(buffer)),
        }
    }

    /// Writes once. `None` means that there is no room now.
    pub(crate) fn write_now(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        match &mut self.tls {
            Some(tls) => tls.write_now(&self.socket, bytes),
            None => not_now(self.socket.write(bytes)),
        }
    }

    /// Writes once from several slices, without TLS. `None` means that there is no room now.
    pub(crate) fn write_slices_now(&mut self, slices: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
        not_now(self.socket.write_vectored(slices))
    }
}

/// A connection that is still being made looks like one without room.
pub(crate) fn not_now(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock
            | io::ErrorKind::Interrupted
            | io::ErrorKind::NotConnected => Ok(None),
            _ => Err(error),
        },
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => tls.read(&self.socket, buffer),
            None => self.socket.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => tls.write(&self.socket, bytes),
            None => self.socket.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn both_address_forms_survive_a_round_trip() {
        for text in ["127.0.0.1:3000", "unix:/run/fixture.sock"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert!("localhost".parse::<Address>().is_err());
    }
}
