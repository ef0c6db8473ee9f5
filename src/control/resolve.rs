//! Host names of upstreams → addresses, off the workers' threads.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::engine::snapshot::UpstreamAddress;
use crate::mailbox::{Live, Resolved, ServerState};

/// How long one name may take.
const LOOKUP_TIME: Duration = Duration::from_secs(5);

/// Addresses kept of one name.
const ADDRESSES_MAX: usize = 16;

/// Looks every name of `live` up and publishes what is new, for all servers at once. A name that fails keeps the addresses it
/// had: a resolver that is down for a moment must not take a working upstream away.
pub(super) async fn refresh(live: &Live) {
    let mut lookups = JoinSet::new();
    for server in &live.servers {
        lookups.spawn(refresh_one(Arc::clone(server)));
    }
    while lookups.join_next().await.is_some() {}
}

async fn refresh_one(server: Arc<ServerState>) {
    let UpstreamAddress::Http { host, port, .. } = &server.address else {
        return;
    };
    match addresses(host, *port).await {
        Ok(resolved) => {
            if **server.resolved.load() != resolved {
                tracing::debug!(server = &*server.name, addresses = ?resolved.addresses(), "upstream resolved");
                server.resolved.store(Arc::new(resolved));
            }
        }
        Err(error) => {
            let kept = server.resolved.load().addresses().len();
            tracing::warn!(server = &*server.name, %error, kept, "upstream name does not resolve");
        }
    }
}

/// The addresses of `host`, in the order of the system's resolver. A literal address is taken as it is.
pub(super) async fn addresses(host: &str, port: u16) -> std::io::Result<Resolved> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(Resolved([SocketAddr::new(address, port)].into()));
    }
    let found = timeout(LOOKUP_TIME, lookup_host((host, port))).await??;
    let mut seen = BTreeSet::new();
    Ok(Resolved(
        found
            .filter(|address| seen.insert(*address))
            .take(ADDRESSES_MAX)
            .collect(),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::sync::Arc;

    use super::{addresses, refresh_one};
    use crate::engine::snapshot::UpstreamAddress;
    use crate::mailbox::{Resolved, ServerState};

    fn server(host: &str) -> Arc<ServerState> {
        let address = UpstreamAddress::Http {
            host: host.into(),
            port: 80,
            is_secure: false,
        };
        Arc::new(ServerState::new("name", address, 1))
    }

    #[tokio::test(flavor = "current_thread")]
    async fn literal_addresses_need_no_resolver() {
        let v4 = addresses("127.0.0.1", 80).await.unwrap();
        assert_eq!(v4.addresses(), ["127.0.0.1:80".parse().unwrap()]);
        let v6 = addresses("::1", 81).await.unwrap();
        assert_eq!(v6.addresses(), ["[::1]:81".parse().unwrap()]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_name_that_fails_keeps_the_addresses_it_had() {
        let broken = server("no such name");
        let had = Resolved(["192.0.2.1:80".parse().unwrap()].into());
        broken.resolved.store(Arc::new(had.clone()));
        refresh_one(Arc::clone(&broken)).await;
        assert_eq!(**broken.resolved.load(), had);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_local_name_resolves() {
        let local = server("localhost");
        refresh_one(Arc::clone(&local)).await;
        assert!(
            local
                .resolved
                .load()
                .addresses()
                .iter()
                .all(|address| address.ip().is_loopback())
        );
        assert!(!local.resolved.load().addresses().is_empty());
    }
}
