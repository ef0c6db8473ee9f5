//! Fronts over servers that live in channels.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod room;
mod sessions;
mod sse;
mod streams;
mod wire;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::inbound::Inbound;
use super::{FrontSettings, SessionFront, SessionRooms, SseFront};
use crate::control::bridge::link::LINK_MESSAGES_MAX;
use crate::control::bridge::{BoxFuture, ConnectError, Connector, FromServer, Link, LinkEnd};
use crate::control::http::{Body, Response};
use crate::engine::limits::Limits;
use crate::engine::session::Owner;

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(10);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("in time")
}

fn owner(digit: char) -> Owner {
    Owner::from_hex(digit.to_string().repeat(32).as_bytes()).unwrap()
}

/// The server's end of a link.
struct Server {
    heard: mpsc::Receiver<Vec<u8>>,
    says: mpsc::Sender<FromServer>,
}

impl Server {
    /// The next message of the client; `None` once the link was dropped.
    async fn hear(&mut self) -> Option<String> {
        let message = soon(self.heard.recv()).await?;
        Some(String::from_utf8(message).unwrap())
    }

    async fn say(&self, message: &str) {
        self.say_during(message, None).await;
    }

    async fn say_during(&self, message: &str, during: Option<&str>) {
        let message = FromServer::Message {
            bytes: message.as_bytes().to_vec(),
            during: during.map(|id| id.as_bytes().into()),
        };
        soon(self.says.send(message)).await.unwrap();
    }

    async fn end(&self, end: LinkEnd) {
        soon(self.says.send(FromServer::Ended(end))).await.unwrap();
    }
}

/// Connects to servers that tests play.
struct Stage {
    servers: mpsc::UnboundedSender<Server>,
    /// What the next attempts come to, before they succeed.
    failures: Mutex<Vec<ConnectError>>,
}

impl Connector for Stage {
    fn connect(&self, _owner: Owner) -> BoxFuture<'_, Result<Link, ConnectError>> {
        Box::pin(async {
            if let Some(error) = self.failures.lock().unwrap().pop() {
                return Err(error);
            }
            let (to_server, heard) = mpsc::channel(LINK_MESSAGES_MAX);
            let (says, from_server) = mpsc::channel(LINK_MESSAGES_MAX);
            self.servers.send(Server { heard, says }).unwrap();
            Ok(Link {
                to_server,
                from_server,
            })
        })
    }
}

/// A front with its servers as they are connected.
struct Play {
    front: Arc<SessionFront>,
    sse: Arc<SseFront>,
    stage: Arc<Stage>,
    servers: mpsc::UnboundedReceiver<Server>,
    rooms: Arc<SessionRooms>,
}

impl Play {
    fn new() -> Self {
        Self::with(&Limits::DEFAULT)
    }

    fn with(limits: &Limits) -> Self {
        let (sender, servers) = mpsc::unbounded_channel();
        let stage = Arc::new(Stage {
            servers: sender,
            failures: Mutex::default(),
        });
        let rooms = SessionRooms::new(
            limits.sessions,
            limits.sessions_per_principal,
            Arc::default(),
        );
        let settings = FrontSettings::new("s", limits);
        let connector = || Arc::clone(&stage) as Arc<dyn Connector>;
        Self {
            front: Arc::new(SessionFront::new(
                connector(),
                Arc::clone(&rooms),
                settings.clone(),
            )),
            sse: Arc::new(SseFront::new(connector(), Arc::clone(&rooms), settings)),
            stage,
            servers,
            rooms,
        }
    }

    async fn server(&mut self) -> Server {
        soon(self.servers.recv()).await.unwrap()
    }

    async fn send(&self, digit: char, inbound: Inbound) -> Response {
        soon(self.front.answer(owner(digit), inbound)).await
    }

    /// Sends without waiting for the answer.
    fn begin(&self, inbound: Inbound) -> tokio::task::JoinHandle<Response> {
        let front = Arc::clone(&self.front);
        tokio::spawn(async move { front.answer(owner('a'), inbound).await })
    }

    /// An open session of owner `a` at `revision`: its id and its server.
    async fn open_at(&mut self, revision: &str) -> (String, Server) {
        let answer = self.begin(post(None, INITIALIZE));
        let mut server = self.server().await;
        assert_eq!(server.hear().await.unwrap(), INITIALIZE);
        server
            .say(&format!(
                r#"{{"jsonrpc":"2.0","id":"i","result":{{"protocolVersion":"{revision}"}}}}"#
            ))
            .await;
        let response = soon(answer).await.unwrap();
        assert_eq!(response.status, 200);
        (session_id(&response).unwrap(), server)
    }

    async fn open(&mut self) -> (String, Server) {
        self.open_at("2025-11-25").await
    }
}

const INITIALIZE: &str =
    r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#;

fn inbound(method: &str, session: Option<&str>) -> Inbound {
    Inbound {
        method: method.as_bytes().to_vec(),
        session: session.map(|id| id.as_bytes().to_vec()),
        ..Inbound::default()
    }
}

fn post(session: Option<&str>, body: &str) -> Inbound {
    Inbound {
        body: body.as_bytes().to_vec(),
        ..inbound("POST", session)
    }
}

fn get(session: &str, last_event_id: Option<&str>) -> Inbound {
    Inbound {
        last_event_id: last_event_id.map(|id| id.as_bytes().into()),
        ..inbound("GET", Some(session))
    }
}

fn call(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"t"}}}}"#)
}

fn result(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)
}

fn notice(word: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{{"w":"{word}"}}}}"#
    )
}

fn session_id(response: &Response) -> Option<String> {
    let mut fields = response.fields.iter();
    let field = fields.find(|(name, _)| *name == "Mcp-Session-Id")?;
    Some(field.1.clone())
}

fn text(response: Response) -> String {
    match response.body {
        Body::Full(body) => String::from_utf8(body).unwrap(),
        Body::Stream(_) => panic!("an event stream"),
    }
}

/// An event stream as its client reads it.
struct Reading {
    pieces: mpsc::Receiver<Vec<u8>>,
    text: String,
}

impl Reading {
    fn of(response: Response) -> Self {
        assert_eq!(response.status, 200);
        match response.body {
            Body::Stream(pieces) => Self {
                pieces,
                text: String::new(),
            },
            Body::Full(body) => panic!("{}", String::from_utf8_lossy(&body)),
        }
    }

    /// The next event that is a message; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                let data = data.map(str::to_owned);
                self.text = rest.to_owned();
                if data.is_some() {
                    return data;
                }
                continue;
            }
            let piece = soon(self.pieces.recv()).await?;
            self.text.push_str(&String::from_utf8(piece).unwrap());
        }
    }
}
