//! Who gets no connection: peers that do not speak TLS, or not in time.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::harness::client::{Client, bearer, call, post};
use crate::harness::gateway::READER;
use crate::harness::site::Site;
use crate::harness::upstream::{Upstream, plain_server};
use crate::harness::{PATIENCE, eventually};

#[test]
fn plain_http_gets_a_sentence_and_reaches_nobody() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, "").start();
    let answer = gateway
        .client()
        .exchange(post("/mcp", &bearer(READER), &call(1, "read_a")));
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.text().to_lowercase().contains("https"), "{answer:?}");
    assert_eq!(upstream.count(), 0);
    assert_eq!(
        site.post(&gateway, READER, &call(1, "read_a")).status,
        200,
        "the gateway lives on"
    );
}

#[test]
fn bytes_that_are_no_handshake_end_the_connection() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, "").start();
    for bytes in [
        // A record header that promises more than a record may hold.
        &b"\x16\x03\x01\xff\xff"[..],
        b"\x16\x03\x01\x00\x05hello",
        b"\x16\x03\x01\x00\x00\x16\x03\x01\x00\x00",
        b"\x17\x03\x03\x00\x01x",
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"\x14\x03\x03\x00\x01\x01",
        b"\x80\x2e\x01\x03\x01",
        b"\0",
    ] {
        let mut stream = TcpStream::connect(gateway.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        assert!(!all.starts_with(b"HTTP/1.1 2"), "{bytes:x?}");
    }
    assert_eq!(upstream.count(), 0);
    assert_eq!(site.post(&gateway, READER, &call(1, "read_a")).status, 200);
}

#[test]
fn a_client_that_never_speaks_is_cut() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, "").start();
    let descriptors = gateway.descriptors();
    let mut silent: Vec<_> = (0..20)
        .map(|_| TcpStream::connect(gateway.address).unwrap())
        .collect();
    // Half a record, so that the deadline is over the whole handshake and not over its first byte.
    for stream in silent.iter_mut().take(10) {
        stream.write_all(b"\x16\x03\x01\x02").unwrap();
    }
    for stream in &mut silent {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut rest = Vec::new();
        let read = stream.read_to_end(&mut rest);
        let is_cut = read
            .as_ref()
            .is_ok_and(|_| !rest.starts_with(b"HTTP/1.1 2"))
            || read.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset);
        assert!(is_cut, "{rest:?}");
    }
    eventually("their descriptors are back", || {
        (gateway.descriptors() <= descriptors + 1).then_some(())
    });
}

#[test]
fn a_client_that_trusts_somebody_else_leaves_no_trace() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let gateway = site.setup(&upstream, "").start();
    let stranger = site.clients.visitor();
    for _ in 0..5 {
        assert!(Client::try_tls(gateway.address, &stranger, "localhost").is_err());
    }
    assert_eq!(upstream.count(), 0);
    assert_eq!(site.post(&gateway, READER, &call(1, "read_a")).status, 200);
}

#[test]
fn handshakes_count_against_the_bounds_of_connections() {
    let (site, upstream) = (Site::new(), Upstream::start(plain_server));
    let mut setup = site.setup(&upstream, "");
    setup
        .config
        .push_str("[server.limits]\nconnections_per_ip = 3\n");
    let gateway = setup.start();
    let mut silent = Vec::new();
    eventually("there is no room", || {
        // One that another worker accepts after the look below is turned away itself: then it takes one more.
        silent.push(TcpStream::connect(gateway.address).unwrap());
        Client::try_tls(gateway.address, &site.visitor, "localhost")
            .is_err()
            .then_some(())
    });
    assert!(silent.len() >= 3, "{}", silent.len());
    drop(silent);
    eventually("there is room again", || {
        Client::try_tls(gateway.address, &site.visitor, "localhost")
            .is_ok()
            .then_some(())
    });
    assert_eq!(upstream.count(), 0);
}
