//! A connection: reading, writing, its deadline, and noticing that the peer has left.

use std::{future::poll_fn, io, net::SocketAddr, time::Duration};

use crate::{
    Buffer,
    limits::HANGUP_POLL_MS,
    socket::Socket,
    time,
    tls::{
        CertificateDer, ClientTls, HandshakeFailure, ServerName, ServerTls, Session, TlsPeer,
        handshake,
    },
    yield_now,
};

/// A connected TCP or Unix socket of one worker, as it is or under TLS.
///
/// All methods take `&self`, so one future may read while another writes; two readers, or two writers, are one too
/// many: the later one takes the other's wake-up. Every future may be dropped: a dropped read loses no bytes, a dropped
/// write has sent a prefix. No buffer is tied up while a connection is idle.
pub struct Stream {
    socket: Socket,
    tls: Option<Box<Session>>,
}

impl Stream {
    /// Takes over an accepted connection, whose first bytes are likely to be there.
    pub(crate) fn accepted(stream: std::net::TcpStream, peer: SocketAddr) -> io::Result<Self> {
        Socket::accepted(stream, peer).map(Self::plain)
    }

    /// Takes over a TCP socket that is connected or connecting.
    pub(crate) fn tcp(stream: std::net::TcpStream, peer: SocketAddr) -> io::Result<Self> {
        Socket::tcp(stream, peer).map(Self::plain)
    }

    /// Takes over a Unix socket that is connected or connecting.
    pub(crate) fn unix(stream: std::os::unix::net::UnixStream) -> io::Result<Self> {
        Socket::unix(stream).map(Self::plain)
    }

    fn plain(socket: Socket) -> Self {
        Self { socket, tls: None }
    }

    /// The peer's address; none for a Unix socket.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.socket.peer_addr()
    }

    /// Makes this connection one under TLS, as the server. `limit` bounds the whole handshake.
    ///
    /// Errors: why there is none, and the stream, so that after [`HandshakeFailure::NotTls`] the client can be told, of whom
    /// nothing has been read then.
    pub async fn accept_tls(
        mut self,
        tls: &ServerTls,
        limit: Duration,
    ) -> Result<Self, (HandshakeFailure, Self)> {
        match handshake::accept(&self.socket, tls, limit).await {
            Ok(session) => {
                self.tls = Some(Box::new(session));
                Ok(self)
            }
            Err(failure) => Err((failure, self)),
        }
    }

    /// Makes this connection one under TLS, as the client of `name`. `limit` bounds the whole handshake.
    ///
    /// Errors: why there is none. Under TLS 1.3 a server tells of a client certificate that it refuses afterwards: the first
    /// read then fails.
    pub async fn connect_tls(
        mut self,
        tls: &ClientTls,
        name: &ServerName<'static>,
        limit: Duration,
    ) -> Result<Self, HandshakeFailure> {
        let session = handshake::connect(&self.socket, tls, name, limit).await?;
        self.tls = Some(Box::new(session));
        Ok(self)
    }

    /// What the handshake found out about the peer; `None` without TLS.
    #[must_use]
    pub fn tls_peer(&self) -> Option<&TlsPeer> {
        self.tls.as_deref().map(Session::peer)
    }

    /// Shows `look` the certificates of the peer that the handshake verified, its own first: none where it showed none, or
    /// without TLS.
    pub fn with_certificates<T>(&self, look: impl FnOnce(&[CertificateDer<'static>]) -> T) -> T {
        match &self.tls {
            None => look(&[]),
            Some(tls) => tls.with_certificates(look),
        }
    }

    /// Turns coalescing of small writes off or on. Accepted and made connections have it off.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.socket.set_nodelay(nodelay)
    }

    /// Sets when this stream ends if nothing happens: from then on reads and writes fail with `TimedOut` and the socket
    /// is shut down. `None` takes the deadline away. Late by 100 ms at most, never early; cost: a store.
    pub fn set_deadline(&self, limit: Option<Duration>) {
        self.socket.set_deadline(limit);
    }

    /// Says whether the deadline has passed.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.socket.timed_out()
    }

    /// Reads what has arrived, as far as `buffer` has spare capacity, and appends it. Returns 0 at the peer's end.
    ///
    /// A buffer without memory gets some of the smallest class once there is something to read; consumed bytes make way
    /// when there is no other room. Errors: `TimedOut` after the deadline, `InvalidInput` for a full buffer; under TLS
    /// `UnexpectedEof` when the peer ended without saying that it would, as what came may not be all, and `InvalidData` when
    /// it broke the protocol; else what the socket reports.
    pub async fn read(&self, buffer: &mut Buffer) -> io::Result<usize> {
        if self.socket.must_yield() {
            yield_now().await;
        }
        poll_fn(|cx| match &self.tls {
            None => self.socket.poll_read(cx, buffer, usize::MAX),
            Some(tls) => tls.poll_read(&self.socket, cx, buffer),
        })
        .await
    }

    /// Waits until there is something to read (bytes, the peer's end, an error), holding no buffer.
    ///
    /// A following read waits by itself when this was resolved too early.
    pub async fn readable(&self) -> io::Result<()> {
        poll_fn(|cx| match &self.tls {
            None => self.socket.poll_readable(cx),
            Some(tls) => tls.poll_readable(&self.socket, cx),
        })
        .await
    }

    /// Writes all of `bytes`, as fast as the peer takes them. Small messages go out with one call.
    ///
    /// A deadline that is set counts from the last progress: it bounds a stall, not the whole.
    /// Errors: `TimedOut` after the deadline, `BrokenPipe` or `ConnectionReset` when the peer has left.
    pub async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        self.write_parts([bytes, &[]]).await
    }

    /// Writes all of `head`, then all of `body`, in one call or record where they fit.
    pub async fn write_all_pair(&self, head: &[u8], body: &[u8]) -> io::Result<()> {
        self.write_parts([head, body]).await
    }

    async fn write_parts(&self, mut parts: [&[u8]; 2]) -> io::Result<()> {
        poll_fn(|cx| match &self.tls {
            None => self.socket.poll_write(cx, &mut parts),
            Some(tls) => tls.poll_write(&self.socket, cx, &mut parts),
        })
        .await
    }

    /// Waits until a connect has succeeded or failed.
    pub(crate) async fn connected(&self) -> io::Result<()> {
        self.socket.connected().await
    }

    /// Resolves when the peer has closed its side, or the connection has failed or timed out. Consumes nothing.
    ///
    /// Bytes that the peer has sent ahead stay unread; while there are some it looks four times a second.
    pub async fn hangup(&self) {
        let has_sent = poll_fn(|cx| match &self.tls {
            None => self.socket.poll_hangup(cx),
            Some(tls) => tls.poll_hangup(&self.socket, cx),
        });
        if has_sent.await {
            while !self.has_peer_left() {
                time::sleep(Duration::from_millis(HANGUP_POLL_MS)).await;
            }
        }
    }

    /// Whether the peer has left behind bytes that it sent ahead.
    fn has_peer_left(&self) -> bool {
        let has_ended = |tls: &Session| tls.has_ended_behind_data(&self.socket);
        self.socket.has_peer_left() || self.tls.as_deref().is_some_and(has_ended)
    }

    /// Begins to look out for the peer while the connection idles: what comes is noticed at the next turn of the ring, and
    /// [`Stream::has_gone_stale`] then needs no system call. The wait becomes that of the next read.
    pub(crate) fn watch_idle(&self) {
        self.socket.watch_idle();
    }

    /// As [`Stream::is_stale`], for a connection that was watched while it idled.
    pub(crate) fn has_gone_stale(&self) -> bool {
        let has_unread = self.tls.as_ref().is_some_and(|tls| tls.has_unread());
        has_unread || self.socket.has_stirred() && self.is_stale()
    }

    /// Says whether an idle connection is no longer fit for a request: closed, failed, or with bytes nobody asked for.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        match &self.tls {
            None => self.socket.has_unread(),
            Some(tls) => tls.is_stale(&self.socket),
        }
    }

    /// Ends our side: the peer reads what was written, then the end.
    ///
    /// Under TLS the end is said as far as the socket takes it at once; a write that was dropped half-way leaves it unsaid.
    pub fn shutdown_write(&self) -> io::Result<()> {
        self.say_end();
        self.socket.shutdown_write()
    }

    /// Makes the coming close a reset, which drops unsent bytes and frees the kernel's memory at once.
    pub fn abort(mut self) {
        // The peer is not to take this for a proper end.
        self.tls = None;
        self.socket.reset_on_close();
    }

    fn say_end(&self) {
        if let Some(tls) = &self.tls
            && !self.timed_out()
        {
            tls.close(&self.socket);
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.say_end();
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("peer", &self.peer_addr())
            .field("is_tls", &self.tls.is_some())
            .field("timed_out", &self.timed_out())
            .finish()
    }
}

#[cfg(test)]
mod tests;
