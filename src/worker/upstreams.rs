//! This worker's connections to each upstream server.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use guard_io::{Address, ConnectionPool, PoolBounds, Stream, connect, pair};

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
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectFault {
    /// Refused, unreachable, or the name does not resolve.
    Unreachable,
    /// Not within `connect_timeout`.
    TimedOut,
}

/// A connection, and whether it has carried a request before.
pub(super) struct Connected {
    pub(super) stream: Stream,
    pub(super) is_reused: bool,
}

impl Upstreams {
    /// Pools for `live`; those of `before` whose server is the same move over. Connections to bridges stay behind: a bridge may
    /// have been replaced although its server is the same, and what reached the old one would begin sessions that nobody ends.
    pub(super) fn new(live: &Live, before: Option<&View>) -> Self {
        let limits = &live.snapshot.limits;
        let bounds = PoolBounds {
            idle_max: limits.upstream_idle_connections,
            idle_age_max: Duration::from_millis(limits.upstream_idle_timeout_ms),
        };
        let known = |state: &Arc<ServerState>| {
            let before = before?
                .upstreams
                .0
                .iter()
                .find(|pooled| Arc::ptr_eq(&pooled.state, state))?;
            Some(Rc::clone(&before.direct))
        };
        let empty = || Rc::new(ConnectionPool::new(bounds));
        let pooled = |state: &Arc<ServerState>| Pooled {
            state: Arc::clone(state),
            direct: known(state).unwrap_or_else(empty),
            bridge: empty(),
        };
        Self(live.servers.iter().map(pooled).collect())
    }

    pub(super) fn pool(&self, server: ServerIndex, way: Way) -> &Rc<ConnectionPool> {
        let pooled = &self.0[server.as_usize()];
        match way {
            Way::Direct => &pooled.direct,
            Way::Bridge => &pooled.bridge,
        }
    }

    pub(super) fn sweep(&self) {
        for pooled in &self.0 {
            pooled.direct.sweep();
            pooled.bridge.sweep();
        }
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
            UpstreamAddress::Unix { path } => {
                connect(&Address::Unix(path.clone()), limit).await.ok()
            }
            UpstreamAddress::Child(_) => None,
            UpstreamAddress::Http { .. } => open_first(view, index, limit).await,
        }
    };
    match guard_io::time::timeout(limit, attempt).await {
        Ok(Some(stream)) => Ok(stream),
        Ok(None) => Err(ConnectFault::Unreachable),
        Err(_) => Err(ConnectFault::TimedOut),
    }
}

async fn open_first(view: &View, index: ServerIndex, limit: Duration) -> Option<Stream> {
    let resolved = view.live.server(index).resolved.load_full();
    for address in resolved.addresses() {
        if let Ok(stream) = connect(&Address::Tcp(*address), limit).await {
            return Some(stream);
        }
    }
    None
}
