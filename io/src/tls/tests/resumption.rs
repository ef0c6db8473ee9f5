//! Who may go on with an earlier session, and as whom.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use rustls::{pki_types::UnixTime, time_provider::TimeProvider};

use super::*;
use crate::tls::testing::HOUR;

/// A clock that is ahead.
#[derive(Debug)]
struct Ahead(Duration);

impl TimeProvider for Ahead {
    fn current_time(&self) -> Option<UnixTime> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        Some(UnixTime::since_unix_epoch(now + self.0))
    }
}

#[test]
fn resumed_session_keeps_the_certificates_of_its_client() {
    let ours = Authority::new("ours");
    let own = ours.issue(&["localhost"], |_| {});
    let certificate = ours.below("between").issue(&["client"], |_| {});
    on_each_driver(async || {
        for (version, speaks) in VERSIONS {
            let listener = server(vec![own.pair()], ClientAuth::Required(ours.trust()));
            let client = client(speaks, ours.trust(), Some(&certificate));
            let (_near, far) = meet(&client, &listener, "localhost").await;
            let first = far.tls_peer().unwrap().clone();
            let shown = far.with_certificates(<[_]>::to_vec);
            assert_eq!((first.is_resumed, shown.len()), (false, 2));
            for _ in 0..3 {
                let (near, far) = meet(&client, &listener, "LocalHost").await;
                let again = far.tls_peer().unwrap();
                assert!(
                    again.is_resumed && near.tls_peer().unwrap().is_resumed,
                    "{version}"
                );
                assert_eq!(far.with_certificates(<[_]>::to_vec), shown);
                assert_eq!(again.server_name.as_deref(), Some("localhost"));
                assert_eq!(again.version, version);
            }
        }
    });
}

#[test]
fn session_is_not_resumed_under_another_value_or_by_another_thread() {
    let ours = Authority::new("ours");
    let own = ours.issue(&["localhost"], |_| {});
    let certificate = ours.issue(&["client"], |_| {});
    on_each_driver(async || {
        for (_, speaks) in VERSIONS {
            let listener = || server(vec![own.pair()], ClientAuth::Required(ours.trust()));
            let client = client(speaks, ours.trust(), Some(&certificate));
            let old = listener();
            meet(&client, &old, "localhost").await;
            let (_near, far) = meet(&client, &listener(), "localhost").await;
            assert!(!far.tls_peer().unwrap().is_resumed);
            let (_near, far) = meet(&client.for_thread(), &old, "localhost").await;
            assert!(!far.tls_peer().unwrap().is_resumed);
            assert_eq!(far.with_certificates(<[_]>::len), 1);
        }
    });
}

#[test]
fn resuming_does_not_outlive_the_certificate() {
    let ours = Authority::new("ours");
    let own = ours.issue(&["localhost"], |params| {
        params.not_after = (SystemTime::now() + 48 * HOUR).into();
    });
    let certificate = ours.issue(&["client"], |_| {});
    on_each_driver(async || {
        for (_, speaks) in VERSIONS {
            let listener = server(vec![own.pair()], ClientAuth::Required(ours.trust()));
            let client = client(speaks, ours.trust(), Some(&certificate));
            meet(&client, &listener, "localhost").await;
            let later = listener.altered(|config| {
                config.time_provider = Arc::new(Ahead(2 * HOUR));
            });
            let (_, far) = shake(&client, &later, "localhost").await;
            let failure = far.unwrap_err();
            assert!(
                matches!(failure, HandshakeFailure::Certificate(_)),
                "{failure}"
            );
        }
    });
}
