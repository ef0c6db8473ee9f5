//! The bridges of a running gateway: one a server, made when it is first called, replaced when its configuration changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::sync::mpsc;

use super::backs::Rooms;
use super::server::Bridge;
use crate::control::http::{self, Bounds};
use crate::engine::snapshot::{Server, Snapshot};
use crate::mailbox::{BridgeCall, Live, Shared};

/// Between two requests on a bridge connection. Workers close what idles long before.
const IDLE_TIME: Duration = Duration::from_secs(3_600);

/// How long a write to a worker may make no progress. Workers end clients that stall long before.
const WRITE_TIME: Duration = Duration::from_secs(60);

/// Time that killed children get to be reaped.
const KILL_TIME: Duration = Duration::from_secs(2);

/// Room in a head beside what the client sent: the fields of the bridge.
const OWN_HEAD_BYTES: usize = 4 << 10;

/// Every bridge, and what they share.
pub(in crate::control) struct Bridges {
    shared: Arc<Shared>,
    rooms: Rooms,
    table: Mutex<HashMap<Box<str>, Arc<Bridge>>>,
}

impl Bridges {
    /// No bridge yet. Bounds of the whole process are those of the configuration in force now.
    pub(in crate::control) fn new(shared: Arc<Shared>) -> Arc<Self> {
        let limits = &shared.live.load().snapshot.limits;
        let rooms = Rooms::new(limits, Arc::clone(&shared.control.sessions));
        Arc::new(Self {
            shared,
            rooms,
            table: Mutex::default(),
        })
    }

    /// Serves every call until the queue ends, which is never while workers run.
    pub(in crate::control) async fn serve(self: Arc<Self>, mut calls: mpsc::Receiver<BridgeCall>) {
        while let Some(call) = calls.recv().await {
            self.answer(call);
        }
    }

    /// A call for a server that is gone is hung up on.
    fn answer(&self, call: BridgeCall) {
        let live = self.shared.live.load_full();
        let Some(bridge) = self.bridge(&live, &call.server) else {
            return;
        };
        let stream = match UnixStream::from_std(call.socket.into()) {
            Ok(stream) => stream,
            Err(error) => return tracing::warn!(%error, "a bridge connection cannot be served"),
        };
        let bounds = bounds(&live.snapshot);
        tokio::spawn(async move { http::serve_connection(stream, &bounds, &*bridge).await });
    }

    fn bridge(&self, live: &Live, name: &str) -> Option<Arc<Bridge>> {
        let server = live.snapshot.server_named(name)?;
        let mut table = self.lock();
        if let Some(bridge) = table.get(name)
            && bridge.is_for(live, server)
        {
            return Some(Arc::clone(bridge));
        }
        let bridge = Arc::new(Bridge::new(live, server, &self.shared, &self.rooms)?);
        if let Some(replaced) = table.insert(name.into(), Arc::clone(&bridge)) {
            end(replaced);
        }
        Some(bridge)
    }

    /// Ends the bridges of servers that are gone or changed.
    pub(in crate::control) fn reconcile(&self, live: &Live) {
        let limits = &live.snapshot.limits;
        self.rooms.children.set_limits(limits);
        let sessions = &self.rooms.sessions;
        sessions.set_bounds(limits.sessions, limits.sessions_per_principal);
        self.lock().retain(|name, bridge| {
            let is_kept = |server: &Server| bridge.is_for(live, server);
            let keeps = live.snapshot.server_named(name).is_some_and(is_kept);
            if !keeps {
                end(Arc::clone(bridge));
            }
            keeps
        });
    }

    /// Ends every session and child; returns once the last child is reaped, or when `limit` has passed.
    pub(in crate::control) async fn shutdown(&self, limit: Duration) {
        let bridges: Vec<_> = self.lock().drain().map(|(_, bridge)| bridge).collect();
        let ended = async {
            for bridge in bridges {
                bridge.shutdown().await;
            }
            // What translates or shares has gone with its bridge.
            self.rooms.children.all_ended().await;
        };
        if tokio::time::timeout(limit, ended).await.is_err() {
            self.rooms.children.kill_all();
            let killed = self.rooms.children.all_ended();
            if tokio::time::timeout(KILL_TIME, killed).await.is_err() {
                let children = self.rooms.children.children();
                tracing::warn!(children, "children did not end in time");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Bridge>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end(bridge: Arc<Bridge>) {
    tokio::spawn(async move { bridge.shutdown().await });
}

/// What a worker has let in is let in here.
fn bounds(snapshot: &Snapshot) -> Bounds {
    let limits = &snapshot.limits;
    let mut bounds = Bounds {
        body_bytes_max: limits.body_bytes,
        idle_time: IDLE_TIME,
        write_time: WRITE_TIME,
        request_time: Duration::from_millis(limits.body_timeout_ms),
        ..Bounds::default()
    };
    bounds.head.head_bytes_max = limits.head_bytes + OWN_HEAD_BYTES;
    bounds.head.request_line_bytes_max = limits.head_bytes;
    bounds.head.headers_max = limits.headers + 8;
    bounds
}
