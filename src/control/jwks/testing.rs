//! An issuer that publishes keys, or something else.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{KeyPair, PublicKeyData as _};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::config::model::FetchUrl;

/// What an issuer does with a request.
#[derive(Clone, Debug)]
pub(super) enum Conduct {
    /// Answers these bytes and closes.
    Says(Vec<u8>),
    /// The same after a while.
    SaysLate(Duration, Vec<u8>),
    /// Never answers.
    Hangs,
    /// Answers a byte now and then, for ever.
    Drips,
}

impl Conduct {
    /// 200 with `document` and further `fields`.
    pub(super) fn publishes(document: &str, fields: &str) -> Self {
        Self::Says(answer("200 OK", fields, document))
    }

    pub(super) fn refuses(status: &str, fields: &str) -> Self {
        Self::Says(answer(status, fields, ""))
    }
}

fn answer(status: &str, fields: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{fields}\r\n{body}").into_bytes()
}

/// A server on loopback. Every connection carries one request.
#[derive(Clone)]
pub(super) struct Issuer {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    conduct: Conduct,
    requests: Vec<String>,
}

impl Issuer {
    pub(super) async fn start(conduct: Conduct) -> Self {
        Self::start_on("127.0.0.1:0", conduct, None).await
    }

    /// With `tls`, over TLS.
    pub(super) async fn start_on(
        address: &str,
        conduct: Conduct,
        tls: Option<Arc<ServerConfig>>,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let issuer = Self {
            port: listener.local_addr().unwrap().port(),
            state: Arc::new(Mutex::new(State {
                conduct,
                requests: Vec::new(),
            })),
        };
        let (serving, acceptor) = (issuer.clone(), tls.map(TlsAcceptor::from));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (issuer, acceptor) = (serving.clone(), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => issuer.serve(stream).await,
                        Some(acceptor) => issuer.serve(acceptor.accept(stream).await?).await,
                    }
                });
            }
        });
        issuer
    }

    pub(super) fn set(&self, conduct: Conduct) {
        self.state.lock().unwrap().conduct = conduct;
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    pub(super) fn url(&self, host: &str) -> FetchUrl {
        FetchUrl {
            text: format!("http://{host}:{}/jwks?a=b", self.port),
            is_secure: false,
            host: host.to_owned(),
            port: self.port,
            target: "/jwks?a=b".to_owned(),
            ca_path: None,
        }
    }

    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        }
        let conduct = {
            let mut state = self.state.lock().unwrap();
            state.requests.push(String::from_utf8(request).unwrap());
            state.conduct.clone()
        };
        match conduct {
            Conduct::Says(bytes) => stream.write_all(&bytes).await?,
            Conduct::SaysLate(pause, bytes) => {
                tokio::time::sleep(pause).await;
                stream.write_all(&bytes).await?;
            }
            Conduct::Hangs => std::future::pending().await,
            Conduct::Drips => loop {
                stream.write_all(b"H").await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            },
        }
        stream.shutdown().await
    }
}

/// A key set with a new ES256 key for each of `kids`.
pub(super) fn key_set(kids: &[&str]) -> String {
    let keys: Vec<String> = kids.iter().map(|kid| jwk(kid)).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

fn jwk(kid: &str) -> String {
    let key = KeyPair::generate().unwrap();
    // An uncompressed point: 4, then two coordinates of 32 bytes.
    let point = key.der_bytes();
    assert_eq!((point.len(), point[0]), (65, 4));
    let [x, y] = [&point[1..33], &point[33..]].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    format!(r#"{{"kty":"EC","crv":"P-256","use":"sig","kid":"{kid}","x":"{x}","y":"{y}"}}"#)
}
