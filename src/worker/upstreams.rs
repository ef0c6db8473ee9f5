//! This worker's connections to each upstream server.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use guard_io::{Address, ConnectionPool, PoolBounds, Stream, connect};

use super::state::View;
use crate::engine::snapshot::{ServerIndex, UpstreamAddress};
use crate::mailbox::{Live, ServerState};

/// The pools of one configuration, by server index.
pub(super) struct Upstreams(Vec<Pooled>);

struct Pooled {
    state: Arc<ServerState>,
    pool: Rc<ConnectionPool>,
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
    /// Pools for `live`; those of `before` whose server is the same move over.
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
            Some(Rc::clone(&before.pool))
        };
        let pooled = |state: &Arc<ServerState>| Pooled {
            state: Arc::clone(state),
            pool: known(state).unwrap_or_else(|| Rc::new(ConnectionPool::new(bounds))),
        };
        Self(live.servers.iter().map(pooled).collect())
    }

    pub(super) fn pool(&self, server: ServerIndex) -> &Rc<ConnectionPool> {
        &self.0[server.as_usize()].pool
    }

    pub(super) fn sweep(&self) {
        self.0.iter().for_each(|pooled| pooled.pool.sweep());
    }
}

/// A connection to `server`: one from the pool, else a new one.
pub(super) async fn acquire(view: &View, server: ServerIndex) -> Result<Connected, ConnectFault> {
    match view.upstreams.pool(server).checkout() {
        Some(stream) => Ok(Connected {
            stream,
            is_reused: true,
        }),
        // Boxed, because it is rare and large, and every connection's task would carry it.
        None => Box::pin(open(view, server)).await.map(|stream| Connected {
            stream,
            is_reused: false,
        }),
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
