//! Peers that do not shake hands.

use super::*;
use crate::{Clock, limits::TLS_HANDSHAKE_MESSAGE_BYTES_MAX, spawn, time};

fn listener() -> (Authority, ServerTls) {
    let ours = Authority::new("ours");
    let own = ours.issue(&["localhost"], |_| {});
    let listener = server(vec![own.pair()], ClientAuth::None);
    (ours, listener)
}

#[test]
fn silent_and_slow_peers_run_out_of_time() {
    let (ours, listener) = listener();
    on_each_driver(async || {
        let limit = Duration::from_millis(80);
        let (_near, far) = tcp_pair().await;
        let (failure, _) = far.accept_tls(&listener, limit).await.unwrap_err();
        assert!(matches!(failure, HandshakeFailure::TimedOut));

        // One that always sends, but does not get anywhere.
        let (near, far) = tcp_pair().await;
        let drip = spawn(async move {
            while near.write_all(&[22]).await.is_ok() {
                time::sleep(Duration::from_millis(10)).await;
            }
        });
        let began = Clock::coarse_ms();
        let (failure, far) = far.accept_tls(&listener, limit).await.unwrap_err();
        assert!(matches!(
            failure,
            HandshakeFailure::TimedOut | HandshakeFailure::Protocol(_)
        ));
        assert!(Clock::coarse_ms() - began < 5_000);
        far.abort();
        drip.await.unwrap();

        let (near, _far) = tcp_pair().await;
        let name = ServerName::try_from("localhost").unwrap();
        let client = client(VERSIONS[1].1, ours.trust(), None);
        let failure = near.connect_tls(&client, &name, limit).await.unwrap_err();
        assert!(matches!(failure, HandshakeFailure::TimedOut));
    });
}

#[test]
fn plain_http_gets_the_stream_back_with_every_byte() {
    let (_ours, listener) = listener();
    on_each_driver(async || {
        let (near, far) = tcp_pair().await;
        near.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let (failure, far) = far.accept_tls(&listener, DEADLINE).await.unwrap_err();
        assert!(matches!(failure, HandshakeFailure::NotTls));
        assert!(far.tls_peer().is_none());
        assert_eq!(&*read_exact(&far, 18).await, b"GET / HTTP/1.1\r\n\r\n");
        far.write_all(b"no").await.unwrap();
        assert_eq!(&*read_exact(&near, 2).await, b"no");
    });
}

#[test]
fn peer_that_leaves_is_gone() {
    let (_ours, listener) = listener();
    on_each_driver(async || {
        for sent in [&[][..], &[22], &[22, 3, 1, 0, 200, 1]] {
            let (near, far) = tcp_pair().await;
            near.write_all(sent).await.unwrap();
            drop(near);
            let (failure, _) = far.accept_tls(&listener, DEADLINE).await.unwrap_err();
            assert!(matches!(failure, HandshakeFailure::Gone), "{failure}");
        }
    });
}

#[test]
fn nonsense_is_answered_with_an_alert() {
    let (_ours, listener) = listener();
    let rows: [&[u8]; 4] = [
        // A hello of no known shape, a record of no known version, one that is too long, an alert.
        &[22, 3, 1, 0, 5, 1, 0, 0, 1, 0],
        &[22, 9, 9, 0, 5, 1, 0, 0, 1, 0],
        &[22, 3, 1, 0xff, 0xff, 1, 0, 0, 1, 0],
        &[22, 3, 3, 0, 4, 20, 0, 0, 0],
    ];
    on_each_driver(async || {
        for row in rows {
            let (near, far) = tcp_pair().await;
            near.write_all(row).await.unwrap();
            let (failure, far) = far.accept_tls(&listener, DEADLINE).await.unwrap_err();
            assert!(
                matches!(failure, HandshakeFailure::Protocol(_)),
                "{failure}"
            );
            drop(far);
            let alert = read_exact(&near, 7).await;
            assert_eq!((alert[0], alert[5]), (21, 2), "{row:?}");
        }
    });
}

#[test]
fn endless_hello_is_cut_off() {
    let (_ours, listener) = listener();
    on_each_driver(async || {
        let (near, far) = tcp_pair().await;
        let flood = spawn(async move {
            // A message of 65535 bytes, of which there comes ever more, in records of one byte.
            let mut sent = 0;
            let _ = near.write_all(&[22, 3, 1, 0, 4, 1, 0, 0xff, 0xff]).await;
            while near
                .write_all(&[22, 3, 1, 0, 1, 0].repeat(100))
                .await
                .is_ok()
            {
                sent += 600;
                assert!(sent < 64 << 20, "nobody stops it");
            }
        });
        let (failure, far) = far.accept_tls(&listener, DEADLINE).await.unwrap_err();
        assert!(
            matches!(failure, HandshakeFailure::Protocol(_)),
            "{failure}"
        );
        far.abort();
        flood.await.unwrap();
        const { assert!(TLS_HANDSHAKE_MESSAGE_BYTES_MAX <= 64 << 10) };
    });
}
