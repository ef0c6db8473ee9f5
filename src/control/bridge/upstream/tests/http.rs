//! Servers of 2025-03-26 to 2025-11-25.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::mpsc;

use super::super::HttpConnector;
use super::super::http::EXCHANGES_MAX;
use super::{
    Heard, INITIALIZE, INITIALIZED, Log, PATIENCE, call, closed_port, code, ended, hear, owner,
    result, say, server, server_with, start, stream,
};
use crate::control::bridge::{ConnectError, Connector as _, Link, LinkEnd};
use crate::control::http::Response;

const WELCOME: &str = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#;

fn event(message: &str) -> String {
    format!("event: message\ndata: {message}\n\n")
}

/// A session at a server that shakes hands, keeps the session `s-1`, has the standalone stream that `get` answers, and
/// answers every other message as `answers` says.
async fn session<F>(answers: F) -> (Link, Log)
where
    F: Fn(&Heard) -> Response + Send + Sync + 'static,
{
    let log = Log::default();
    let noting = log.clone();
    let port = start(move |heard: Heard| {
        noting.note(&heard);
        let answer = match (heard.method.as_str(), heard.rpc_method().as_str()) {
            (_, "initialize") => Response::json(200, WELCOME).with("Mcp-Session-Id", "s-1"),
            (_, "notifications/initialized") => Response::empty(202),
            ("DELETE", _) => Response::empty(204),
            _ => answers(&heard),
        };
        async move { answer }
    })
    .await;
    let mut link = HttpConnector::new(server(port))
        .connect(owner())
        .await
        .unwrap();
    say(&link, INITIALIZE).await;
    assert_eq!(
        hear(&mut link).await,
        (WELCOME.to_owned(), Some("0".to_owned()))
    );
    (link, log)
}

#[tokio::test(flavor = "current_thread")]
async fn a_session_carries_what_the_handshake_settled() {
    let (mut link, log) = session(|heard| match heard.method.as_str() {
        "GET" => Response::empty(405),
        _ => Response::json(200, result("1")),
    })
    .await;
    say(&link, INITIALIZED).await;
    say(&link, &call("1")).await;
    assert_eq!(hear(&mut link).await, (result("1"), Some("1".to_owned())));
    drop(link);
    log.until(|heard| heard.len() == 5).await;
    let heard = log.all();
    assert_eq!(heard[0].field("mcp-session-id"), None);
    assert_eq!(heard[0].field("mcp-protocol-version"), None);
    for heard in &heard[1..] {
        assert_eq!(heard.field("mcp-session-id"), Some("s-1"));
        assert_eq!(heard.field("mcp-protocol-version"), Some("2025-06-18"));
    }
    for heard in &heard {
        assert!(heard.head.contains(" /mcp HTTP/1.1\r\n"));
        assert_eq!(heard.field("authorization"), Some("Bearer own"));
        assert_eq!(heard.field("accept-encoding"), None);
    }
    assert_eq!(
        heard[1].body, INITIALIZED,
        "it comes before what follows it"
    );
    assert_eq!(heard[4].method, "DELETE");
}

#[tokio::test(flavor = "current_thread")]
async fn a_stream_is_handed_on_under_its_request() {
    let request = r#"{"jsonrpc":"2.0","id":"s1","method":"roots/list"}"#;
    let (mut link, log) = session(move |heard| match heard.rpc_method().as_str() {
        "tools/call" => stream(
            &[
                "id: 1\ndata:\n\n",
                &event(request),
                &event(&result("99")),
                &event(r#"{"jsonrpc":"2.0","id":"\u00fc","result":{"big":12345678901234567890}}"#),
            ],
            true,
        ),
        _ => Response::empty(202),
    })
    .await;
    say(&link, &call("\"ü\"")).await;
    let during = Some("\"ü\"".to_owned());
    assert_eq!(hear(&mut link).await, (request.to_owned(), during.clone()));
    let answer = r#"{"jsonrpc":"2.0","id":"ü","result":{"big":12345678901234567890}}"#;
    assert_eq!(
        hear(&mut link).await,
        (answer.to_owned(), during),
        "the foreign one is gone"
    );
    let reply = r#"{"jsonrpc":"2.0","id":"s1","result":{"roots":[]}}"#;
    say(&link, reply).await;
    log.until(|heard| heard.iter().any(|heard| heard.body == reply))
        .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_request_that_gets_no_response_gets_an_error() {
    let own = |code: i64, id: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"m"}}}}"#)
    };
    let cases: Vec<(Response, i64)> = vec![
        (Response::json(200, result("2")), -32603),
        (Response::json(200, "nonsense"), -32603),
        (Response::json(200, "{}"), -32603),
        (Response::new(200, "text/html", "<html>"), -32603),
        (Response::empty(202), -32603),
        (Response::empty(500), -32603),
        (Response::json(500, result("1")), -32603),
        (Response::json(400, own(-32602, "1")), -32602),
        (Response::json(400, own(-32602, "null")), -32602),
        (Response::json(400, own(-32602, "2")), -32603),
        (Response::json(401, own(-32001, "1")), -32603),
        (Response::json(403, own(-32001, "1")), -32603),
        (Response::empty(307).with("Location", "/mcp"), -32603),
        (Response::json(307, own(-32001, "1")), -32603),
        (
            Response::json(200, result("1")).with("Content-Encoding", "gzip"),
            -32603,
        ),
        (stream(&[": x\n\n"], false), -32603),
        (stream(&["data: nonsense\n\n"], true), -32603),
        (stream(&[&event(&own(-5, "1"))], true), -5),
        (stream(&[&event(&own(-5, "null"))], true), -5),
    ];
    let answers = std::sync::Mutex::new(cases);
    let expected: Vec<i64> = answers.lock().unwrap().iter().map(|case| case.1).collect();
    let (mut link, _) = session(move |_| answers.lock().unwrap().remove(0).0).await;
    for (index, expected) in expected.into_iter().enumerate() {
        say(&link, &call("1")).await;
        let (message, during) = hear(&mut link).await;
        assert_eq!(
            (code(&message), during.as_deref()),
            (expected, Some("1")),
            "{index} {message}"
        );
        assert!(message.contains("\"id\":1"), "{index} {message}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_message_waits_until_the_notification_before_it_is_taken() {
    let log = Log::default();
    let noting = log.clone();
    let port = start(move |heard: Heard| {
        let noting = noting.clone();
        async move {
            let method = heard.rpc_method();
            if method.starts_with("notifications/") {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            noting.note(&heard);
            match method.as_str() {
                "initialize" => Response::json(200, WELCOME),
                "tools/call" => Response::json(200, result("1")),
                _ => Response::empty(if heard.method == "GET" { 405 } else { 202 }),
            }
        }
    })
    .await;
    let mut link = HttpConnector::new(server(port))
        .connect(owner())
        .await
        .unwrap();
    say(&link, INITIALIZE).await;
    hear(&mut link).await;
    let told = r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#;
    for message in [INITIALIZED, told, &call("1")] {
        say(&link, message).await;
    }
    hear(&mut link).await;
    let heard = log.all();
    let posts: Vec<_> = heard
        .iter()
        .filter(|heard| heard.method == "POST")
        .map(|heard| heard.body.as_str())
        .collect();
    assert_eq!(posts, [INITIALIZE, INITIALIZED, told, &call("1")]);
}

#[tokio::test(flavor = "current_thread")]
async fn a_session_that_the_server_forgot_is_lost() {
    for lost in [call("1"), INITIALIZED.to_owned()] {
        let lost_body = lost.clone();
        let log = Log::default();
        let noting = log.clone();
        let port = start(move |heard: Heard| {
            noting.note(&heard);
            let answer = match heard.rpc_method().as_str() {
                "initialize" => Response::json(200, WELCOME).with("Mcp-Session-Id", "s-1"),
                _ if heard.body == lost_body => Response::json(404, "{}"),
                _ => Response::empty(202),
            };
            async move { answer }
        })
        .await;
        let mut link = HttpConnector::new(server(port))
            .connect(owner())
            .await
            .unwrap();
        say(&link, INITIALIZE).await;
        hear(&mut link).await;
        say(&link, &lost).await;
        assert_eq!(ended(&mut link).await, LinkEnd::SessionLost);
        assert!(link.from_server.recv().await.is_none());
        assert!(log.all().iter().all(|heard| heard.method != "DELETE"));
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_server_without_sessions_is_none_to_lose() {
    let port = start(|heard: Heard| async move {
        match heard.rpc_method().as_str() {
            "initialize" => Response::json(200, WELCOME),
            _ => Response::empty(404),
        }
    })
    .await;
    let mut link = HttpConnector::new(server(port))
        .connect(owner())
        .await
        .unwrap();
    say(&link, INITIALIZE).await;
    hear(&mut link).await;
    say(&link, &call("1")).await;
    assert_eq!(code(&hear(&mut link).await.0), -32603);
}

#[tokio::test(flavor = "current_thread")]
async fn a_handshake_that_fails_is_answered() {
    for (answer, expected) in [
        (Response::empty(500), -32603),
        (
            Response::json(200, WELCOME).with("Mcp-Session-Id", "a b"),
            -32603,
        ),
        (
            Response::json(200, WELCOME).with("Mcp-Session-Id", "x".repeat(2000)),
            -32603,
        ),
        (
            Response::json(
                400,
                r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32022,"message":"m"}}"#,
            ),
            -32022,
        ),
    ] {
        let answer = std::sync::Mutex::new(Some(answer));
        let port = start(move |_| {
            let answer = answer
                .lock()
                .unwrap()
                .take()
                .unwrap_or_else(|| Response::empty(405));
            async move { answer }
        })
        .await;
        let mut link = HttpConnector::new(server(port))
            .connect(owner())
            .await
            .unwrap();
        say(&link, INITIALIZE).await;
        let (message, during) = hear(&mut link).await;
        assert_eq!((code(&message), during.as_deref()), (expected, Some("0")));
    }
    let refused = HttpConnector::new(server(closed_port().await))
        .connect(owner())
        .await;
    assert!(matches!(refused, Err(ConnectError::Unreachable(_))));
}

#[tokio::test(flavor = "current_thread")]
async fn the_standalone_stream_is_opened_and_opened_again() {
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    let gets = AtomicUsize::new(0);
    let (mut link, log) = session(move |heard| {
        assert_eq!(heard.method, "GET");
        match gets.fetch_add(1, SeqCst) {
            0 => stream(
                &[
                    "retry: 1\nid: a\n\n",
                    &event(notification),
                    &event(&result("1")),
                ],
                false,
            ),
            _ => stream(&[&event(notification)], true),
        }
    })
    .await;
    assert!(
        log.all().iter().all(|heard| heard.method != "GET"),
        "not before the handshake ends"
    );
    say(&link, INITIALIZED).await;
    for _ in 0..2 {
        assert_eq!(
            hear(&mut link).await,
            (notification.to_owned(), None),
            "and no response"
        );
    }
    let gets: Vec<_> = log
        .all()
        .into_iter()
        .filter(|heard| heard.method == "GET")
        .collect();
    assert_eq!(gets[0].field("accept"), Some("text/event-stream"));
    assert_eq!(gets[0].field("last-event-id"), None);
    assert_eq!(gets[1].field("last-event-id"), Some("a"));
}

#[tokio::test(flavor = "current_thread")]
async fn a_place_in_the_standalone_stream_that_is_refused_is_given_up() {
    let notification = r#"{"jsonrpc":"2.0","method":"x"}"#;
    let gets = AtomicUsize::new(0);
    let (mut link, log) = session(move |_| match gets.fetch_add(1, SeqCst) {
        0 => stream(&["retry: 1\nid: a\ndata:\n\n"], false),
        1 => Response::empty(409),
        2 => Response::empty(400),
        3 => stream(&[&event(notification)], false),
        _ => Response::empty(405),
    })
    .await;
    say(&link, INITIALIZED).await;
    assert_eq!(hear(&mut link).await, (notification.to_owned(), None));
    log.until(|heard| heard.len() == 7).await;
    let places: Vec<_> = log.all()[2..]
        .iter()
        .map(|heard| heard.field("last-event-id").map(str::to_owned))
        .collect();
    let place = Some("a".to_owned());
    assert_eq!(places, [None, place.clone(), place, None, None]);
}

#[tokio::test(flavor = "current_thread")]
async fn a_session_ends_with_its_standalone_stream_where_that_says_so() {
    let (mut link, _) = session(|_| Response::empty(404)).await;
    say(&link, INITIALIZED).await;
    assert_eq!(ended(&mut link).await, LinkEnd::SessionLost);
}

#[tokio::test(flavor = "current_thread")]
async fn a_stream_that_breaks_is_resumed_where_it_broke() {
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress"}"#;
    let gets = AtomicUsize::new(0);
    let (mut link, log) = session(move |heard| match heard.method.as_str() {
        "GET" => match gets.fetch_add(1, SeqCst) {
            0 => stream(&["id: b\ndata:\n\n"], false),
            1 => Response::empty(503),
            _ => stream(&[&event(&result("1"))], false),
        },
        _ => stream(&["retry: 5\nid: a\ndata:\n\n", &event(progress)], false),
    })
    .await;
    say(&link, &call("1")).await;
    let during = Some("1".to_owned());
    assert_eq!(hear(&mut link).await, (progress.to_owned(), during.clone()));
    assert_eq!(hear(&mut link).await, (result("1"), during));
    let resumed: Vec<_> = log
        .all()
        .iter()
        .filter_map(|heard| Some(heard.field("last-event-id")?.to_owned()))
        .collect();
    assert_eq!(resumed, ["a", "b", "b"]);
    assert_eq!(
        log.all()
            .iter()
            .filter(|heard| heard.rpc_method() == "tools/call")
            .count(),
        1,
        "it is never asked again"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn resuming_in_vain_ends_in_an_error() {
    let (mut link, log) = session(|heard| match heard.method.as_str() {
        "GET" => stream(&[": x\n\n"], false),
        _ => stream(&["retry: 0\nid: a\ndata:\n\n"], false),
    })
    .await;
    say(&link, &call("1")).await;
    assert_eq!(code(&hear(&mut link).await.0), -32603);
    assert_eq!(
        log.all()
            .iter()
            .filter(|heard| heard.method == "GET")
            .count(),
        3
    );
}

#[tokio::test(flavor = "current_thread")]
async fn requests_run_side_by_side_up_to_a_bound() {
    let (held, log) = (Arc::new(tokio::sync::Semaphore::new(0)), Log::default());
    let (holding, noting) = (Arc::clone(&held), log.clone());
    let port = start(move |heard: Heard| {
        noting.note(&heard);
        let holding = Arc::clone(&holding);
        async move {
            if heard.rpc_method() == "initialize" {
                return Response::json(200, WELCOME);
            }
            holding.acquire().await.unwrap().forget();
            let body: serde_json::Value = serde_json::from_str(&heard.body).unwrap();
            Response::json(200, result(&body["id"].to_string()))
        }
    })
    .await;
    let mut link = HttpConnector::new(server(port))
        .connect(owner())
        .await
        .unwrap();
    say(&link, INITIALIZE).await;
    hear(&mut link).await;
    for id in 1..=EXCHANGES_MAX + 5 {
        say(&link, &call(&id.to_string())).await;
    }
    log.until(|heard| heard.len() == EXCHANGES_MAX + 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(log.all().len(), EXCHANGES_MAX + 1, "more wait");
    held.add_permits(EXCHANGES_MAX + 5);
    let mut answered = Vec::new();
    for _ in 1..=EXCHANGES_MAX + 5 {
        let (message, during) = hear(&mut link).await;
        assert_eq!(message, result(&during.clone().unwrap()));
        answered.push(during.unwrap());
    }
    answered.sort_unstable();
    answered.dedup();
    assert_eq!(answered.len(), EXCHANGES_MAX + 5);
}

#[tokio::test(flavor = "current_thread")]
async fn a_cancelled_request_is_not_waited_for() {
    let (opened, mut streams) = mpsc::channel(1);
    let (mut link, log) = session(move |heard| match heard.rpc_method().as_str() {
        "notifications/cancelled" => Response::empty(202),
        _ if heard.method == "GET" => Response::empty(405),
        _ => {
            let (sender, events) = mpsc::channel(1);
            opened.try_send(sender).unwrap();
            Response::events(events)
        }
    })
    .await;
    say(&link, &call("\"a\"")).await;
    let stream: mpsc::Sender<Vec<u8>> = streams.recv().await.unwrap();
    say(
        &link,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"\u0061"}}"#,
    )
    .await;
    log.until(|heard| {
        heard
            .iter()
            .any(|heard| heard.rpc_method() == "notifications/cancelled")
    })
    .await;
    tokio::time::timeout(PATIENCE, stream.closed())
        .await
        .unwrap();
    assert!(link.from_server.try_recv().is_err());
}

#[tokio::test(flavor = "current_thread")]
async fn everything_closes_with_the_link() {
    let (opened, mut streams) = mpsc::channel(4);
    let (link, log) = session(move |_| {
        let (sender, events) = mpsc::channel(1);
        opened.try_send(sender).unwrap();
        Response::events(events)
    })
    .await;
    say(&link, INITIALIZED).await;
    say(&link, &call("1")).await;
    let both: [mpsc::Sender<Vec<u8>>; 2] =
        [streams.recv().await.unwrap(), streams.recv().await.unwrap()];
    drop(link);
    for stream in both {
        tokio::time::timeout(PATIENCE, stream.closed())
            .await
            .unwrap();
    }
    log.until(|heard| heard.iter().any(|heard| heard.method == "DELETE"))
        .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_client_that_does_not_read_stops_the_server() {
    let log = Log::default();
    let (filled, mut full) = mpsc::channel::<usize>(1);
    let noting = log.clone();
    let port = start(move |heard: Heard| {
        noting.note(&heard);
        let filled = filled.clone();
        async move {
            if heard.rpc_method() == "initialize" {
                return Response::json(200, WELCOME);
            }
            let (sender, events) = mpsc::channel(1);
            tokio::spawn(async move {
                let message = format!(
                    r#"{{"jsonrpc":"2.0","method":"x","params":{{"pad":"{}"}}}}"#,
                    "x".repeat(64 << 10)
                );
                let mut sent = 0;
                while tokio::time::timeout(
                    Duration::from_millis(300),
                    sender.send(event(&message).into_bytes()),
                )
                .await
                .is_ok_and(|sent| sent.is_ok())
                {
                    sent += 1;
                }
                filled.send(sent).await.unwrap();
            });
            Response::events(events)
        }
    })
    .await;
    let server = server_with(port, |_, _| {});
    let mut link = HttpConnector::new(server).connect(owner()).await.unwrap();
    say(&link, INITIALIZE).await;
    hear(&mut link).await;
    say(&link, &call("1")).await;
    let sent = tokio::time::timeout(PATIENCE, full.recv())
        .await
        .unwrap()
        .unwrap();
    assert!(sent < 400, "{sent} messages of 64 KiB went somewhere");
}
