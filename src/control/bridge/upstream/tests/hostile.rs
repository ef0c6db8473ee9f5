//! Servers that break HTTP, stall, or never end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use guard_io::http1::Method;
use guard_io::tls::{ClientTls, ClientTlsSpec, Trust};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::super::failed::HttpFailed;
use super::super::server::{HttpCall, HttpServer};
use super::{closed_port, server, server_with, start, start_raw, start_scripted};
use crate::control::http::{ClientError, Response};
use crate::control::testing::tls::Authority;
use crate::engine::limits::{Limits, UPSTREAM_HEAD_BYTES_MAX};
use crate::engine::snapshot::{ServerParts, Speech, Upstream, UpstreamAddress};
use crate::mailbox::{Resolved, ServerState};

const SHORT_MS: u64 = 100;

async fn get(server: &HttpServer) -> Result<u16, HttpFailed> {
    post(server, b"").await
}

async fn post(server: &HttpServer, body: &[u8]) -> Result<u16, HttpFailed> {
    let call = HttpCall {
        method: Method::Post,
        target: "/mcp",
        fields: &[],
        body,
    };
    let answer = server.send(call).await?.answer().await?;
    let status = answer.status;
    server.retire(answer);
    Ok(status)
}

#[tokio::test(flavor = "current_thread")]
async fn heads_that_are_not_http_are_refused() {
    let endless = format!(
        "HTTP/1.1 200 OK\r\nA: {}",
        "x".repeat(UPSTREAM_HEAD_BYTES_MAX)
    );
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(129));
    let interims = format!(
        "{}HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n".repeat(9)
    );
    for answer in [
        endless.as_str(),
        &many,
        &interims,
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "SSH-2.0-x\r\n",
        "HTTP/2 200\r\n\r\n",
    ] {
        let port = start_raw(answer).await;
        let refused = get(&server(port)).await;
        let is_bad = matches!(refused, Err(HttpFailed::Http(ClientError::BadAnswer(_))));
        assert!(is_bad, "{refused:?} {}", &answer[..40.min(answer.len())]);
    }
    let port =
        start_raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Encoding: gzip\r\n\r\n").await;
    assert!(matches!(get(&server(port)).await, Err(HttpFailed::Encoded)));
}

/// A port whose queue of connections is full, with what keeps it so.
async fn full_queue() -> (u16, (TcpListener, Vec<TcpStream>)) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    let short = Duration::from_millis(SHORT_MS);
    while let Ok(Ok(stream)) = tokio::time::timeout(short, TcpStream::connect(address)).await {
        waiting.push(stream);
        assert!(waiting.len() < 16, "the queue has no end");
    }
    (address.port(), (listener, waiting))
}

#[tokio::test(flavor = "current_thread")]
async fn every_wait_ends() {
    let begun = Instant::now();
    let silent = start_raw("").await;
    let patient = |port| server_with(port, |parts, _| parts.timeout_ms = SHORT_MS);
    assert!(matches!(
        get(&patient(silent)).await,
        Err(HttpFailed::AnswerTimeout(_))
    ));
    let halting = start_raw("HTTP/1.1 200 OK\r\nContent-").await;
    assert!(matches!(
        get(&patient(halting)).await,
        Err(HttpFailed::AnswerTimeout(_))
    ));
    let deaf = start_scripted(|stream| async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
    })
    .await;
    let stalled = server_with(deaf, |_, limits| limits.write_stall_ms = SHORT_MS);
    let refused = post(&stalled, &vec![b' '; 64 << 20]).await;
    assert!(
        matches!(refused, Err(HttpFailed::WriteStalled(_))),
        "{refused:?}"
    );
    let (full, _waiting) = full_queue().await;
    let hasty = server_with(full, |parts, _| parts.connect_timeout_ms = SHORT_MS);
    let refused = get(&hasty).await;
    assert!(
        matches!(refused, Err(HttpFailed::ConnectTimeout(_))),
        "{refused:?}"
    );
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test(flavor = "current_thread")]
async fn a_server_that_is_not_there_is_told_from_one_that_fails() {
    let refused = get(&server(closed_port().await)).await;
    assert!(matches!(
        refused,
        Err(HttpFailed::Http(ClientError::Connect(_)))
    ));
    let closing = start_scripted(|stream| async move { drop(stream) }).await;
    let refused = get(&server(closing)).await;
    let is_broken = matches!(
        refused,
        Err(HttpFailed::Http(
            ClientError::Closed | ClientError::Broken(_)
        ))
    );
    assert!(is_broken, "{refused:?}");
    let address = UpstreamAddress::Http {
        host: "up.example".into(),
        port: 80,
        is_secure: false,
    };
    let upstream = Upstream {
        address: address.clone(),
        target: "/".into(),
        host_header: "up.example".into(),
        speech: Speech::DEFAULT,
    };
    let state = Arc::new(ServerState::new("up", address, 1));
    let parts = ServerParts::new("up", upstream);
    let unresolved = HttpServer::new(&parts, state, &Limits::DEFAULT).unwrap();
    assert!(matches!(
        get(&unresolved).await,
        Err(HttpFailed::Unresolved)
    ));
}

#[tokio::test(flavor = "current_thread")]
async fn a_connection_is_used_again_and_never_after_surplus() {
    let connections = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = |answer: &'static str| {
        let connections = Arc::clone(&connections);
        start_scripted(move |mut stream| {
            connections.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            async move {
                let mut space = [0; 4096];
                while stream.read(&mut space).await.is_ok_and(|bytes| bytes > 0) {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        })
    };
    for (answer, expected) in [
        ("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 1),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
            1,
        ),
        (
            "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            3,
        ),
        (
            "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            3,
        ),
    ] {
        connections.store(0, std::sync::atomic::Ordering::SeqCst);
        let server = server(count(answer).await);
        for _ in 0..3 {
            assert!(get(&server).await.is_ok());
            // The answer is retired in the background.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let made = connections.load(std::sync::atomic::Ordering::SeqCst);
        assert_eq!(made, expected, "{answer}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_unix_socket_is_a_server_too() {
    use crate::control::http::{Bounds, serve};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let answering = super::Answering(|heard: super::Heard| async move {
        assert_eq!(heard.field("host"), Some("localhost"));
        Response::empty(202)
    });
    tokio::spawn(serve(listener, Bounds::default(), Arc::new(answering)));
    let address = UpstreamAddress::Unix { path };
    let upstream = Upstream {
        address: address.clone(),
        target: "/".into(),
        host_header: "localhost".into(),
        speech: Speech::DEFAULT,
    };
    let state = Arc::new(ServerState::new("up", address, 1));
    let server =
        HttpServer::new(&ServerParts::new("up", upstream), state, &Limits::DEFAULT).unwrap();
    assert_eq!(get(&server).await.unwrap(), 202);
    let port = start(|_| async { Response::empty(204) }).await;
    assert_eq!(get(&super::server(port)).await.unwrap(), 204);
}

#[tokio::test(flavor = "current_thread")]
async fn a_connection_does_not_outlive_the_trust_that_it_was_made_with() {
    let (ours, foreign) = (Authority::new(), Authority::new());
    let trusting = |authority: &Authority| {
        let trust = Trust::from_pem(authority.pem().as_bytes(), None).unwrap();
        let certificate = None;
        Arc::new(ClientTls::new(ClientTlsSpec { trust, certificate }).unwrap())
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(ours.server("127.0.0.1"));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await?;
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            while stream.read(&mut [0; 1024]).await? > 0 {
                stream.write_all(b"HTTP/1.1 204 -\r\n\r\n").await?;
                stream.flush().await?;
            }
        }
        #[expect(unreachable_code, reason = "it gives the block its type")]
        std::io::Result::Ok(())
    });
    let address = UpstreamAddress::Http {
        host: "127.0.0.1".into(),
        port: at.port(),
        is_secure: true,
    };
    let upstream = Upstream {
        address: address.clone(),
        target: "/".into(),
        host_header: "127.0.0.1".into(),
        speech: Speech::DEFAULT,
    };
    let state = Arc::new(ServerState::new("up", address, 1));
    state.resolved.store(Arc::new(Resolved([at].into())));
    state.tls.store(Some(trusting(&ours)));
    let parts = ServerParts::new("up", upstream);
    let server = HttpServer::new(&parts, Arc::clone(&state), &Limits::DEFAULT).unwrap();
    // The connection is kept for the next.
    server.reach().await.unwrap();
    state.tls.store(Some(trusting(&foreign)));
    let refused = get(&server).await;
    assert!(
        matches!(refused, Err(HttpFailed::Http(ClientError::Tls(_)))),
        "{refused:?}"
    );
}
