//! Properties of listeners, on both drivers.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs::File, net::TcpStream};

use super::*;
use crate::{
    Either, select,
    testing::{is_alone, on_each_driver, open_descriptors},
    yield_now,
};

fn any_port(host: &str) -> SocketAddr {
    format!("{host}:0").parse().unwrap()
}

fn open(address: SocketAddr) -> Listener {
    bind(address, AcceptMode::ReusePort, 1)
        .unwrap()
        .remove(0)
        .open()
        .unwrap()
}

#[test]
fn peers_are_named_and_small_writes_are_not_delayed() {
    on_each_driver(async || {
        for host in ["127.0.0.1", "[::1]"] {
            let listener = open(any_port(host));
            let client = TcpStream::connect(listener.local_addr()).unwrap();
            let (stream, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
            assert_eq!(stream.peer_addr(), Some(peer));
            let accepted = SockRef::from(&listener.descriptor.clone())
                .tcp_nodelay()
                .unwrap();
            assert!(accepted, "{host}");
        }
    });
}

#[test]
fn dual_stack_listener_gives_ipv4_peers_their_ipv4_address() {
    on_each_driver(async || {
        let listener = open(any_port("[::]"));
        let port = listener.local_addr().port();
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (_stream, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
    });
}

#[test]
fn port_in_use_is_refused_in_both_modes() {
    let taken = bind(any_port("127.0.0.1"), AcceptMode::ReusePort, 2).unwrap();
    for mode in [AcceptMode::ReusePort, AcceptMode::Shared] {
        let error = bind(taken[0].local_addr(), mode, 2)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("Address already in use") && error.contains("stop the process"),
            "{error}"
        );
    }
}

#[test]
fn dropped_accept_loses_no_connection() {
    on_each_driver(async || {
        let listener = open(any_port("127.0.0.1"));
        for _ in 0..10 {
            assert!(matches!(
                select(listener.accept(), yield_now()).await,
                Either::Right(())
            ));
            let client = TcpStream::connect(listener.local_addr()).unwrap();
            let (_, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
        }
    });
}

#[test]
fn queued_connections_can_be_taken_before_closing() {
    on_each_driver(async || {
        let listener = open(any_port("127.0.0.1"));
        assert!(listener.try_accept().unwrap().is_none());
        let _clients = [(); 3].map(|()| TcpStream::connect(listener.local_addr()).unwrap());
        let taken: Vec<_> = std::iter::from_fn(|| listener.try_accept().unwrap()).collect();
        assert_eq!(taken.len(), 3);
    });
}

#[test]
fn accepted_sockets_are_closed_on_exec() {
    on_each_driver(async || {
        let listener = open(any_port("127.0.0.1"));
        let client = TcpStream::connect(listener.local_addr()).unwrap();
        let (_stream, _) = listener.accept().await.unwrap();
        let port = client.local_addr().unwrap().port();
        let listing = std::process::Command::new("ls")
            .args(["-l", "/proc/self/fd"])
            .output()
            .unwrap();
        let listing = String::from_utf8(listing.stdout).unwrap();
        assert!(
            !listing.contains("socket:"),
            "a child inherited port {port}: {listing}"
        );
    });
}

#[test]
fn exhausted_listener_says_so_and_recovers() {
    if !is_alone(
        "listener::tests::exhausted_listener_says_so_and_recovers",
        64,
    ) {
        return;
    }
    on_each_driver(async || {
        let listener = open(any_port("127.0.0.1"));
        let client = TcpStream::connect(listener.local_addr()).unwrap();
        let mut hoard: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        assert!(matches!(
            listener.accept().await,
            Err(AcceptError::Exhausted(_))
        ));
        let mut accepted = None;
        let accepting = listener.accept_each(|_stream, peer| accepted = Some(peer));
        let relief = async {
            time::sleep(Duration::from_millis(ACCEPT_EXHAUSTED_PAUSE_MS / 2)).await;
            hoard.clear();
            time::sleep(Duration::from_millis(ACCEPT_EXHAUSTED_PAUSE_MS * 2)).await;
        };
        assert!(matches!(select(accepting, relief).await, Either::Right(())));
        assert_eq!(accepted, Some(client.local_addr().unwrap()));
    });
}

#[test]
fn exhaustion_is_logged_now_and_then() {
    let error = AcceptError::Exhausted(io::Error::from_raw_os_error(libc::EMFILE));
    let mut log = ExhaustionLog::default();
    for now_ms in [1_000, 1_100, 5_999] {
        log.note(&error, now_ms);
    }
    assert_eq!((log.last_ms, log.suppressed), (Some(1_000), 2));
    log.note(&error, 6_000);
    assert_eq!((log.last_ms, log.suppressed), (Some(6_000), 0));
}

#[test]
fn stopped_listener_leaks_no_descriptor() {
    if !is_alone("listener::tests::stopped_listener_leaks_no_descriptor", 256) {
        return;
    }
    let before = open_descriptors();
    for _ in 0..3 {
        on_each_driver(async || {
            let listener = open(any_port("127.0.0.1"));
            let mut streams = Vec::new();
            let clients: Vec<_> = (0..5)
                .map(|_| TcpStream::connect(listener.local_addr()).unwrap())
                .collect();
            let accepting = listener.accept_each(|stream, _| streams.push(stream));
            let pause = time::sleep(Duration::from_millis(20));
            assert!(matches!(select(accepting, pause).await, Either::Right(())));
            assert_eq!(streams.len(), 5);
            // Waits that are armed must not keep sockets open.
            for stream in &streams {
                assert!(matches!(
                    select(stream.hangup(), yield_now()).await,
                    Either::Right(())
                ));
            }
            drop(clients);
        });
    }
    assert_eq!(open_descriptors(), before);
}

#[test]
fn errors_of_accept_are_told_apart() {
    let kind = |code| match Refusal::of(io::Error::from_raw_os_error(code)) {
        Refusal::Empty => "empty",
        Refusal::Gone => "gone",
        Refusal::Final(AcceptError::Exhausted(_)) => "exhausted",
        Refusal::Final(AcceptError::Failed(_)) => "failed",
    };
    let rows = [
        (libc::EAGAIN, "empty"),
        (libc::ECONNABORTED, "gone"),
        (libc::EINTR, "gone"),
        (libc::EPERM, "gone"),
        (libc::ENETDOWN, "gone"),
        (libc::EMFILE, "exhausted"),
        (libc::ENFILE, "exhausted"),
        (libc::ENOMEM, "exhausted"),
        (libc::ENOBUFS, "exhausted"),
        (libc::EBADF, "failed"),
        (libc::EINVAL, "failed"),
    ];
    for (code, expected) in rows {
        assert_eq!(kind(code), expected, "errno {code}");
    }
}
