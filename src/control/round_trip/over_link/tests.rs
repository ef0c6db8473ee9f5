#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::*;
use crate::control::bridge::child_testing::{shell, stdio_server};
use crate::control::bridge::{BoxFuture, ConnectError};
use crate::engine::snapshot::{ServerParts, Speech, Upstream};

/// A server that is asked over links: which eras it answers, and whether it answers what it does not know.
struct Scripted {
    eras: Eras,
    is_silent: bool,
    links: AtomicUsize,
}

impl Scripted {
    fn new(eras: Eras, is_silent: bool) -> Self {
        Self {
            eras,
            is_silent,
            links: AtomicUsize::new(0),
        }
    }

    /// What the server says to `message`, in order.
    fn answers(&self, message: &Value) -> Vec<Value> {
        let id = &message["id"];
        let result = |result: Value| json!({ "jsonrpc": "2.0", "id": id, "result": result });
        let is_modern = !message["params"]["_meta"].is_null();
        let knows = match self.eras {
            Eras::Both => true,
            Eras::Modern => is_modern,
            Eras::Legacy => !is_modern,
        };
        let info = json!({ "name": "scripted", "version": "1" });
        match message["method"].as_str() {
            // An answer to the question below: without it the server says no more.
            None if message["error"]["code"] == -32601 => {
                vec![json!({ "jsonrpc": "2.0", "id": 2, "result": { "tools": [{}, {}] } })]
            }
            None | Some("notifications/initialized") => vec![],
            Some(_) if !knows && self.is_silent => vec![],
            Some(_) if !knows => {
                let error = json!({ "code": -32601, "message": "method not found" });
                vec![json!({ "jsonrpc": "2.0", "id": id, "error": error })]
            }
            Some("initialize") => vec![
                json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": {} }),
                json!({ "jsonrpc": "2.0", "id": 99, "result": {} }),
                result(
                    json!({ "protocolVersion": "2025-06-18", "capabilities": { "tools": {} }, "serverInfo": info }),
                ),
            ],
            Some("server/discover") => vec![result(
                json!({ "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {} }, "_meta": { "io.modelcontextprotocol/serverInfo": info } }),
            )],
            Some("tools/list") if is_modern => vec![result(json!({ "tools": [{}, {}] }))],
            Some("tools/list") => {
                vec![json!({ "jsonrpc": "2.0", "id": "q", "method": "roots/list" })]
            }
            Some(_) => vec![],
        }
    }
}

impl Connector for Arc<Scripted> {
    fn connect(&self, owner: Owner) -> BoxFuture<'_, Result<Link, ConnectError>> {
        assert_eq!(owner, Owner::gateway());
        self.links.fetch_add(1, Ordering::Relaxed);
        let (to_server, mut asked) = mpsc::channel::<Vec<u8>>(4);
        let (say, from_server) = mpsc::channel(4);
        let server = Arc::clone(self);
        tokio::spawn(async move {
            while let Some(line) = asked.recv().await {
                assert!(!line.contains(&b'\n'));
                for answer in server.answers(&serde_json::from_slice(&line).unwrap()) {
                    let bytes = answer.to_string().into_bytes();
                    let message = FromServer::Message {
                        bytes,
                        during: None,
                    };
                    if say.send(message).await.is_err() {
                        return;
                    }
                }
            }
        });
        Box::pin(async move {
            Ok(Link {
                to_server,
                from_server,
            })
        })
    }
}

/// Long for answers that are at hand.
const SILENCE: Duration = Duration::from_millis(100);

const LEGACY: &str = "2025-06-18";
const MODERN: &str = "2026-07-28";

#[tokio::test(flavor = "current_thread")]
async fn a_server_is_asked_in_the_eras_that_it_may_speak() {
    for (speaks, is_silent, said, revisions, links) in [
        (Eras::Both, false, None, &[MODERN, LEGACY][..], 2),
        (Eras::Both, false, Some(Eras::Legacy), &[LEGACY], 1),
        (Eras::Both, false, Some(Eras::Modern), &[MODERN], 1),
        (Eras::Legacy, false, None, &[LEGACY], 2),
        (Eras::Legacy, true, None, &[LEGACY], 2),
        (Eras::Legacy, true, Some(Eras::Legacy), &[LEGACY], 1),
        (Eras::Modern, false, None, &[MODERN], 2),
    ] {
        let server = Arc::new(Scripted::new(speaks, is_silent));
        let asked = both(&server, said, SILENCE);
        let found = timeout(Duration::from_secs(10), asked)
            .await
            .unwrap()
            .unwrap();
        let shown = format!("{speaks:?} {is_silent} {said:?}");
        assert_eq!(found.revisions, revisions, "{shown}");
        assert_eq!((found.tools, &*found.server), (2, "scripted 1"), "{shown}");
        assert_eq!(server.links.load(Ordering::Relaxed), links, "{shown}");
    }
}

/// Has no link, or one that ends at once.
struct Broken(Option<ConnectError>);

impl Connector for Broken {
    fn connect(&self, _: Owner) -> BoxFuture<'_, Result<Link, ConnectError>> {
        let (to_server, _) = mpsc::channel(1);
        let (say, from_server) = mpsc::channel(1);
        say.try_send(FromServer::Ended(LinkEnd::Exited)).unwrap();
        let link = Link {
            to_server,
            from_server,
        };
        let outcome = self.0.clone().map_or(Ok(link), Err);
        Box::pin(async move { outcome })
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_keeps_a_server_from_being_asked_is_said() {
    let ended = both(&Broken(None), None, SILENCE).await;
    assert!(matches!(ended, Err(Failed::Exited)));
    let none = both(&Broken(Some(ConnectError::BackingOff)), None, SILENCE).await;
    assert!(matches!(none, Err(Failed::NoLink(_))));
    let wrong = Arc::new(Scripted::new(Eras::Modern, false));
    let refused = both(&wrong, Some(Eras::Legacy), SILENCE).await;
    assert!(matches!(refused, Err(Failed::Rpc(-32601, _))));
}

/// The outcome of a check of the child `command`.
async fn check_child(command: &ChildCommand, patience: Duration) -> Result<Found, Failed> {
    let server = Server::alone(ServerParts::new(
        "child",
        Upstream {
            address: UpstreamAddress::Child(Arc::new(command.clone())),
            target: "/".into(),
            host_header: "localhost".into(),
            speech: Speech::DEFAULT,
        },
    ));
    child(&server, command, patience).await
}

#[tokio::test(flavor = "current_thread")]
async fn a_child_is_started_asked_and_gone() {
    let patience = Duration::from_secs(20);
    // One child at most is no hindrance: the check starts two, one after the other.
    let both_eras = ChildCommand {
        max_children: 1,
        ..stdio_server(&["--era", "both"])
    };
    let found = check_child(&both_eras, patience).await.unwrap();
    assert_eq!(found.revisions, [MODERN, "2025-11-25"]);
    assert!(found.tools > 0);
    let absent = ChildCommand {
        command: "no-such-program-of-mcp-guard".into(),
        ..both_eras
    };
    let failed = check_child(&absent, patience).await.unwrap_err();
    assert!(failed.to_string().contains("is not found"), "{failed}");
    let ends = check_child(&shell("exit 3"), patience).await;
    assert!(matches!(ends, Err(Failed::Exited)));
    let silent = check_child(&shell("cat >/dev/null"), Duration::from_millis(200)).await;
    assert!(matches!(silent, Err(Failed::Timeout(_))));
}
