//! Servers of 2024-11-05.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;

use super::super::SseConnector;
use super::{
    Heard, INITIALIZE, INITIALIZED, Log, PATIENCE, call, code, ended, hear, owner, result, say,
    server, server_with, start, stream,
};
use crate::control::bridge::{ConnectError, Connector as _, Link, LinkEnd};
use crate::control::http::Response;

type Stream = mpsc::Sender<Vec<u8>>;

/// A server whose stream the test writes, that answers POSTs with `status` after it noted them.
struct Older {
    port: u16,
    log: Log,
    streams: Arc<Mutex<Vec<Stream>>>,
}

impl Older {
    async fn start(endpoint: &'static str, status: u16) -> Self {
        let (log, streams) = (Log::default(), Arc::<Mutex<Vec<Stream>>>::default());
        let (noting, opened) = (log.clone(), Arc::clone(&streams));
        let port = start(move |heard: Heard| {
            noting.note(&heard);
            let opened = Arc::clone(&opened);
            async move {
                if heard.method == "POST" {
                    return Response::new(status, "text/plain", "Accepted");
                }
                let (sender, events) = mpsc::channel(32);
                let first = format!("event: endpoint\ndata: {endpoint}\n\n");
                sender.send(first.into_bytes()).await.unwrap();
                opened.lock().unwrap().push(sender);
                Response::events(events)
            }
        })
        .await;
        Self { port, log, streams }
    }

    fn stream(&self) -> Stream {
        self.streams.lock().unwrap()[0].clone()
    }

    async fn send(&self, text: &str) {
        self.stream().send(text.as_bytes().to_vec()).await.unwrap();
    }

    /// Ends every stream.
    fn hang_up(&self) {
        self.streams.lock().unwrap().clear();
    }

    async fn connect(&self) -> Link {
        SseConnector::new(server(self.port))
            .connect(owner())
            .await
            .unwrap()
    }
}

#[tokio::test(flavor = "current_thread")]
async fn messages_go_to_the_endpoint_and_come_by_the_stream() {
    let older = Older::start("/messages/?session_id=1", 202).await;
    let mut link = older.connect().await;
    for message in [INITIALIZE, INITIALIZED, &call("\"\\u0061\"")] {
        say(&link, message).await;
    }
    older.log.until(|heard| heard.len() == 4).await;
    let heard = older.log.all();
    assert!(heard[0].head.starts_with("GET /mcp HTTP/1.1\r\n"));
    assert_eq!(heard[0].field("accept"), Some("text/event-stream"));
    let bodies: Vec<_> = heard[1..].iter().map(|heard| heard.body.as_str()).collect();
    assert_eq!(
        bodies,
        [INITIALIZE, INITIALIZED, &call("\"\\u0061\"")],
        "in order, as they were"
    );
    for heard in &heard {
        assert_eq!(heard.field("authorization"), Some("Bearer own"));
    }
    for heard in &heard[1..] {
        assert!(
            heard
                .head
                .starts_with("POST /messages/?session_id=1 HTTP/1.1\r\n")
        );
        assert_eq!(heard.field("content-type"), Some("application/json"));
    }
    older.send(": hello\n\n").await;
    older
        .send("event: message\r\ndata: {\"jsonrpc\":\"2.0\",\r\ndata: \"method\":\"x\"}\r\n\r\n")
        .await;
    older
        .send("event: ping\ndata: {}\n\ndata: nonsense\n\n")
        .await;
    older.send(&format!("data: {}\n\n", result("7"))).await;
    let notification = r#"{"jsonrpc":"2.0", "method":"x"}"#.to_owned();
    assert_eq!(hear(&mut link).await, (notification, None));
    assert_eq!(hear(&mut link).await, (result("7"), None));
}

#[tokio::test(flavor = "current_thread")]
async fn the_stream_ends_with_the_link_and_the_link_with_the_stream() {
    let older = Older::start("/m", 202).await;
    let link = older.connect().await;
    let stream = older.stream();
    drop(link);
    tokio::time::timeout(PATIENCE, stream.closed())
        .await
        .unwrap();
    let older = Older::start("/m", 202).await;
    let mut link = older.connect().await;
    older.hang_up();
    assert_eq!(ended(&mut link).await, LinkEnd::Broke);
    assert!(link.from_server.recv().await.is_none());
    let older = Older::start("/m", 202).await;
    let Link {
        to_server,
        from_server,
    } = older.connect().await;
    let stream = older.stream();
    drop(to_server);
    tokio::time::timeout(PATIENCE, stream.closed())
        .await
        .unwrap();
    drop(from_server);
}

#[tokio::test(flavor = "current_thread")]
async fn a_refused_message_is_answered_or_ends_the_session() {
    for (status, expected) in [
        (400, Ok(-32603)),
        (401, Ok(-32603)),
        (307, Ok(-32603)),
        (500, Ok(-32603)),
        (404, Err(LinkEnd::SessionLost)),
        (410, Err(LinkEnd::SessionLost)),
    ] {
        let older = Older::start("/m", status).await;
        let mut link = older.connect().await;
        say(&link, &call("\"a\"")).await;
        match expected {
            Ok(expected) => {
                let (message, during) = hear(&mut link).await;
                assert_eq!(
                    (code(&message), during.as_deref()),
                    (expected, Some("\"a\"")),
                    "{status}"
                );
                assert!(message.contains("\"id\":\"a\""), "{message}");
            }
            Err(expected) => assert_eq!(ended(&mut link).await, expected, "{status}"),
        }
    }
    let older = Older::start("/m", 500).await;
    let mut link = older.connect().await;
    say(&link, INITIALIZED).await;
    say(&link, &call("1")).await;
    let (_, during) = hear(&mut link).await;
    assert_eq!(
        during.as_deref(),
        Some("1"),
        "a refused notification has no answer"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn an_endpoint_elsewhere_gets_nothing() {
    let elsewhere = Older::start("/m", 202).await;
    let foreign: &'static str = format!("http://127.0.0.1:{}/m", elsewhere.port).leak();
    for endpoint in [
        foreign,
        "//127.0.0.1/m",
        "https://127.0.0.1/m",
        "/m#x",
        "http://x@127.0.0.1/m",
        "",
    ] {
        let older = Older::start(endpoint, 202).await;
        let refused = SseConnector::new(server(older.port)).connect(owner()).await;
        assert!(
            matches!(refused, Err(ConnectError::Unreachable(_))),
            "{endpoint}"
        );
        assert_eq!(older.log.all().len(), 1, "{endpoint}");
    }
    assert!(elsewhere.log.all().is_empty());
}

#[tokio::test(flavor = "current_thread")]
async fn an_absolute_endpoint_of_the_same_origin_is_taken() {
    let log = Log::default();
    let noting = log.clone();
    let port = start(move |heard: Heard| {
        noting.note(&heard);
        let host = heard.field("host").unwrap().to_owned();
        async move {
            match heard.method.as_str() {
                "POST" => Response::empty(202),
                _ => stream(
                    &[&format!("event: endpoint\ndata: http://{host}/m?s=1\n\n")],
                    true,
                ),
            }
        }
    })
    .await;
    let link = SseConnector::new(server(port))
        .connect(owner())
        .await
        .unwrap();
    say(&link, INITIALIZED).await;
    log.until(|heard| heard.len() == 2).await;
    assert!(log.all()[1].head.starts_with("POST /m?s=1 "));
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_no_such_server_is_unreachable() {
    for (what, answer) in [
        ("405", Response::empty(405)),
        (
            "redirect",
            Response::empty(307).with("Location", "/elsewhere"),
        ),
        ("json", Response::json(200, "{}")),
        ("ends", stream(&[": hello\n\n"], false)),
        (
            "encoded",
            stream(&[], true).with("Content-Encoding", "gzip"),
        ),
        (
            "large",
            stream(&[&format!("data: {}", "x".repeat(200))], true),
        ),
    ] {
        let answer = Mutex::new(Some(answer));
        let port = start(move |_| {
            let answer = answer.lock().unwrap().take().unwrap();
            async move { answer }
        })
        .await;
        let server = server_with(port, |_, limits| limits.event_bytes = 100);
        let connecting = SseConnector::new(server);
        let refused = tokio::time::timeout(PATIENCE, connecting.connect(owner()))
            .await
            .unwrap();
        assert!(
            matches!(refused, Err(ConnectError::Unreachable(_))),
            "{what}"
        );
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_server_that_names_no_endpoint_is_not_waited_for() {
    let port = start(|_| async { stream(&[": hello\n\n"], true) }).await;
    let hasty = server_with(port, |parts, _| {
        (parts.connect_timeout_ms, parts.timeout_ms) = (50, 50);
    });
    let connecting = SseConnector::new(hasty);
    let refused = tokio::time::timeout(PATIENCE, connecting.connect(owner())).await;
    assert!(matches!(refused, Ok(Err(ConnectError::Unreachable(_)))));
}

#[tokio::test(flavor = "current_thread")]
async fn a_message_beyond_the_bound_ends_the_session() {
    let older = Older::start("/m", 202).await;
    let server = server_with(older.port, |_, limits| limits.event_bytes = 100);
    let mut link = SseConnector::new(server).connect(owner()).await.unwrap();
    older.send(&format!("data: {}\n\n", "x".repeat(100))).await;
    assert_eq!(ended(&mut link).await, LinkEnd::TooLarge);
}

#[tokio::test(flavor = "current_thread")]
async fn a_message_waits_until_the_one_before_it_is_taken() {
    let log = Log::default();
    let noting = log.clone();
    let port = start(move |heard: Heard| {
        let noting = noting.clone();
        async move {
            if heard.method != "POST" {
                return stream(&["event: endpoint\ndata: /m\n\n"], true);
            }
            if heard.body == INITIALIZED {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            noting.note(&heard);
            Response::empty(202)
        }
    })
    .await;
    let link = SseConnector::new(server(port))
        .connect(owner())
        .await
        .unwrap();
    say(&link, INITIALIZED).await;
    say(&link, &call("1")).await;
    log.until(|heard| heard.len() == 2).await;
    assert_eq!(log.all()[0].body, INITIALIZED);
}

#[tokio::test(flavor = "current_thread")]
async fn a_slow_taker_delays_but_does_not_block() {
    let log = Log::default();
    let noting = log.clone();
    let port = start(move |heard: Heard| {
        noting.note(&heard);
        async move {
            if heard.method != "POST" {
                return stream(&["event: endpoint\ndata: /m\n\n"], true);
            }
            if heard.body.contains("slow") {
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            Response::empty(202)
        }
    })
    .await;
    let link = SseConnector::new(server(port))
        .connect(owner())
        .await
        .unwrap();
    say(&link, r#"{"jsonrpc":"2.0","method":"notifications/slow"}"#).await;
    say(&link, INITIALIZED).await;
    log.until(|heard| heard.len() == 3).await;
}
