//! Whether required upstreams can be reached.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::bridge::probe_child;
use crate::engine::snapshot::UpstreamAddress;
use crate::mailbox::{Live, Reach, ServerState};

/// Connects to every required server of `live` at once, within its own connect timeout, and stores what was found.
///
/// A connection is opened and closed again: no request is sent, since none is free of effects on every server. A stdio server
/// is started once, until it is known to work; from then on its sessions tell.
pub(super) async fn probe_required(live: &Live) {
    let mut probes = JoinSet::new();
    for (server, state) in live.snapshot.servers().iter().zip(&live.servers) {
        let patience = Duration::from_millis(server.connect_timeout_ms);
        let state = Arc::clone(state);
        match &server.upstream.address {
            _ if !server.required => {}
            UpstreamAddress::Child(_) if state.reach() == Reach::Up => {}
            UpstreamAddress::Child(command) => {
                let (command, limits) = (Arc::clone(command), live.snapshot.limits.clone());
                probes.spawn(async move { probe_child(state, command, &limits, patience).await });
            }
            _ => {
                probes.spawn(probe(state, patience));
            }
        }
    }
    while probes.join_next().await.is_some() {}
}

async fn probe(server: Arc<ServerState>, patience: Duration) {
    let connected = timeout(patience, connect(&server)).await.unwrap_or(false);
    let reach = if connected { Reach::Up } else { Reach::Down };
    let before = server.reach();
    if server.set_reach(reach) {
        match reach {
            Reach::Down => tracing::warn!(
                server = &*server.name,
                "required upstream cannot be reached"
            ),
            _ if before == Reach::Down => {
                tracing::info!(server = &*server.name, "required upstream is back")
            }
            _ => {}
        }
    }
}

async fn connect(server: &ServerState) -> bool {
    match &server.address {
        UpstreamAddress::Unix { path } => UnixStream::connect(path).await.is_ok(),
        // Whoever starts its children knows: `probe_child`.
        UpstreamAddress::Child(_) => false,
        UpstreamAddress::Http { .. } => {
            let resolved = server.resolved.load_full();
            TcpStream::connect(resolved.addresses()).await.is_ok()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::sync::Arc;
    use std::time::Duration;

    use tokio::net::TcpListener;

    use super::probe;
    use crate::engine::snapshot::UpstreamAddress;
    use crate::mailbox::{Reach, Resolved, ServerState};

    const PATIENCE: Duration = Duration::from_secs(5);

    #[tokio::test(flavor = "current_thread")]
    async fn a_probe_follows_the_server_up_and_down() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let upstream = UpstreamAddress::Http {
            host: "127.0.0.1".into(),
            port: address.port(),
            is_secure: false,
        };
        let server = Arc::new(ServerState::new("a", upstream, 1));
        probe(Arc::clone(&server), PATIENCE).await;
        assert_eq!(
            server.reach(),
            Reach::Down,
            "a name that does not resolve is down"
        );
        server.resolved.store(Arc::new(Resolved([address].into())));
        probe(Arc::clone(&server), PATIENCE).await;
        assert_eq!(server.reach(), Reach::Up);
        drop(listener);
        probe(Arc::clone(&server), PATIENCE).await;
        assert_eq!(server.reach(), Reach::Down);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_missing_socket_is_down() {
        let upstream = UpstreamAddress::Unix {
            path: "/nonexistent/socket".into(),
        };
        let server = Arc::new(ServerState::new("a", upstream, 1));
        probe(Arc::clone(&server), PATIENCE).await;
        assert_eq!(server.reach(), Reach::Down);
    }
}
