//! A server in memory, for tests: links whose other ends the test holds.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::control::bridge::{
    Answers, Ask, BoxFuture, ConnectError, Connector, FromServer, Link, LinkEnd,
};
use crate::engine::session::Owner;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server's side of a link.
pub(super) struct ServerSide {
    /// Who the link is charged to.
    pub(super) owner: Owner,
    said: mpsc::Sender<FromServer>,
    heard: mpsc::Receiver<Vec<u8>>,
}

impl ServerSide {
    /// The next message that the server gets.
    pub(super) async fn hear(&mut self) -> String {
        let heard = timeout(PATIENCE, self.heard.recv()).await.unwrap();
        String::from_utf8(heard.unwrap()).unwrap()
    }

    /// Whether the gateway has dropped the link.
    pub(super) async fn is_dropped(&mut self) -> bool {
        timeout(PATIENCE, self.heard.recv())
            .await
            .unwrap()
            .is_none()
    }

    /// Says `message`.
    pub(super) async fn say(&self, message: &str) {
        let message = FromServer::Message {
            bytes: message.into(),
            during: None,
        };
        timeout(PATIENCE, self.said.send(message))
            .await
            .unwrap()
            .unwrap();
    }

    /// Takes no more messages.
    pub(super) fn deafen(&mut self) {
        self.heard.close();
        while self.heard.try_recv().is_ok() {}
    }

    /// Ends, and says so.
    pub(super) async fn exit(self) {
        let end = FromServer::Ended(LinkEnd::Exited);
        self.said.send(end).await.unwrap();
    }
}

/// Hands the server's side of each link to the test.
pub(super) struct Connections {
    sides: mpsc::Sender<ServerSide>,
    /// Given instead of links, the last first.
    pub(super) errors: Mutex<Vec<ConnectError>>,
}

impl Connections {
    /// A connector, and where the other sides of its links come out.
    pub(super) fn new() -> (Self, mpsc::Receiver<ServerSide>) {
        let (sides, taken) = mpsc::channel(8);
        let errors = Mutex::default();
        (Self { sides, errors }, taken)
    }
}

impl Connector for Connections {
    fn connect(&self, owner: Owner) -> BoxFuture<'_, Result<Link, ConnectError>> {
        Box::pin(async move {
            if let Some(error) = self.errors.lock().unwrap().pop() {
                return Err(error);
            }
            let (to_server, heard) = mpsc::channel(1);
            let (said, from_server) = mpsc::channel(1);
            let side = ServerSide { owner, said, heard };
            self.sides.send(side).await.unwrap();
            Ok(Link {
                to_server,
                from_server,
            })
        })
    }
}

/// An owner.
pub(super) fn owner(digit: char) -> Owner {
    Owner::from_hex(digit.to_string().repeat(32).as_bytes()).unwrap()
}

/// A request of `owner('a')` without fields.
pub(super) fn ask(message: &str) -> Ask {
    Ask {
        owner: owner('a'),
        message: message.into(),
        fields: Vec::new(),
    }
}

/// A call of the tool `t` whose arguments hold `nonce`.
pub(super) fn call(id: &str, nonce: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"t","arguments":{{"nonce":"{nonce}"}},"_meta":{{"progressToken":{id},"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    )
}

/// The next message of an answer; `None` at its end.
pub(super) async fn next(answers: &mut Answers) -> Option<String> {
    let message = timeout(PATIENCE, answers.recv()).await.unwrap();
    message.map(|message| String::from_utf8(message).unwrap())
}

/// The integer id of a message that the server got.
pub(super) fn number(heard: &str) -> u64 {
    serde_json::from_str::<serde_json::Value>(heard).unwrap()["id"]
        .as_u64()
        .unwrap()
}
