//! A provider over the network, and its lies.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::ServerConfig;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use super::{LoginSecrets, Provider};
use crate::config::model::OAuth;
use crate::control::testing::load;
use crate::metrics::OAuthCells;

/// A request that came.
#[derive(Clone, Debug)]
pub(in crate::control::oauth) struct Received {
    pub(in crate::control::oauth) line: String,
    pub(in crate::control::oauth) head: String,
    pub(in crate::control::oauth) body: String,
}

impl Received {
    /// The value of the field called `name`.
    pub(in crate::control::oauth) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// A parameter of the form in the body.
    pub(in crate::control::oauth) fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.body.as_bytes());
        pairs.find_map(|(found, value)| (found == name).then(|| value.into_owned()))
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub(in crate::control::oauth) enum Says {
    /// Status, fields, body.
    Answer(u16, String, String),
    /// Nothing, ever.
    Nothing,
    /// The same after a while.
    Late(Duration, Box<Says>),
}

impl Says {
    pub(in crate::control::oauth) fn json(status: u16, body: impl ToString) -> Self {
        let fields = "Content-Type: application/json;charset=utf-8\r\n".to_owned();
        Self::Answer(status, fields, body.to_string())
    }

    pub(in crate::control::oauth) fn with(self, field: &str) -> Self {
        match self {
            Self::Answer(status, fields, body) => {
                Self::Answer(status, format!("{fields}{field}\r\n"), body)
            }
            other => other,
        }
    }
}

/// A server on loopback that answers by path. Every connection carries one request.
#[derive(Clone)]
pub(in crate::control::oauth) struct Fake {
    pub(in crate::control::oauth) port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    says: HashMap<String, Says>,
    received: Vec<Received>,
}

impl Fake {
    pub(in crate::control::oauth) async fn start() -> Self {
        Self::start_with(None).await
    }

    pub(in crate::control::oauth) async fn start_with(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            port: listener.local_addr().unwrap().port(),
            state: Arc::default(),
        };
        let (serving, acceptor) = (fake.clone(), tls.map(TlsAcceptor::from));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (fake, acceptor) = (serving.clone(), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => fake.serve(stream).await,
                        Some(acceptor) => fake.serve(acceptor.accept(stream).await?).await,
                    }
                });
            }
        });
        fake
    }

    /// What is at `path` from now on.
    pub(in crate::control::oauth) fn says(&self, path: &str, says: Says) {
        self.state
            .lock()
            .unwrap()
            .says
            .insert(path.to_owned(), says);
    }

    /// The requests for `path`.
    pub(in crate::control::oauth) fn received(&self, path: &str) -> Vec<Received> {
        let state = self.state.lock().unwrap();
        let is_it = |received: &&Received| received.line.split([' ', '?']).nth(1) == Some(path);
        state.received.iter().filter(is_it).cloned().collect()
    }

    pub(in crate::control::oauth) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        let received = loop {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
            if let Some(received) = whole(&bytes) {
                break received;
            }
        };
        let path = received.line.split([' ', '?']).nth(1).unwrap().to_owned();
        let mut says = {
            let mut state = self.state.lock().unwrap();
            state.received.push(received);
            let says = state.says.get(&path).cloned();
            says.unwrap_or_else(|| Says::json(404, "{}"))
        };
        loop {
            match says {
                Says::Nothing => return std::future::pending().await,
                Says::Late(pause, later) => {
                    tokio::time::sleep(pause).await;
                    says = *later;
                }
                Says::Answer(status, fields, body) => {
                    let length = body.len();
                    let answer = format!(
                        "HTTP/1.1 {status} x\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
                    );
                    stream.write_all(answer.as_bytes()).await?;
                    return stream.shutdown().await;
                }
            }
        }
    }
}

fn whole(bytes: &[u8]) -> Option<Received> {
    let text = std::str::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let (line, head) = head.split_once("\r\n").unwrap();
    let received = Received {
        line: line.to_owned(),
        head: head.to_owned(),
        body: body.to_owned(),
    };
    let length = received
        .field("content-length")
        .map_or(0, |length| length.parse().unwrap());
    (body.len() >= length).then_some(received)
}

/// `[auth.oauth]` with these keys.
pub(in crate::control::oauth) fn configured(keys: &str) -> OAuth {
    let hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let text = format!(
        "[server]\npublic_url = \"http://localhost:3000\"\n[[auth.api_keys]]\nid = \"a\"\nkey_hash = \"{hash}\"\nallowed_tools = [\"*\"]\n\
         [auth.oauth]\nallowed_tools = [\"*\"]\n{keys}\n[upstream]\ntransport = \"http\"\nurl = \"http://127.0.0.1:1/mcp\"\n"
    );
    load(&text).auth.oauth.unwrap()
}

/// The provider that `keys` name, with its counters.
pub(in crate::control::oauth) fn provider(keys: &str) -> (Provider, Arc<OAuthCells>) {
    let cells = Arc::<OAuthCells>::default();
    (Provider::new(&configured(keys), Arc::clone(&cells)), cells)
}

pub(in crate::control::oauth) fn secrets() -> LoginSecrets {
    let secret = |text: &str| Zeroizing::new(text.to_owned());
    LoginSecrets {
        state: secret("the-state"),
        verifier: secret("the-verifier-the-verifier-the-verifier-1234"),
        nonce: secret("the-nonce"),
    }
}

/// `claims` as a token that is signed with nothing.
pub(in crate::control::oauth) fn signed(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(&json!({"alg": "RS256"})), part(claims))
}
