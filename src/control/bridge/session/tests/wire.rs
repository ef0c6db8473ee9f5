//! Fronts over HTTP, as a worker speaks it.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{INITIALIZE, Play, SessionFront, SseFront, call, owner, result, soon};
use crate::control::http::{Bounds, Handler, Request, Response, serve};
use crate::mailbox::bridge::{DELIVER_FIELD, FRONT_FIELD};

/// Both fronts behind one address, told apart as control does.
struct Bridge(Arc<SessionFront>, Arc<SseFront>);

impl Handler for Bridge {
    async fn handle(&self, request: Request) -> Response {
        match request.header(FRONT_FIELD) {
            Some(b"sse") => self.1.handle(owner('a'), request).await,
            _ => self.0.handle(owner('a'), request).await,
        }
    }
}

struct Connection(TcpStream);

impl Connection {
    async fn send(&mut self, method: &str, fields: &[(&str, &str)], body: &str) {
        let mut request = format!("{method} / HTTP/1.1\r\nHost: bridge\r\n");
        for (name, value) in fields {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        soon(self.0.write_all(request.as_bytes())).await.unwrap();
    }

    /// Reads until `end` has come; returns all that came.
    async fn read_until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.contains(end) {
            let mut buffer = [0; 4_096];
            let length = soon(self.0.read(&mut buffer)).await.unwrap();
            assert!(length > 0, "closed after {text}");
            text.push_str(str::from_utf8(&buffer[..length]).unwrap());
        }
        text
    }
}

/// Serves the fronts of `play`.
async fn serving(play: &Play) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bridge = Bridge(Arc::clone(&play.front), Arc::clone(&play.sse));
    tokio::spawn(serve(listener, Bounds::default(), Arc::new(bridge)));
    address
}

async fn connect(address: SocketAddr) -> Connection {
    Connection(TcpStream::connect(address).await.unwrap())
}

fn session_of(head: &str) -> String {
    let field = head
        .lines()
        .find_map(|line| line.strip_prefix("Mcp-Session-Id: "));
    field.unwrap().to_owned()
}

#[tokio::test]
async fn a_session_is_opened_streamed_resumed_and_ended() {
    let mut play = Play::new();
    let address = serving(&play).await;
    let mut posts = connect(address).await;
    posts.send("POST", &[], INITIALIZE).await;
    let mut server = play.server().await;
    server.hear().await.unwrap();
    let accepted = r#"{"jsonrpc":"2.0","id":"i","result":{"protocolVersion":"2025-11-25"}}"#;
    server.say(accepted).await;
    let session = session_of(&posts.read_until(accepted).await);
    let id = ("Mcp-Session-Id", session.as_str());
    posts.send("POST", &[id], &call("1")).await;
    server.hear().await.unwrap();
    server.say_during(&call("\"q\""), Some("1")).await;
    let begun = posts.read_until("id: 2-1\n").await;
    assert!(begun.contains("Content-Type: text/event-stream"), "{begun}");
    drop(posts);
    server.say(&result("1")).await;
    let mut resumed = connect(address).await;
    resumed
        .send("GET", &[id, ("Last-Event-ID", "2-1")], "")
        .await;
    let rest = resumed.read_until("\r\n0\r\n\r\n").await;
    assert!(rest.contains(&result("1")), "{rest}");
    resumed.send("DELETE", &[id], "").await;
    assert!(
        resumed
            .read_until("\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert_eq!(server.hear().await, None);
}

#[tokio::test]
async fn a_stream_of_2024_names_its_session_takes_deliveries_and_ends_when_it_is_closed() {
    let mut play = Play::new();
    let address = serving(&play).await;
    let (mut stream, mut posts) = (connect(address).await, connect(address).await);
    let sse = (FRONT_FIELD, "sse");
    stream.send("GET", &[sse], "").await;
    let session = session_of(&stream.read_until("\r\n\r\n").await);
    let id = ("Mcp-Session-Id", session.as_str());
    let mut server = play.server().await;
    posts.send("POST", &[sse, id], &call("1")).await;
    assert!(
        posts
            .read_until("\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 202")
    );
    assert_eq!(server.hear().await.unwrap(), call("1"));
    posts
        .send("POST", &[sse, id, (DELIVER_FIELD, "1")], &result("7"))
        .await;
    stream
        .read_until(&format!("event: message\ndata: {}\n\n", result("7")))
        .await;
    drop(stream);
    assert_eq!(server.hear().await, None);
    assert_eq!(play.rooms.counts.held.value(), 0);
}
