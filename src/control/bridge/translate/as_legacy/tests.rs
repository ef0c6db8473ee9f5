#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use tokio::sync::mpsc;

use super::super::testing::{Asked, owner, soon, upstream};
use super::AsLegacy;
use crate::control::bridge::{Connector as _, FromServer, Link};

const DISCOVERED: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true}},"ttlMs":0,"cacheScope":"private"}"#;

/// A client with its link, and the requests that reach the upstream.
struct Rig {
    link: Link,
    asked: mpsc::UnboundedReceiver<Asked>,
}

impl Rig {
    async fn new() -> Self {
        let (upstream, asked) = upstream();
        let connector = AsLegacy::new(Arc::new(upstream));
        let link = connector.connect(owner("b")).await.unwrap();
        Self { link, asked }
    }

    async fn open() -> Self {
        let mut rig = Self::new().await;
        rig.say(r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":{}},"clientInfo":{"name":"c","version":"1"}}}"#).await;
        let discover = rig.asked().await;
        assert!(discover.message.contains("server/discover"));
        assert_eq!(discover.owner, owner("b"));
        discover.answer(DISCOVERED).await;
        let (answer, during) = rig.hear().await;
        assert!(
            answer.contains("\"protocolVersion\":\"2025-11-25\""),
            "{answer}"
        );
        assert_eq!(during.as_deref(), Some("0"));
        rig
    }

    async fn say(&self, message: &str) {
        soon(self.link.to_server.send(message.as_bytes().to_vec()))
            .await
            .unwrap();
    }

    async fn hear(&mut self) -> (String, Option<String>) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        match soon(self.link.from_server.recv()).await.unwrap() {
            FromServer::Message { bytes, during } => {
                (text(&bytes), during.map(|during| text(&during)))
            }
            FromServer::Ended(end) => panic!("{end}"),
        }
    }

    async fn asked(&mut self) -> Asked {
        soon(self.asked.recv()).await.unwrap()
    }
}

fn call(id: u64, name: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{name}"}}}}"#)
}

#[tokio::test]
async fn a_call_goes_through_with_its_notifications_and_input() {
    let mut rig = Rig::open().await;
    rig.say(&call(7, "t")).await;
    let first = rig.asked().await;
    first
        .say(r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info"}}"#)
        .await;
    assert!(rig.hear().await.0.contains("notifications/message"));
    first.answer(r#"{"resultType":"input_required","inputRequests":{"r":{"method":"roots/list"}},"requestState":"s"}"#).await;
    let (question, during) = rig.hear().await;
    assert!(question.contains("roots/list"), "{question}");
    assert_eq!(during.as_deref(), Some("7"));
    rig.say(r#"{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}"#)
        .await;
    let retry = rig.asked().await;
    assert_ne!(retry.id(), first.id());
    assert!(
        retry
            .message
            .contains(r#""inputResponses":{"r":{"roots":[]}},"requestState":"s""#),
        "{}",
        retry.message
    );
    retry
        .answer(r#"{"resultType":"complete","content":[]}"#)
        .await;
    let (answer, _) = rig.hear().await;
    assert_eq!(
        answer,
        r#"{"jsonrpc":"2.0","id":7,"result":{"content":[]}}"#
    );
    // An answered request is let go of.
    soon(first.answers.closed()).await;
    soon(retry.answers.closed()).await;
}

#[tokio::test]
async fn a_cancel_or_the_end_of_the_client_drops_its_requests() {
    let mut rig = Rig::open().await;
    rig.say(&call(1, "t")).await;
    rig.say(&call(2, "t")).await;
    let (one, two) = (rig.asked().await, rig.asked().await);
    rig.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#)
        .await;
    soon(one.answers.closed()).await;
    assert!(!two.answers.is_closed());
    let Rig { link, .. } = rig;
    drop(link);
    soon(two.answers.closed()).await;
}

#[tokio::test]
async fn an_upstream_that_fails_fails_the_request_alone() {
    let mut rig = Rig::open().await;
    rig.say(&call(1, "unreachable")).await;
    let (failed, during) = rig.hear().await;
    assert!(failed.contains("-32603"), "{failed}");
    assert_eq!(during.as_deref(), Some("1"));
    rig.say(&call(2, "t")).await;
    let asked = rig.asked().await;
    drop(asked);
    assert!(rig.hear().await.0.contains("upstream ended early"));
    rig.say(r#"{"jsonrpc":"2.0","id":3,"method":"ping"}"#).await;
    assert!(rig.hear().await.0.contains("\"id\":3"));
}

#[tokio::test]
async fn changes_reach_the_client_outside_of_any_request() {
    let mut rig = Rig::open().await;
    rig.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
        .await;
    let listen = rig.asked().await;
    assert!(listen.message.contains("subscriptions/listen"));
    for method in ["subscriptions/acknowledged", "tools/list_changed"] {
        let tag = r#""_meta":{"io.modelcontextprotocol/subscriptionId":2}"#;
        listen.say(&format!(r#"{{"jsonrpc":"2.0","method":"notifications/{method}","params":{{{tag},"notifications":{{}}}}}}"#)).await;
    }
    let (changed, during) = rig.hear().await;
    assert!(
        changed.contains("list_changed") && !changed.contains("subscriptionId"),
        "{changed}"
    );
    assert_eq!(during, None);
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_its_server_up_and_nothing_grows() {
    let mut rig = Rig::open().await;
    rig.say(&call(1, "t")).await;
    let asked = rig.asked().await;
    let mut said = 0;
    let note = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#;
    let pause = std::time::Duration::from_millis(200);
    while said < 1_000 {
        let sending = asked.answers.send(note.as_bytes().to_vec());
        if tokio::time::timeout(pause, sending).await.is_err() {
            break;
        }
        said += 1;
    }
    assert!((64..300).contains(&said), "{said}");
    // It is answered still when it reads again, in order and whole.
    for _ in 0..said {
        assert_eq!(rig.hear().await.0, note);
    }
    asked.answer("{}").await;
    assert!(rig.hear().await.0.contains("\"result\""));
}
