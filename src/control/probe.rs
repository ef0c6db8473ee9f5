//! Whether required upstreams can be reached.

use std::sync::Arc;
use std::time::Duration;

use guard_io::tls::ClientTls;
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::bridge::probe_child;
use super::http::{Client, ClientError};
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
                let tls = live.tls_towards(server.index()).cloned();
                probes.spawn(probe(state, tls, patience));
            }
        }
    }
    while probes.join_next().await.is_some() {}
}

async fn probe(server: Arc<ServerState>, tls: Option<ClientTls>, patience: Duration) {
    let connected = timeout(patience, connect(&server, tls.as_ref()))
        .await
        .unwrap_or(false);
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

async fn connect(server: &ServerState, tls: Option<&ClientTls>) -> bool {
    match &server.address {
        UpstreamAddress::Unix { path } => UnixStream::connect(path).await.is_ok(),
        // Whoever starts its children knows: `probe_child`.
        UpstreamAddress::Child(_) => false,
        UpstreamAddress::Http {
            host, is_secure, ..
        } => {
            let resolved = server.resolved.load_full();
            let secure = tls.map(|tls| (&**host, tls.config()));
            let connected = Client::connect_to(resolved.addresses(), secure).await;
            if let Err(error @ ClientError::Tls(_)) = &connected {
                tracing::debug!(server = &*server.name, %error, "probe failed");
            }
            secure.is_some() == *is_secure && connected.is_ok()
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
        probe(Arc::clone(&server), None, PATIENCE).await;
        assert_eq!(
            server.reach(),
            Reach::Down,
            "a name that does not resolve is down"
        );
        server.resolved.store(Arc::new(Resolved([address].into())));
        probe(Arc::clone(&server), None, PATIENCE).await;
        assert_eq!(server.reach(), Reach::Up);
        drop(listener);
        probe(Arc::clone(&server), None, PATIENCE).await;
        assert_eq!(server.reach(), Reach::Down);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_missing_socket_is_down() {
        let upstream = UpstreamAddress::Unix {
            path: "/nonexistent/socket".into(),
        };
        let server = Arc::new(ServerState::new("a", upstream, 1));
        probe(Arc::clone(&server), None, PATIENCE).await;
        assert_eq!(server.reach(), Reach::Down);
    }
}
