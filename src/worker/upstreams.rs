//! This worker's connections to each upstream server.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use guard_io::tls::{ClientTls, HandshakeFailure, ServerName};
use guard_io::{Address, Clock, ConnectionPool, PoolBounds, Stream, connect, pair};

use super::state::{View, Worker};
use super::way::Way;
use crate::engine::snapshot::{ServerIndex, UpstreamAddress};
use crate::mailbox::{BridgeCall, Live, ServerState};

/// The pools of one configuration, by server index.
pub(super) struct Upstreams(Vec<Pooled>);

struct Pooled {
    state: Arc<ServerState>,
    direct: Rc<ConnectionPool>,
    bridge: Rc<ConnectionPool>,
    secure: Option<Rc<Secure>>,
}

/// How TLS is spoken with one server.
struct Secure {
    /// As it was published.
    published: ClientTls,
    /// The same, with sessions of this worker's own.
    tls: ClientTls,
    /// Whom the server must prove to be.
    name: ServerName<'static>,
    /// When the log was last told that it did not, in milliseconds of the monotonic clock.
    complained_ms: Cell<Option<u64>>,
}

/// Least time between two lines in the log about the TLS of one server, in milliseconds.
const COMPLAINT_PAUSE_MS: u64 = 10_000;

impl Secure {
    fn new(published: &ClientTls, host: &str) -> Option<Self> {
        Some(Self {
            published: published.clone(),
            tls: published.for_thread(),
            name: ServerName::try_from(host.to_owned()).ok()?,
            complained_ms: Cell::new(None),
        })
    }

    /// `stream` under TLS with the server.
    async fn shake_hands(
        &self,
        server: &str,
        stream: Stream,
        limit: Duration,
    ) -> Result<Stream, ConnectFault> {
        let secured = stream.connect_tls(&self.tls, &self.name, limit).await;
        secured.map_err(|failure| {
            self.complain(server, &failure);
            match failure {
                HandshakeFailure::TimedOut => ConnectFault::TimedOut,
                _ => ConnectFault::Tls,
            }
        })
    }

    fn complain(&self, server: &str, failure: &HandshakeFailure) {
        let now_ms = Clock::coarse_ms();
        let is_due = self
            .complained_ms
            .get()
            .is_none_or(|last| now_ms.saturating_sub(last) >= COMPLAINT_PAUSE_MS);
        if is_due {
            self.complained_ms.set(Some(now_ms));
            tracing::warn!(server, %failure, "no TLS with upstream");
        }
    }
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectFault {
    /// Refused, unreachable, or the name does not resolve.
    Unreachable,
    /// Connected, and no TLS: the handshake failed, the server's certificate was refused, or there is no material for it.
    Tls,
    /// Not within `connect_timeout`.
    TimedOut,
}

/// A connection, and whether it has carried a request before.
pub(super) struct Connected {
    pub(super) stream: Stream,
    pub(super) is_reused: bool,
}

impl Upstreams {
    /// Pools for `live`; those of `before` whose server and TLS are the same move over. Connections to bridges do so only
    /// under the same snapshot: a bridge may have been replaced although its server is the same, and what reached the old one
    /// would begin sessions that nobody ends.
    pub(super) fn new(live: &Live, before: Option<&View>) -> Self {
        let limits = &live.snapshot.limits;
        let bounds = PoolBounds {
            idle_max: limits.upstream_idle_connections,
            idle_age_max: Duration::from_millis(limits.upstream_idle_timeout_ms),
        };
        let known = |state: &Arc<ServerState>, tls: Option<&ClientTls>| {
            let mut pools = before?.upstreams.0.iter();
            pools.find(|pooled| Arc::ptr_eq(&pooled.state, state) && pooled.speaks(tls))
        };
        let has_same_bridges =
            before.is_some_and(|before| Arc::ptr_eq(&before.live.snapshot, &live.snapshot));
        let empty = || Rc::new(ConnectionPool::new(bounds));
        let pooled = |(index, state): (usize, &Arc<ServerState>)| {
            let tls = live.upstream_tls.get(index).and_then(Option::as_ref);
            match known(state, tls) {
                Some(known) => Pooled {
                    state: Arc::clone(state),
                    direct: Rc::clone(&known.direct),
                    bridge: match has_same_bridges {
                        true => Rc::clone(&known.bridge),
                        false => empty(),
                    },
                    secure: known.secure.clone(),
                },
                None => Pooled {
                    state: Arc::clone(state),
                    direct: empty(),
                    bridge: empty(),
                    secure: tls.and_then(|tls| secure(state, tls)),
                },
            }
        };
        Self(live.servers.iter().enumerate().map(pooled).collect())
    }

    pub(super) fn pool(&self, server: ServerIndex, way: Way) -> &Rc<ConnectionPool> {
        let pooled = &self.0[server.as_usize()];
        match way {
            Way::Direct => &pooled.direct,
            Way::Bridge => &pooled.bridge,
        }
    }

    fn secure(&self, server: ServerIndex) -> Option<&Rc<Secure>> {
        self.0[server.as_usize()].secure.as_ref()
    }

    pub(super) fn sweep(&self) {
        for pooled in &self.0 {
            pooled.direct.sweep();
            pooled.bridge.sweep();
        }
    }
}

impl Pooled {
    /// Whether its connections are under `tls`.
    fn speaks(&self, tls: Option<&ClientTls>) -> bool {
        match (&self.secure, tls) {
            (None, None) => true,
            (Some(secure), Some(tls)) => secure.published.is_same(tls),
            _ => false,
        }
    }
}

fn secure(state: &ServerState, tls: &ClientTls) -> Option<Rc<Secure>> {
    match &state.address {
        UpstreamAddress::Http { host, .. } => Secure::new(tls, host).map(Rc::new),
        UpstreamAddress::Unix { .. } | UpstreamAddress::Child(_) => None,
    }
}

/// A connection to `server`, or to its bridge: one from the pool, else a new one.
pub(super) async fn acquire(
    worker: &Worker,
    view: &View,
    server: ServerIndex,
    way: Way,
) -> Result<Connected, ConnectFault> {
    let pooled = view.upstreams.pool(server, way).checkout();
    let is_reused = pooled.is_some();
    let stream = match (pooled, way) {
        (Some(stream), _) => stream,
        // Boxed, because it is rare and large, and every connection's task would carry it.
        (None, Way::Direct) => Box::pin(open(view, server)).await?,
        (None, Way::Bridge) => call_bridge(worker, view, server)?,
    };
    Ok(Connected { stream, is_reused })
}

/// Hands control one end of a new socket pair. Waits for nothing: what is written waits in the socket.
fn call_bridge(worker: &Worker, view: &View, server: ServerIndex) -> Result<Stream, ConnectFault> {
    let (stream, socket) = pair().map_err(|_| ConnectFault::Unreachable)?;
    let call = BridgeCall {
        server: view.snapshot().server(server).name.clone(),
        socket,
    };
    match worker.shared.bridge.put(call) {
        true => Ok(stream),
        false => Err(ConnectFault::Unreachable),
    }
}

/// Tries each address in turn, within one `connect_timeout` for all.
async fn open(view: &View, index: ServerIndex) -> Result<Stream, ConnectFault> {
    let server = view.snapshot().server(index);
    let limit = Duration::from_millis(server.connect_timeout_ms);
    let attempt = async {
        match &server.upstream.address {
            UpstreamAddress::Unix { path } => connect(&Address::Unix(path.clone()), limit)
                .await
                .map_err(|_| ConnectFault::Unreachable),
            UpstreamAddress::Child(_) => Err(ConnectFault::Unreachable),
            UpstreamAddress::Http { is_secure, .. } => {
                open_first(view, index, *is_secure, limit).await
            }
        }
    };
    let opened = guard_io::time::timeout(limit, attempt).await;
    opened.unwrap_or(Err(ConnectFault::TimedOut))
}

async fn open_first(
    view: &View,
    index: ServerIndex,
    is_secure: bool,
    limit: Duration,
) -> Result<Stream, ConnectFault> {
    let mut fault = ConnectFault::Unreachable;
    let secure = view.upstreams.secure(index);
    if is_secure && secure.is_none() {
        // Never in clear what was to be encrypted.
        return Err(ConnectFault::Tls);
    }
    let state = view.live.server(index);
    let resolved = state.resolved.load_full();
    for address in resolved.addresses() {
        let Ok(stream) = connect(&Address::Tcp(*address), limit).await else {
            continue;
        };
        let Some(secure) = secure else {
            return Ok(stream);
        };
        match secure.shake_hands(&state.name, stream, limit).await {
            Ok(stream) => return Ok(stream),
            Err(failed) => fault = failed,
        }
    }
    Err(fault)
}
