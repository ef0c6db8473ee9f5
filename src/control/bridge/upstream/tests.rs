#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod eras;
mod hostile;
mod http;
mod modern;
mod params;
mod sse;

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::HttpServer;
use crate::control::bridge::{FromServer, Link, LinkEnd};
use crate::control::http::{Bounds, Handler, Request, Response, serve};
use crate::engine::limits::Limits;
use crate::engine::session::Owner;
use crate::engine::snapshot::{InjectedHeader, ServerParts, Speech, Upstream, UpstreamAddress};
use crate::mailbox::{Resolved, ServerState};

/// Longest that a test waits for one thing.
const PATIENCE: Duration = Duration::from_secs(10);

fn owner() -> Owner {
    Owner::from_hex(&[b'a'; 32]).unwrap()
}

/// The server at `port`, its parts and limits changed by `change`.
fn server_with(port: u16, change: impl FnOnce(&mut ServerParts, &mut Limits)) -> Arc<HttpServer> {
    let address = UpstreamAddress::Http {
        host: "127.0.0.1".into(),
        port,
        is_secure: false,
    };
    let upstream = Upstream {
        address: address.clone(),
        target: "/mcp".into(),
        host_header: format!("127.0.0.1:{port}").into(),
        speech: Speech::DEFAULT,
    };
    let (mut parts, mut limits) = (ServerParts::new("up", upstream), Limits::DEFAULT);
    parts.connect_timeout_ms = 1_000;
    parts.timeout_ms = 5_000;
    parts.inject_headers = vec![InjectedHeader {
        name: "Authorization".into(),
        value: b"Bearer own".to_vec().into(),
    }];
    change(&mut parts, &mut limits);
    let state = ServerState::new("up", address, 1);
    let resolved = Resolved([format!("127.0.0.1:{port}").parse().unwrap()].into());
    state.resolved.store(Arc::new(resolved));
    Arc::new(HttpServer::new(&parts, Arc::new(state), &limits).unwrap())
}

fn server(port: u16) -> Arc<HttpServer> {
    server_with(port, |_, _| {})
}

/// A port that nobody listens on.
async fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

/// A server whose answers a function gives.
struct Answering<F>(F);

impl<F, A> Handler for Answering<F>
where
    F: Fn(Heard) -> A + Send + Sync + 'static,
    A: Future<Output = Response> + Send,
{
    async fn handle(&self, request: Request) -> Response {
        (self.0)(Heard::of(&request)).await
    }
}

/// What a server heard.
#[derive(Clone, Debug)]
struct Heard {
    method: String,
    head: String,
    body: String,
}

impl Heard {
    fn of(request: &Request) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            method: text(request.method_name()),
            head: text(request.head_bytes()),
            body: text(&request.body),
        }
    }

    /// The value of the only field `name`.
    fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.head.lines().filter_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        });
        let value = values.next();
        assert_eq!(values.next(), None, "{name} is repeated");
        value
    }

    fn rpc_method(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["method"].as_str().unwrap_or_default().to_owned()
    }
}

/// Everything that a server heard, in order.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<Heard>>>);

impl Log {
    fn note(&self, heard: &Heard) {
        self.0.lock().unwrap().push(heard.clone());
    }

    fn all(&self) -> Vec<Heard> {
        self.0.lock().unwrap().clone()
    }

    /// Waits until `is_heard` holds for what was heard.
    async fn until(&self, is_heard: impl Fn(&[Heard]) -> bool) {
        let waiting = async {
            while !is_heard(&self.all()) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let waited = timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "{:#?}", self.all());
    }
}

async fn start<F, A>(answers: F) -> u16
where
    F: Fn(Heard) -> A + Send + Sync + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let bounds = Bounds {
        connections_max: 512,
        ..Bounds::default()
    };
    tokio::spawn(serve(listener, bounds, Arc::new(Answering(answers))));
    port
}

/// A server that answers each connection's first bytes with `answer` and then holds on to it.
async fn start_raw(answer: impl Into<Vec<u8>>) -> u16 {
    let answer: Arc<[u8]> = answer.into().into();
    start_scripted(move |mut stream| {
        let answer = Arc::clone(&answer);
        async move {
            let mut space = [0; 4096];
            let _ = stream.read(&mut space).await;
            let _ = stream.write_all(&answer).await;
            // Until the other side closes.
            while stream.read(&mut space).await.is_ok_and(|bytes| bytes > 0) {}
        }
    })
    .await
}

/// A server that gives each connection to `script`.
async fn start_scripted<F, A>(script: F) -> u16
where
    F: Fn(TcpStream) -> A + Send + Sync + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(script(stream));
        }
    });
    port
}

/// An event stream of `events`, which stays open where `holds`.
fn stream(events: &[&str], holds: bool) -> Response {
    let (sender, receiver) = mpsc::channel(events.len() + 1);
    for event in events {
        sender.try_send(event.as_bytes().to_vec()).unwrap();
    }
    if holds {
        tokio::spawn(async move { sender.closed().await });
    }
    Response::events(receiver)
}

async fn say(link: &Link, message: &str) {
    let sending = link.to_server.send(message.as_bytes().to_vec());
    timeout(PATIENCE, sending).await.unwrap().unwrap();
}

/// The next message and during which request it came.
async fn hear(link: &mut Link) -> (String, Option<String>) {
    match timeout(PATIENCE, link.from_server.recv()).await {
        Ok(Some(FromServer::Message { bytes, during })) => (
            String::from_utf8(bytes).unwrap(),
            during.map(|id| String::from_utf8(id.to_vec()).unwrap()),
        ),
        other => panic!("{other:?}"),
    }
}

async fn ended(link: &mut Link) -> LinkEnd {
    match timeout(PATIENCE, link.from_server.recv()).await {
        Ok(Some(FromServer::Ended(end))) => end,
        other => panic!("{other:?}"),
    }
}

/// The code of a JSON-RPC error.
fn code(message: &str) -> i64 {
    let message: serde_json::Value = serde_json::from_str(message).unwrap();
    message["error"]["code"].as_i64().unwrap_or_default()
}

/// `initialize` with the id 0.
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;

const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// A request for a tool with the raw id `id`.
fn call(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"x"}}}}"#)
}

/// A result for the raw id `id`.
fn result(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"n":1.0}}}}"#)
}
