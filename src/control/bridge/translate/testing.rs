//! Fakes of both interfaces for the tests of the actors: what is connected or asked arrives in the test, which plays the server.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::control::bridge::{
    Answers, Ask, BoxFuture, ConnectError, Connector, FromServer, Link, LinkEnd, ModernUpstream,
};
use crate::engine::session::Owner;

/// Longest that a test waits for what must come.
const WAIT: Duration = Duration::from_secs(5);

/// What `future` comes to, which must be soon.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(WAIT, future)
        .await
        .expect("it comes in time")
}

/// The next message of `answers` as text; `None` at their end.
pub(super) async fn next(answers: &mut Answers) -> Option<String> {
    let message = soon(answers.recv()).await?;
    Some(String::from_utf8(message).unwrap())
}

/// Owner number `digit`.
pub(super) fn owner(digit: &str) -> Owner {
    Owner::from_hex(digit.repeat(32).as_bytes()).unwrap()
}

/// A connector whose links end in the test.
pub(super) struct FakeConnector {
    servers: mpsc::UnboundedSender<FakeServer>,
    /// What the next connections fail with.
    pub(super) failures: Arc<Mutex<Vec<ConnectError>>>,
}

/// The server's end of a link.
pub(super) struct FakeServer {
    pub(super) owner: Owner,
    from_gateway: mpsc::Receiver<Vec<u8>>,
    to_gateway: mpsc::Sender<FromServer>,
}

pub(super) fn connector() -> (FakeConnector, mpsc::UnboundedReceiver<FakeServer>) {
    let (servers, connected) = mpsc::unbounded_channel();
    let failures = Arc::default();
    (FakeConnector { servers, failures }, connected)
}

impl Connector for FakeConnector {
    fn connect(&self, owner: Owner) -> BoxFuture<'_, Result<Link, ConnectError>> {
        let failure = self.failures.lock().unwrap().pop();
        Box::pin(async move {
            if let Some(failure) = failure {
                return Err(failure);
            }
            let (to_server, from_gateway) = mpsc::channel(2);
            let (to_gateway, from_server) = mpsc::channel(2);
            let server = FakeServer {
                owner,
                from_gateway,
                to_gateway,
            };
            self.servers.send(server).unwrap();
            Ok(Link {
                to_server,
                from_server,
            })
        })
    }
}

impl FakeServer {
    /// The next message of the gateway; `None` when the link is dropped.
    pub(super) async fn hear(&mut self) -> Option<String> {
        let message = soon(self.from_gateway.recv()).await?;
        Some(String::from_utf8(message).unwrap())
    }

    pub(super) async fn say(&self, message: &str, during: Option<&str>) {
        let message = FromServer::Message {
            bytes: message.as_bytes().to_vec(),
            during: during.map(|id| id.as_bytes().into()),
        };
        soon(self.to_gateway.send(message)).await.unwrap();
    }

    /// Says `message`; false where the gateway has gone.
    pub(super) async fn try_say(&self, message: &str) -> bool {
        let message = FromServer::Message {
            bytes: message.as_bytes().to_vec(),
            during: None,
        };
        soon(self.to_gateway.send(message)).await.is_ok()
    }

    pub(super) async fn end(&self, end: LinkEnd) {
        soon(self.to_gateway.send(FromServer::Ended(end)))
            .await
            .unwrap();
    }

    /// Answers `initialize`; what it said.
    pub(super) async fn open(&mut self, during: Option<&str>) -> String {
        let initialize = self.hear().await.unwrap();
        let result = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true},"logging":{}},"serverInfo":{"name":"s","version":"1"}}}"#;
        self.say(result, during).await;
        let initialized = self.hear().await.unwrap();
        assert!(
            initialized.contains("notifications/initialized"),
            "{initialized}"
        );
        initialize
    }

    /// Whether the gateway has said nothing more.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.from_gateway.try_recv().is_err()
    }
}

/// An upstream whose requests arrive in the test.
pub(super) struct FakeUpstream {
    asks: mpsc::UnboundedSender<Asked>,
}

/// A request, and where its answers go.
pub(super) struct Asked {
    pub(super) owner: Owner,
    pub(super) message: String,
    pub(super) answers: mpsc::Sender<Vec<u8>>,
}

pub(super) fn upstream() -> (FakeUpstream, mpsc::UnboundedReceiver<Asked>) {
    let (asks, asked) = mpsc::unbounded_channel();
    (FakeUpstream { asks }, asked)
}

impl ModernUpstream for FakeUpstream {
    fn ask(&self, ask: Ask) -> BoxFuture<'_, Result<Answers, ConnectError>> {
        Box::pin(async move {
            let message = String::from_utf8(ask.message).unwrap();
            if message.contains("\"unreachable\"") {
                return Err(ConnectError::BackingOff);
            }
            let (sender, answers) = mpsc::channel(2);
            let asked = Asked {
                owner: ask.owner,
                message,
                answers: sender,
            };
            self.asks.send(asked).unwrap();
            Ok(answers)
        })
    }
}

impl Asked {
    /// The request's id.
    pub(super) fn id(&self) -> String {
        let (_, rest) = self.message.split_once("\"id\":").unwrap();
        rest.split(',').next().unwrap().to_owned()
    }

    pub(super) async fn say(&self, message: &str) {
        soon(self.answers.send(message.as_bytes().to_vec()))
            .await
            .unwrap();
    }

    /// Answers with `result`.
    pub(super) async fn answer(&self, result: &str) {
        let id = self.id();
        self.say(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#
        ))
        .await;
    }
}
