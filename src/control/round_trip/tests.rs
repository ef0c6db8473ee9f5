#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::{Failed, Found, round_trip};
use crate::config::compile;
use crate::control::http::{Bounds, Handler, Request, Response, serve};
use crate::control::testing::{load, servers, text};
use crate::demo::DemoServer;
use crate::engine::snapshot::Snapshot;

const PATIENCE: Duration = Duration::from_secs(10);

fn snapshot(port: u16, keys: &str) -> Snapshot {
    compile(&load(&text("", &servers(&[("a", port, keys)]))), 3000, 1).unwrap()
}

async fn check(port: u16, keys: &str) -> Result<Found, Failed> {
    round_trip(&snapshot(port, keys).servers()[0], None, PATIENCE).await
}

async fn start(handler: impl Handler) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(serve(listener, Bounds::default(), Arc::new(handler)));
    port
}

/// A server of older revisions that wants a token, answers by events and has two pages of tools.
struct Older;

impl Handler for Older {
    async fn handle(&self, request: Request) -> Response {
        if request.header("authorization") != Some(b"Bearer t0ken") {
            return Response::empty(401);
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let result = match (body["method"].as_str(), body["params"]["cursor"].as_str()) {
            (Some("initialize"), _) => {
                json!({ "protocolVersion": "2025-06-18", "capabilities": { "tools": {} }, "serverInfo": { "name": "older", "version": "7" } })
            }
            (Some("tools/list"), None) => json!({ "tools": [{}, {}], "nextCursor": "" }),
            (Some("tools/list"), Some("")) => json!({ "tools": [{}] }),
            (Some("notifications/initialized"), _) => return Response::empty(202),
            _ => return Response::error(400, "what?"),
        };
        let (sender, events) = mpsc::channel(4);
        let answer = json!({ "jsonrpc": "2.0", "id": body["id"], "result": result }).to_string();
        let (head, tail) = answer.split_at(10);
        for piece in [
            ": hello\r\n\r\n",
            "data: {\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n\ndata: ",
            head,
            &format!("{tail}\n\n"),
        ] {
            sender.send(piece.as_bytes().to_vec()).await.unwrap();
        }
        tokio::spawn(async move { sender.closed().await });
        Response::events(events)
    }
}

/// Answers everything with one body.
struct Always(u16, &'static str);

impl Handler for Always {
    async fn handle(&self, _: Request) -> Response {
        Response::json(self.0, self.1)
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_server_of_both_eras_names_both() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(
        listener,
        Bounds::default(),
        Arc::new(DemoServer::new(address)),
    ));
    let found = check(address.port(), "").await.unwrap();
    assert_eq!(found.revisions, ["2026-07-28", "2025-11-25"]);
    assert_eq!(found.tools, 4);
    assert!(
        found.server.starts_with("mcp-guard-demo "),
        "{}",
        found.server
    );
}

#[tokio::test(flavor = "current_thread")]
async fn an_older_server_is_asked_its_way_over_all_pages() {
    let port = start(Older).await;
    let found = check(port, "bearer_token = \"t0ken\"").await.unwrap();
    assert_eq!((found.server.as_str(), found.tools), ("older 7", 3));
    assert_eq!(found.revisions, ["2025-06-18"]);
    assert!(matches!(
        check(port, "").await,
        Err(Failed::Credentials(401))
    ));
}

#[tokio::test(flavor = "current_thread")]
async fn each_failure_has_its_name() {
    let not_json = start(Always(200, "<html>")).await;
    assert!(matches!(check(not_json, "").await, Err(Failed::NotMcp(_))));
    let missing = start(Always(404, "not found")).await;
    assert!(matches!(check(missing, "").await, Err(Failed::Status(404))));
    let error = start(Always(
        200,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"broken"}}"#,
    ))
    .await;
    assert!(matches!(
        check(error, "").await,
        Err(Failed::Rpc(-32603, _))
    ));
    let other = start(Always(200, r#"{"jsonrpc":"2.0","id":9,"result":{}}"#)).await;
    assert!(matches!(check(other, "").await, Err(Failed::NotMcp(_))));
    let gone = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    assert!(matches!(check(gone, "").await, Err(Failed::Http(_))));
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let snapshot = snapshot(silent.local_addr().unwrap().port(), "");
    let outcome = round_trip(&snapshot.servers()[0], None, Duration::from_millis(50)).await;
    assert!(matches!(outcome, Err(Failed::Timeout(_))));
}
