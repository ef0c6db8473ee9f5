//! Accepting connections.

use std::{
    cell::Cell,
    fmt,
    future::poll_fn,
    io::{self, ErrorKind},
    net::{IpAddr, Ipv6Addr, SocketAddr},
    rc::Rc,
    sync::Arc,
    task::{Poll, ready},
    time::Duration,
};

use socket2::{Domain, SockRef, Socket, Type};

use crate::{
    Clock, Stream,
    descriptor::Descriptor,
    limits::{
        ACCEPT_EXHAUSTED_PAUSE_MS, ACCEPT_LOG_INTERVAL_MS, ACCEPTS_PER_TURN_MAX, LISTEN_BACKLOG,
    },
    rota::Rota,
    sys::handle::Handle,
    time,
    watch::{Interest, Watch},
};

/// How workers share a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AcceptMode {
    /// A socket each; the kernel spreads connections by a hash of their addresses.
    #[default]
    ReusePort,
    /// One socket for all; workers take connections in turn, which spreads a few long-lived ones evenly.
    Shared,
}

/// Why a port could not be bound.
#[derive(Debug)]
pub struct BindError {
    /// What was to be bound.
    pub address: SocketAddr,
    /// What the system answered.
    pub cause: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot listen on {}: {}", self.address, self.cause)?;
        f.write_str(match self.cause.kind() {
            ErrorKind::AddrInUse => "; stop the process that holds the port or choose another",
            ErrorKind::PermissionDenied => {
                "; choose a port above 1023 or grant CAP_NET_BIND_SERVICE"
            }
            ErrorKind::AddrNotAvailable => "; choose an address of this machine",
            _ => "",
        })
    }
}

impl std::error::Error for BindError {}

/// A bound socket on its way to its worker.
#[derive(Debug)]
pub struct ListenerSeed {
    socket: std::net::TcpListener,
    address: SocketAddr,
    place: Option<Place>,
}

/// A worker's place among those who share a socket.
#[derive(Debug)]
struct Place {
    rota: Arc<Rota>,
    worker: usize,
}

/// Binds `address` once for each of `workers`, before any of them starts. All seeds have the same port, also when
/// `address` asks for any (port 0).
///
/// A port that somebody listens on is refused in both modes, although SO_REUSEPORT would let a second gateway of the
/// same user take half of the connections unnoticed.
pub fn bind(
    address: SocketAddr,
    mode: AcceptMode,
    workers: usize,
) -> Result<Vec<ListenerSeed>, BindError> {
    let seeds = match mode {
        AcceptMode::ReusePort => bind_each(address, workers),
        AcceptMode::Shared => bind_shared(address, workers),
    };
    seeds.map_err(|cause| BindError { address, cause })
}

fn bind_each(address: SocketAddr, workers: usize) -> io::Result<Vec<ListenerSeed>> {
    let exclusive = open_socket(address, false)?;
    exclusive.listen(1)?;
    let address = local_addr(&exclusive)?;
    drop(exclusive);
    let sockets: io::Result<Vec<_>> = (0..workers).map(|_| open_socket(address, true)).collect();
    sockets?
        .into_iter()
        .map(|socket| listen(socket, address))
        .collect()
}

fn bind_shared(address: SocketAddr, workers: usize) -> io::Result<Vec<ListenerSeed>> {
    let socket = open_socket(address, false)?;
    let address = local_addr(&socket)?;
    let seed = listen(socket, address)?;
    let rota = Rota::new(workers);
    let share = |worker| {
        let place = Place {
            rota: rota.clone(),
            worker,
        };
        Ok(ListenerSeed {
            socket: seed.socket.try_clone()?,
            address,
            place: Some(place),
        })
    };
    (0..workers).map(share).collect()
}

fn open_socket(address: SocketAddr, reuse_port: bool) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM.nonblocking(),
        None,
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(reuse_port)?;
    if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
        socket.set_only_v6(false)?;
    }
    // Accepted sockets inherit it, which saves a call for each connection.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn listen(socket: Socket, address: SocketAddr) -> io::Result<ListenerSeed> {
    socket.listen(LISTEN_BACKLOG)?;
    Ok(ListenerSeed {
        socket: socket.into(),
        address,
        place: None,
    })
}

fn local_addr(socket: &Socket) -> io::Result<SocketAddr> {
    socket
        .local_addr()?
        .as_socket()
        .ok_or_else(|| ErrorKind::InvalidInput.into())
}

impl ListenerSeed {
    /// The bound address, with the port that was chosen.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Makes the listener, on the worker that will use it.
    pub fn open(self) -> io::Result<Listener> {
        let handle = Handle::Listener(monoio::net::TcpListener::from_std(self.socket)?);
        Ok(Listener {
            descriptor: Descriptor::new(handle),
            address: self.address,
            place: self.place,
            watch: Watch::new(Interest::Read),
            hint: Cell::new(true),
            accepts_in_turn: Cell::new(0),
        })
    }
}

/// Why no connection could be accepted.
#[derive(Debug)]
pub enum AcceptError {
    /// Descriptors or memory are exhausted, here or in the kernel. The connection waits in the queue: pause, then go on.
    Exhausted(io::Error),
    /// The listener itself has failed.
    Failed(io::Error),
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exhausted(cause) => {
                write!(
                    f,
                    "no connection can be accepted: {cause}; raise the limit of open files (ulimit -n) or lower the limit of connections"
                )
            }
            Self::Failed(cause) => write!(f, "listener has failed: {cause}"),
        }
    }
}

impl std::error::Error for AcceptError {}

/// A listening socket of one worker. Dropping it closes the port of this worker.
pub struct Listener {
    descriptor: Rc<Descriptor>,
    address: SocketAddr,
    /// Set where workers take turns.
    place: Option<Place>,
    watch: Watch,
    /// Whether another connection is likely to be queued: try before waiting.
    hint: Cell<bool>,
    accepts_in_turn: Cell<u32>,
}

impl Listener {
    /// The bound address.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the next connection. IPv4 peers of an IPv6 socket are given by their IPv4 address.
    ///
    /// May be dropped: the wait is for readiness, and a connection leaves the queue only into the hands of a caller.
    /// (Accepting in the ring was rejected: it loses the connection of a dropped wait and leaks it to child processes.)
    /// Connections that died in the queue are skipped. Errors: see [`AcceptError`].
    pub async fn accept(&self) -> Result<(Stream, SocketAddr), AcceptError> {
        let _turn = match &self.place {
            Some(place) => Some(place.rota.turn(place.worker).await),
            None => None,
        };
        self.accept_next().await
    }

    async fn accept_next(&self) -> Result<(Stream, SocketAddr), AcceptError> {
        poll_fn(|cx| {
            loop {
                if self.hint.get() {
                    match self.try_accept() {
                        Ok(Some(accepted)) => return Poll::Ready(Ok(accepted)),
                        Ok(None) => self.hint.set(false),
                        Err(error) => return Poll::Ready(Err(error)),
                    }
                }
                ready!(self.watch.poll(&self.descriptor, cx)).map_err(AcceptError::Failed)?;
                self.accepts_in_turn.set(0);
                self.hint.set(true);
            }
        })
        .await
    }

    /// Takes a connection that is queued already, if there is one: what is left to do before closing a port.
    pub fn try_accept(&self) -> Result<Option<(Stream, SocketAddr)>, AcceptError> {
        loop {
            match SockRef::from(&*self.descriptor).accept() {
                Ok((socket, address)) => return self.admit(socket, &address).map(Some),
                Err(error) => match Refusal::of(error) {
                    Refusal::Empty => return Ok(None),
                    Refusal::Gone => {}
                    Refusal::Final(error) => return Err(error),
                },
            }
        }
    }

    fn admit(
        &self,
        socket: Socket,
        address: &socket2::SockAddr,
    ) -> Result<(Stream, SocketAddr), AcceptError> {
        self.accepts_in_turn.set(self.accepts_in_turn.get() + 1);
        self.hint
            .set(self.accepts_in_turn.get() < ACCEPTS_PER_TURN_MAX);
        let peer = address
            .as_socket()
            .ok_or_else(|| AcceptError::Failed(ErrorKind::InvalidData.into()))?;
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        // Registering with epoll is all that can fail, for want of memory.
        let stream = Stream::accepted(socket.into(), peer).map_err(AcceptError::Exhausted)?;
        Ok((stream, peer))
    }

    /// Accepts for ever and hands each connection to `take`. Exhaustion pauses it for a moment and is logged now and
    /// then. Ends only when the listener has failed. To stop it, drop the future.
    pub async fn accept_each(&self, mut take: impl FnMut(Stream, SocketAddr)) -> AcceptError {
        let mut log = ExhaustionLog::default();
        loop {
            match self.accept().await {
                Ok((stream, peer)) => take(stream, peer),
                Err(error @ AcceptError::Exhausted(_)) => {
                    log.note(&error, Clock::coarse_ms());
                    time::sleep(Duration::from_millis(ACCEPT_EXHAUSTED_PAUSE_MS)).await;
                }
                Err(error) => return error,
            }
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("address", &self.address)
            .finish()
    }
}

/// What a failed accept(2) means.
enum Refusal {
    /// Nobody is queued.
    Empty,
    /// This connection is gone, or the call was interrupted: the next one may be fine.
    Gone,
    /// The caller must know.
    Final(AcceptError),
}

impl Refusal {
    fn of(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EAGAIN) => Self::Empty,
            Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => {
                Self::Final(AcceptError::Exhausted(error))
            }
            Some(libc::EBADF | libc::EINVAL | libc::ENOTSOCK | libc::EOPNOTSUPP | libc::EFAULT) => {
                Self::Final(AcceptError::Failed(error))
            }
            // accept(2) passes on errors of the new connection, a firewall's refusal among them.
            _ => Self::Gone,
        }
    }
}

/// One line for many failures.
#[derive(Default)]
struct ExhaustionLog {
    last_ms: Option<u64>,
    suppressed: u64,
}

impl ExhaustionLog {
    fn note(&mut self, error: &AcceptError, now_ms: u64) {
        if self
            .last_ms
            .is_some_and(|last_ms| now_ms < last_ms + ACCEPT_LOG_INTERVAL_MS)
        {
            self.suppressed += 1;
            return;
        }
        tracing::warn!(suppressed = self.suppressed, "{error}");
        *self = Self {
            last_ms: Some(now_ms),
            suppressed: 0,
        };
    }
}

#[cfg(test)]
mod tests;
