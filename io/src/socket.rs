//! A connected socket: what arrives and what is sent as it is, its deadline, and noticing that the peer has left.

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
    limits::READS_PER_TURN_MAX,
    sys::{handle::Handle, socket},
    watch::{Interest, Watch},
};

/// A connected TCP or Unix socket of one worker, beneath a [`Stream`](crate::Stream), which says who may call what when.
///
/// Reads and writes are system calls made when the ring (or epoll) says that the socket is ready; that costs the same as
/// letting the ring receive, and no buffer is tied up while a connection is idle.
pub(crate) struct Socket {
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

impl Socket {
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
    pub(crate) fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Turns coalescing of small writes off or on. Accepted and made connections have it off.
    pub(crate) fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        match self.peer {
            Some(_) => SockRef::from(&*self.descriptor).set_tcp_nodelay(nodelay),
            None => Ok(()),
        }
    }

    /// Sets when this stream ends if nothing happens: from then on reads and writes fail with `TimedOut` and the socket
    /// is shut down. `None` takes the deadline away. Late by 100 ms at most, never early; cost: a store.
    pub(crate) fn set_deadline(&self, limit: Option<Duration>) {
        deadline::set(&self.descriptor, limit);
    }

    /// Says whether the deadline has passed.
    pub(crate) fn timed_out(&self) -> bool {
        self.descriptor.deadline().expired()
    }

    /// Polls for what has arrived, as far as `buffer` has spare capacity, and `max` bytes of it; see [`crate::Stream::read`].
    pub(crate) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut Buffer,
        max: usize,
    ) -> Poll<io::Result<usize>> {
        if buffer.capacity() > 0 && buffer.len() == buffer.capacity() {
            return Poll::Ready(Err(ErrorKind::InvalidInput.into()));
        }
        loop {
            if self.read_hint.get() || self.retry_first() {
                match self.try_read(buffer, max) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    outcome => return Poll::Ready(outcome),
                }
            }
            match self.poll_readiness(cx) {
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

    /// One receive of `max` bytes at most, and what it says about the next.
    pub(crate) fn try_read(&self, buffer: &mut Buffer, max: usize) -> io::Result<usize> {
        self.check_deadline()?;
        let was_bare = buffer.capacity() == 0;
        buffer.reserve(1);
        let room = buffer.spare().min(max);
        let outcome = retried(|| socket::recv(&*self.descriptor, buffer.tail(), room));
        match &outcome {
            // What ended the stream: the peer, or the deadline.
            Ok(0) => return self.check_deadline().map(|()| 0),
            // Room that is left has emptied the socket: a further receive would be in vain.
            Ok(received) => self.read_hint.set(*received == room && self.may_read_on()),
            Err(error) => {
                if error.kind() == ErrorKind::WouldBlock {
                    self.read_hint.set(false);
                }
                if was_bare {
                    buffer.release();
                }
            }
        }
        outcome
    }

    /// Makes the next read wait first.
    #[cfg(test)]
    pub(crate) fn forget_hint(&self) {
        self.read_hint.set(false);
    }

    fn may_read_on(&self) -> bool {
        let reads = self.reads_in_turn.get() + 1;
        self.reads_in_turn.set(reads);
        reads < READS_PER_TURN_MAX
    }

    pub(crate) fn check_deadline(&self) -> io::Result<()> {
        match self.timed_out() {
            true => Err(ErrorKind::TimedOut.into()),
            false => Ok(()),
        }
    }

    /// Polls until there is something to read (bytes, the peer's end, an error). May resolve too early.
    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.read_hint.get() {
            true => Poll::Ready(Ok(())),
            false => self.poll_readiness(cx),
        }
    }

    fn poll_readiness(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = self.read_watch.poll(&self.descriptor, cx);
        if poll.is_pending() || !self.descriptor.is_epoll() {
            self.reads_in_turn.set(0);
        }
        self.read_hint.set(poll.is_ready());
        poll
    }

    /// The ring tells of readiness one turn later, which lets others run; epoll tells at once.
    pub(crate) fn must_yield(&self) -> bool {
        let is_due = self.descriptor.is_epoll() && self.reads_in_turn.get() >= READS_PER_TURN_MAX;
        if is_due {
            self.reads_in_turn.set(0);
        }
        is_due
    }

    /// Sends what is left of `parts`, without copying them together, and takes off what went; see
    /// [`crate::Stream::write_all`].
    pub(crate) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        parts: &mut [&[u8]; 2],
    ) -> Poll<io::Result<()>> {
        while !(parts[0].is_empty() && parts[1].is_empty()) {
            match self.try_write(*parts) {
                Ok(sent) => {
                    advance(parts, sent);
                    deadline::renew(&self.descriptor);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(self.write_watch.poll(&self.descriptor, cx))?;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// One send.
    pub(crate) fn try_write(&self, parts: [&[u8]; 2]) -> io::Result<usize> {
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

    /// Polls until the peer has left (`false`) or has sent bytes (`true`), behind which it may have left.
    pub(crate) fn poll_hangup(&self, cx: &mut Context<'_>) -> Poll<bool> {
        loop {
            let outcome = ready!(self.poll_readable(cx));
            if outcome.is_err() || self.timed_out() {
                return Poll::Ready(false);
            }
            match self.peek() {
                Ok(byte) => return Poll::Ready(byte.is_some()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Poll::Ready(false),
            }
        }
    }

    /// Says whether the peer has closed its side, whatever bytes lie unread.
    pub(crate) fn has_peer_left(&self) -> bool {
        socket::peer_left(&*self.descriptor)
    }

    /// The byte that a read would find first, left where it is; `None` at the end of the stream.
    pub(crate) fn peek(&self) -> io::Result<Option<u8>> {
        let outcome = retried(|| socket::peek(&*self.descriptor));
        if let Err(error) = &outcome
            && error.kind() == ErrorKind::WouldBlock
        {
            self.read_hint.set(false);
        }
        outcome
    }

    /// Begins to look out for the peer while the connection idles: what comes is noticed at the next turn of the ring, and
    /// [`Socket::has_stirred`] then needs no system call. The wait becomes that of the next read.
    pub(crate) fn watch_idle(&self) {
        if !self.descriptor.is_epoll() && !self.read_hint.get() {
            self.has_stirred();
        }
    }

    /// Whether something may have come to a connection that was watched while it idled. Where it was not, the answer is yes.
    pub(crate) fn has_stirred(&self) -> bool {
        if self.descriptor.is_epoll() || self.read_hint.get() {
            return true;
        }
        let mut cx = Context::from_waker(Waker::noop());
        let stirred = self.read_watch.poll(&self.descriptor, &mut cx).is_ready();
        if stirred {
            self.read_hint.set(true);
        }
        stirred
    }

    /// Says whether something lies unread: bytes, the peer's end, an error.
    pub(crate) fn has_unread(&self) -> bool {
        match self.peek() {
            Err(error) => error.kind() != ErrorKind::WouldBlock,
            Ok(_) => true,
        }
    }

    /// Ends our side: the peer reads what was written, then the end.
    pub(crate) fn shutdown_write(&self) -> io::Result<()> {
        SockRef::from(&*self.descriptor).shutdown(Shutdown::Write)
    }

    /// Makes the coming close a reset, which drops unsent bytes and frees the kernel's memory at once.
    pub(crate) fn reset_on_close(&self) {
        // An error means that the connection is down already.
        let _ = SockRef::from(&*self.descriptor).set_linger(Some(Duration::ZERO));
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.timed_out() {
            // Whoever stalled does not get to keep our send buffer in the kernel.
            self.reset_on_close();
        }
        deadline::forget(&self.descriptor);
    }
}

/// Takes `sent` bytes off the front of `parts`.
pub(crate) fn advance(parts: &mut [&[u8]; 2], sent: usize) {
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
