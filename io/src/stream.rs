//! A connection: reading, writing, its deadline, and noticing that the peer has left.

use std::{
    cell::Cell,
    future::poll_fn,
    io::{self, ErrorKind},
    net::{Shutdown, SocketAddr},
    rc::Rc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use monoio::net::{TcpStream, UnixStream};
use socket2::SockRef;

use crate::{
    Buffer, deadline,
    descriptor::Descriptor,
    limits::{HANGUP_POLL_MS, READS_PER_TURN_MAX},
    sys::{handle::Handle, socket},
    time,
    tls::{ClientTls, HandshakeFailure, ServerName, ServerTls, TlsPeer},
    watch::{Interest, Watch},
    yield_now,
};

/// A connected TCP or Unix socket of one worker.
///
/// All methods take `&self`, so one future may read while another writes; two readers, or two writers, are one too
/// many: the later one takes the other's wake-up. Every future may be dropped: a dropped read loses no bytes, a dropped
/// write has sent a prefix. Reads and writes are system calls made when the ring (or epoll) says that the socket is
/// ready; that costs the same as letting the ring receive, and no buffer is tied up while a connection is idle.
pub struct Stream {
    descriptor: Rc<Descriptor>,
    peer: Option<SocketAddr>,
    read_watch: Watch,
    write_watch: Watch,
    /// Whether a read is likely to find something: try it before waiting.
    read_hint: Cell<bool>,
    /// Whether a read was left waiting.
    read_waits: Cell<bool>,
    /// Reads in a row that did not wait.
    reads_in_turn: Cell<u32>,
}

impl Stream {
    /// Takes over an accepted connection, whose first bytes are likely to be there.
    pub(crate) fn accepted(stream: std::net::TcpStream, peer: SocketAddr) -> io::Result<Self> {
        let handle = Handle::Tcp(TcpStream::from_std(stream)?);
        Ok(Self::new(handle, Some(peer), true))
    }

    /// Takes over a TCP socket that is connected or connecting.
    pub(crate) fn tcp(stream: std::net::TcpStream, peer: SocketAddr) -> io::Result<Self> {
        let handle = Handle::Tcp(TcpStream::from_std(stream)?);
        Ok(Self::new(handle, Some(peer), false))
    }

    /// Takes over a Unix socket that is connected or connecting.
    pub(crate) fn unix(stream: std::os::unix::net::UnixStream) -> io::Result<Self> {
        let handle = Handle::Unix(UnixStream::from_std(stream)?);
        Ok(Self::new(handle, None, false))
    }

    fn new(handle: Handle, peer: Option<SocketAddr>, read_hint: bool) -> Self {
        Self {
            descriptor: Descriptor::new(handle),
            peer,
            read_watch: Watch::new(Interest::Read),
            write_watch: Watch::new(Interest::Write),
            read_hint: Cell::new(read_hint),
            read_waits: Cell::new(false),
            reads_in_turn: Cell::new(0),
        }
    }

    /// The peer's address; none for a Unix socket.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Makes this connection one under TLS, as the server. `limit` bounds the whole handshake.
    ///
    /// Errors: why there is none; for [`HandshakeFailure::NotTls`] the stream comes back, so that the client can be told.
    pub async fn accept_tls(
        self,
        tls: &ServerTls,
        limit: Duration,
    ) -> Result<Self, (HandshakeFailure, Self)> {
        let _ = (tls, limit);
        Err((HandshakeFailure::Gone, self))
    }

    /// Makes this connection one under TLS, as the client of `name`. `limit` bounds the whole handshake.
    pub async fn connect_tls(
        self,
        tls: &ClientTls,
        name: &ServerName<'static>,
        limit: Duration,
    ) -> Result<Self, HandshakeFailure> {
        let _ = (tls, name, limit);
        Err(HandshakeFailure::Gone)
    }

    /// What the handshake found out about the peer; `None` without TLS.
    #[must_use]
    pub fn tls_peer(&self) -> Option<&TlsPeer> {
        None
    }

    /// Turns coalescing of small writes off or on. Accepted and made connections have it off.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        match self.peer {
            Some(_) => SockRef::from(&*self.descriptor).set_tcp_nodelay(nodelay),
            None => Ok(()),
        }
    }

    /// Sets when this stream ends if nothing happens: from then on reads and writes fail with `TimedOut` and the socket
    /// is shut down. `None` takes the deadline away. Late by 100 ms at most, never early; cost: a store.
    pub fn set_deadline(&self, limit: Option<Duration>) {
        deadline::set(&self.descriptor, limit);
    }

    /// Says whether the deadline has passed.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.descriptor.deadline().expired()
    }

    /// Reads what has arrived, as far as `buffer` has spare capacity, and appends it. Returns 0 at the peer's end.
    ///
    /// A buffer without memory gets some of the smallest class once there is something to read; consumed bytes make way
    /// when there is no other room. Errors: `TimedOut` after the deadline, `InvalidInput` for a full buffer, else what
    /// the socket reports.
    pub async fn read(&self, buffer: &mut Buffer) -> io::Result<usize> {
        if self.must_yield() {
            yield_now().await;
        }
        poll_fn(|cx| self.poll_read(cx, buffer)).await
    }

    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut Buffer) -> Poll<io::Result<usize>> {
        if buffer.capacity() > 0 && buffer.len() == buffer.capacity() {
            return Poll::Ready(Err(ErrorKind::InvalidInput.into()));
        }
        loop {
            if self.read_hint.get() || self.retry_first() {
                match self.try_read(buffer) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        self.read_hint.set(false)
                    }
                    outcome => return Poll::Ready(outcome),
                }
            }
            match self.poll_readable(cx) {
                Poll::Ready(outcome) => outcome?,
                Poll::Pending => {
                    self.read_waits.set(true);
                    return Poll::Pending;
                }
            }
        }
    }

    /// Says whether to receive before asking for readiness. Under epoll a read that is polled again was left for an
    /// event, most likely, and to ask whether there is something costs as much as to take it.
    fn retry_first(&self) -> bool {
        self.read_waits.replace(false) && self.descriptor.is_epoll()
    }

    /// One receive, and what it says about the next.
    fn try_read(&self, buffer: &mut Buffer) -> io::Result<usize> {
        self.check_deadline()?;
        let was_bare = buffer.capacity() == 0;
        buffer.reserve(1);
        let spare = buffer.spare();
        let outcome = retried(|| socket::recv(&*self.descriptor, buffer.tail()));
        match outcome {
            // What ended the stream: the peer, or the deadline.
            Ok(0) => return self.check_deadline().map(|()| 0),
            // A buffer that is not full has emptied the socket: a further receive would be in vain.
            Ok(received) => self.read_hint.set(received == spare && self.may_read_on()),
            Err(_) if was_bare => buffer.release(),
            Err(_) => {}
        }
        outcome
    }

    fn may_read_on(&self) -> bool {
        let reads = self.reads_in_turn.get() + 1;
        self.reads_in_turn.set(reads);
        reads < READS_PER_TURN_MAX
    }

    fn check_deadline(&self) -> io::Result<()> {
        match self.timed_out() {
            true => Err(ErrorKind::TimedOut.into()),
            false => Ok(()),
        }
    }

    /// Waits until there is something to read (bytes, the peer's end, an error), holding no buffer.
    ///
    /// A following read waits by itself when this was resolved too early.
    pub async fn readable(&self) -> io::Result<()> {
        poll_fn(|cx| match self.read_hint.get() {
            true => Poll::Ready(Ok(())),
            false => self.poll_readable(cx),
        })
        .await
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = self.read_watch.poll(&self.descriptor, cx);
        if poll.is_pending() || !self.descriptor.is_epoll() {
            self.reads_in_turn.set(0);
        }
        self.read_hint.set(poll.is_ready());
        poll
    }

    /// The ring tells of readiness one turn later, which lets others run; epoll tells at once.
    fn must_yield(&self) -> bool {
        let is_due = self.descriptor.is_epoll() && self.reads_in_turn.get() >= READS_PER_TURN_MAX;
        if is_due {
            self.reads_in_turn.set(0);
        }
        is_due
    }

    /// Writes all of `bytes`, as fast as the peer takes them. Small messages go out with one call.
    ///
    /// A deadline that is set counts from the last progress: it bounds a stall, not the whole.
    /// Errors: `TimedOut` after the deadline, `BrokenPipe` or `ConnectionReset` when the peer has left.
    pub async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        self.write_parts([bytes, &[]]).await
    }

    /// Writes all of `head`, then all of `body`, without copying them together.
    pub async fn write_all_pair(&self, head: &[u8], body: &[u8]) -> io::Result<()> {
        self.write_parts([head, body]).await
    }

    async fn write_parts(&self, mut parts: [&[u8]; 2]) -> io::Result<()> {
        poll_fn(|cx| {
            while !(parts[0].is_empty() && parts[1].is_empty()) {
                match self.try_write(parts) {
                    Ok(sent) => {
                        advance(&mut parts, sent);
                        deadline::renew(&self.descriptor);
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        ready!(self.write_watch.poll(&self.descriptor, cx))?;
                    }
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    fn try_write(&self, parts: [&[u8]; 2]) -> io::Result<usize> {
        self.check_deadline()?;
        let outcome = retried(|| match parts {
            [head, []] => socket::send(&*self.descriptor, head),
            [[], body] => socket::send(&*self.descriptor, body),
            [head, body] => socket::send_pair(&*self.descriptor, head, body),
        });
        match outcome {
            Ok(0) => Err(ErrorKind::WriteZero.into()),
            outcome => outcome,
        }
    }

    /// Waits until a connect has succeeded or failed.
    pub(crate) async fn connected(&self) -> io::Result<()> {
        poll_fn(|cx| self.write_watch.poll(&self.descriptor, cx)).await?;
        match SockRef::from(&*self.descriptor).take_error()? {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Resolves when the peer has closed its side, or the connection has failed or timed out. Consumes nothing.
    ///
    /// Bytes that the peer has sent ahead stay unread; while there are some it looks four times a second.
    pub async fn hangup(&self) {
        loop {
            if self.readable().await.is_err() || self.timed_out() {
                return;
            }
            match retried(|| socket::peek(&*self.descriptor)) {
                Ok(true) => return self.hangup_behind_bytes().await,
                Ok(false) => return,
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.read_hint.set(false),
                Err(_) => return,
            }
        }
    }

    async fn hangup_behind_bytes(&self) {
        while !socket::peer_left(&*self.descriptor) {
            time::sleep(Duration::from_millis(HANGUP_POLL_MS)).await;
        }
    }

    /// Begins to look out for the peer while the connection idles: what comes is noticed at the next turn of the ring, and
    /// [`Stream::is_stale`] then needs no system call. The wait becomes that of the next read.
    pub(crate) fn watch_idle(&self) {
        if !self.descriptor.is_epoll() && !self.read_hint.get() {
            self.has_stirred();
        }
    }

    /// Whether the wait of an idle connection has ended.
    fn has_stirred(&self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        let stirred = self.read_watch.poll(&self.descriptor, &mut cx).is_ready();
        if stirred {
            self.read_hint.set(true);
        }
        stirred
    }

    /// As [`Stream::is_stale`], for a connection that was watched while it idled.
    pub(crate) fn has_gone_stale(&self) -> bool {
        match self.descriptor.is_epoll() || self.read_hint.get() {
            true => self.is_stale(),
            false => self.has_stirred(),
        }
    }

    /// Says whether an idle connection is no longer fit for a request: closed, failed, or with bytes nobody asked for.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        match retried(|| socket::peek(&*self.descriptor)) {
            Err(error) => error.kind() != ErrorKind::WouldBlock,
            Ok(_) => true,
        }
    }

    /// Ends our side: the peer reads what was written, then the end.
    pub fn shutdown_write(&self) -> io::Result<()> {
        SockRef::from(&*self.descriptor).shutdown(Shutdown::Write)
    }

    /// Makes the coming close a reset, which drops unsent bytes and frees the kernel's memory at once.
    pub fn abort(self) {
        self.reset_on_close();
    }

    fn reset_on_close(&self) {
        // An error means that the connection is down already.
        let _ = SockRef::from(&*self.descriptor).set_linger(Some(Duration::ZERO));
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.timed_out() {
            // Whoever stalled does not get to keep our send buffer in the kernel.
            self.reset_on_close();
        }
        deadline::forget(&self.descriptor);
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("peer", &self.peer)
            .field("timed_out", &self.timed_out())
            .finish()
    }
}

fn advance(parts: &mut [&[u8]; 2], sent: usize) {
    let from_head = sent.min(parts[0].len());
    parts[0] = &parts[0][from_head..];
    let from_body = (sent - from_head).min(parts[1].len());
    parts[1] = &parts[1][from_body..];
}

fn retried<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests;
