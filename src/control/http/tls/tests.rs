#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io;
use std::sync::Arc;
use std::time::Duration;

use guard_io::http1::Method;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::control::http::{Client, ClientError, Endpoint};
use crate::control::testing::tls::Authority;

/// Serves one connection: answers `answer`, and ends TLS properly only where `says_goodbye`.
async fn serve(authority: &Authority, name: &str, answer: &'static str, says_goodbye: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(authority.server(name));
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        let mut stream = acceptor.accept(stream).await?;
        let _ = stream.read(&mut [0; 1024]).await?;
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
        if says_goodbye {
            stream.shutdown().await?;
        }
        io::Result::Ok(())
    });
    port
}

async fn get(endpoint: &Endpoint) -> Result<Vec<u8>, ClientError> {
    let exchange = async {
        let mut client = Client::connect(endpoint).await?;
        let host = [("Host", "a")];
        let answer = client.send(Method::Get, "/", &host, b"").await?;
        answer.body(64).await
    };
    timeout(Duration::from_secs(10), exchange).await.unwrap()
}

const WHOLE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab";
const UNTIL_CLOSE: &str = "HTTP/1.1 200 OK\r\n\r\nab";

#[tokio::test(flavor = "current_thread")]
async fn only_the_host_that_was_meant_is_talked_to() {
    let (ours, foreign) = (Authority::new(), Authority::new());
    for (certified, host, trusted, is_good) in [
        ("localhost", "localhost", &ours, true),
        ("127.0.0.1", "127.0.0.1", &ours, true),
        ("other.example", "localhost", &ours, false),
        ("localhost", "127.0.0.1", &ours, false),
        ("localhost", "localhost", &foreign, false),
    ] {
        let port = serve(&ours, certified, WHOLE, true).await;
        let config = trusted.client();
        let endpoint = Endpoint::Tls {
            host: host.into(),
            port,
            config,
        };
        let outcome = get(&endpoint).await;
        match outcome {
            Ok(body) => assert!(is_good && body == b"ab", "{certified} {host}"),
            Err(ClientError::Tls(error)) => assert!(!is_good, "{certified} {host}: {error}"),
            Err(other) => panic!("{certified} {host}: {other}"),
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn an_answer_that_was_cut_off_is_not_whole() {
    let authority = Authority::new();
    for (says_goodbye, is_whole) in [(true, true), (false, false)] {
        let port = serve(&authority, "localhost", UNTIL_CLOSE, says_goodbye).await;
        let config = authority.client();
        let endpoint = Endpoint::Tls {
            host: "localhost".into(),
            port,
            config,
        };
        assert_eq!(get(&endpoint).await.is_ok(), is_whole, "{says_goodbye}");
    }
}

/// What is written is encrypted at once, and sent as fast as the server takes it.
#[tokio::test(flavor = "current_thread")]
async fn a_request_that_the_server_takes_slowly_is_sent_whole() {
    let authority = Authority::new();
    let (near, far) = duplex(1 << 10);
    let body = vec![b'x'; 20 << 10];
    let expected = body.len();
    let acceptor = TlsAcceptor::from(authority.server("localhost"));
    tokio::spawn(async move {
        let mut stream = acceptor.accept(far).await?;
        let (mut read, mut chunk) = (0, [0; 4 << 10]);
        while read < expected {
            read += stream.read(&mut chunk).await?;
        }
        stream.write_all(WHOLE.as_bytes()).await?;
        stream.flush().await
    });
    let exchange = async {
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(authority.client());
        let mut client = Client::over(connector.connect(name, near).await.unwrap());
        let host = [("Host", "a")];
        let answer = client.send(Method::Post, "/", &host, &body).await?;
        answer.body(64).await
    };
    let answered = timeout(Duration::from_secs(10), exchange).await;
    assert_eq!(answered.expect("in time").unwrap(), b"ab");
}

#[tokio::test(flavor = "current_thread")]
async fn the_first_address_that_accepts_is_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let good = listener.local_addr().unwrap();
    let refusing = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    assert!(Client::connect_to(&[refusing, good], None).await.is_ok());
    for none in [&[][..], &[refusing]] {
        let refused = Client::connect_to(none, None).await;
        assert!(matches!(refused, Err(ClientError::Connect(_))), "{none:?}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn plain_http_is_no_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        stream.write_all(WHOLE.as_bytes()).await
    });
    let config = Arc::clone(&Authority::new().client());
    let endpoint = Endpoint::Tls {
        host: "localhost".into(),
        port,
        config,
    };
    assert!(matches!(get(&endpoint).await, Err(ClientError::Tls(_))));
}
