//! Another implementation as the client, where it is installed.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use super::*;
use crate::{AcceptMode, bind};

#[test]
fn openssl_shakes_hands_and_is_answered() {
    if Command::new("openssl").arg("version").output().is_err() {
        return;
    }
    let ours = Authority::new("ours");
    let own = ours.issue(&["localhost"], |_| {});
    let certificate = ours.issue(&["client"], |_| {});
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (ca, cert, key) = (
        file("ca.pem", &ours.pem()),
        file("cert.pem", &certificate.chain),
        file("key.pem", &certificate.key),
    );
    on_each_driver(async || {
        for (option, version) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
            let tls = server(vec![own.pair()], ClientAuth::Required(ours.trust()));
            let seed = bind("127.0.0.1:0".parse().unwrap(), AcceptMode::Shared, 1)
                .unwrap()
                .remove(0);
            let listener = seed.open().unwrap();
            let mut child = Command::new("openssl")
                .args(["s_client", "-quiet", "-verify_return_error", option])
                .args(["-alpn", "h2,http/1.1", "-servername", "localhost"])
                .args(["-verify_hostname", "localhost", "-CAfile", &ca])
                .args(["-cert", &cert, "-key", &key, "-connect"])
                .arg(listener.local_addr().to_string())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.as_mut().unwrap().write_all(b"hello\n").unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            let stream = stream.accept_tls(&tls, DEADLINE).await.unwrap();
            let peer = stream.tls_peer().unwrap();
            assert_eq!(peer.version, version);
            let shown = stream.with_certificates(|shown| shown[0].clone());
            assert_eq!(shown, certificate.pair().chain[0]);
            assert_eq!(peer.server_name.as_deref(), Some("localhost"));
            assert_eq!(&*read_exact(&stream, 6).await, b"hello\n");
            stream.write_all_pair(b"bon", b"jour\n").await.unwrap();
            drop(stream);
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.stdout, b"bonjour\n", "{said}");
            assert!(!said.contains("unexpected eof"), "{said}");
        }
    });
}

#[test]
fn renegotiation_is_rebuffed() {
    if Command::new("openssl").arg("version").output().is_err() {
        return;
    }
    let ours = Authority::new("ours");
    let own = ours.issue(&["localhost"], |_| {});
    on_each_driver(async || {
        let tls = server(vec![own.pair()], ClientAuth::None);
        let seed = bind("127.0.0.1:0".parse().unwrap(), AcceptMode::Shared, 1)
            .unwrap()
            .remove(0);
        let listener = seed.open().unwrap();
        let mut child = Command::new("openssl")
            .args(["s_client", "-tls1_2", "-legacy_renegotiation", "-connect"])
            .arg(listener.local_addr().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let stream = stream.accept_tls(&tls, DEADLINE).await.unwrap();
        // One line at a time is one command.
        child.stdin.as_mut().unwrap().write_all(b"R\n").unwrap();
        let mut buffer = Buffer::new();
        while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
        assert!(buffer.is_empty());
        drop(stream);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("no renegotiation"), "{said}");
    });
}
