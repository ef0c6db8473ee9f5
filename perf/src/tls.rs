//! The client's side of TLS over a socket that never blocks.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use socket2::Socket;

use crate::net::not_now;

/// Room that one more record may need: [`Session::read_now`] stops before it could leave plaintext behind unseen.
const RECORD_BYTES: usize = 17 * 1024;

/// Whom a client trusts and what it proves itself with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ClientTls(pub(crate) Arc<ClientConfig>);

impl fmt::Debug for ClientTls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ClientTls")
    }
}

impl PartialEq for ClientTls {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ClientTls {}

/// One connection's TLS.
pub(crate) struct Session(Box<ClientConnection>);

impl Session {
    /// A session with the server at `address`, which must prove that address.
    pub(crate) fn new(tls: &ClientTls, address: SocketAddr) -> io::Result<Self> {
        let name = ServerName::from(address.ip());
        let connection = ClientConnection::new(Arc::clone(&tls.0), name);
        connection
            .map(|connection| Self(Box::new(connection)))
            .map_err(io::Error::other)
    }

    /// Reads what is there, waiting for nothing.
    pub(crate) fn read_now(
        &mut self,
        mut socket: &Socket,
        buffer: &mut [u8],
    ) -> io::Result<Option<usize>> {
        let mut filled = 0;
        while buffer.len() - filled >= RECORD_BYTES || filled == 0 {
            match self.0.reader().read(&mut buffer[filled..]) {
                Ok(0) => return Ok(Some(filled)),
                Ok(len) => {
                    filled += len;
                    continue;
                }
                // A server that closes without saying so.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Ok(Some(filled));
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Err(_) => {}
            }
            if not_now(self.0.read_tls(&mut socket))?.is_none() {
                break;
            }
            self.0.process_new_packets().map_err(io::Error::other)?;
            self.flush_whole(socket)?;
        }
        Ok((filled > 0).then_some(filled))
    }

    /// Takes `bytes` once everything before them is on its way.
    pub(crate) fn write_now(&mut self, socket: &Socket, bytes: &[u8]) -> io::Result<Option<usize>> {
        if !self.flush(socket)? {
            return Ok(None);
        }
        let taken = self.0.writer().write(bytes)?;
        self.flush_whole(socket)?;
        Ok((taken > 0).then_some(taken))
    }

    /// Sends what is waiting; whether all of it went.
    fn flush(&mut self, mut socket: &Socket) -> io::Result<bool> {
        while self.0.wants_write() {
            if not_now(self.0.write_tls(&mut socket))?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Sends all of what is waiting. Loopback has room for it, or will have in a moment.
    fn flush_whole(&mut self, socket: &Socket) -> io::Result<()> {
        while !self.flush(socket)? {
            thread::yield_now();
        }
        Ok(())
    }

    /// Waits for bytes.
    pub(crate) fn read(&mut self, mut socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
        rustls::Stream::new(&mut *self.0, &mut socket).read(buffer)
    }

    /// Waits until `bytes` are taken.
    pub(crate) fn write(&mut self, mut socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
        rustls::Stream::new(&mut *self.0, &mut socket).write(bytes)
    }
}
