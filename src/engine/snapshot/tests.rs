#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::engine::identity::Proving;
use crate::engine::route::Endpoint;

pub(super) fn server(name: &str) -> ServerParts {
    let upstream = Upstream {
        address: UpstreamAddress::Http {
            host: "127.0.0.1".into(),
            port: 9,
            is_secure: false,
        },
        target: "/mcp".into(),
        host_header: "127.0.0.1:9".into(),
        speech: Speech::DEFAULT,
    };
    ServerParts::new(name, upstream)
}

#[test]
fn a_server_is_found_by_name_index_and_route() {
    let snapshot = Snapshot::new(SnapshotParts::new(vec![server("a"), server("b")])).unwrap();
    let b = snapshot.server_named("b").unwrap();
    assert_eq!(b.index().as_usize(), 1);
    assert_eq!(snapshot.server(b.index()).name, b.name);
    let routed = snapshot.routes().resolve(b"/mcp/b").unwrap();
    assert_eq!(
        routed,
        Endpoint::Mcp {
            server: b.index(),
            remainder: ""
        }
    );
}

#[test]
fn a_snapshot_without_parts_lets_nobody_in() {
    let snapshot = Snapshot::new(SnapshotParts::new(vec![server("a")])).unwrap();
    assert!(
        snapshot
            .identity
            .authenticate(None, &Proving::bare(0))
            .is_err()
    );
    assert!(
        snapshot
            .identity
            .authenticate(Some(b"Bearer mcp_x"), &Proving::bare(0))
            .is_err()
    );
    assert!(!snapshot.origins.allows(b"http://localhost:3000"));
}

#[test]
fn an_injected_header_does_not_show_its_value() {
    let header = InjectedHeader {
        name: "Authorization".into(),
        value: b"Bearer hush".to_vec().into(),
    };
    assert!(!format!("{header:?}").contains("hush"));
}
