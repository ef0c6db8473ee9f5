//! Servers of 2026-07-28.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::{ModernHttp, ParamFields};
use super::{
    Heard, Log, PATIENCE, closed_port, code, owner, result, server, server_with, start, stream,
};
use crate::control::bridge::{Answers, Ask, ConnectError, ModernUpstream as _};
use crate::control::http::Response;

fn no_params() -> ParamFields {
    Arc::new(|_, _| Vec::new())
}

fn ask(id: &str, name: &str) -> Ask {
    let message = format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{name}","_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    );
    Ask {
        owner: owner(),
        message: message.into_bytes(),
        fields: Vec::new(),
    }
}

async fn next(answers: &mut Answers) -> Option<String> {
    let message = timeout(PATIENCE, answers.recv()).await.unwrap()?;
    Some(String::from_utf8(message).unwrap())
}

async fn all(mut answers: Answers) -> Vec<String> {
    let mut messages = Vec::new();
    while let Some(message) = next(&mut answers).await {
        messages.push(message);
    }
    messages
}

/// What `answer` becomes for the request 1.
async fn check(answer: Response) -> Vec<String> {
    let answer = std::sync::Mutex::new(Some(answer));
    let port = start(move |_| {
        let answer = answer.lock().unwrap().take().unwrap();
        async move { answer }
    })
    .await;
    let modern = ModernHttp::new(server(port), no_params());
    all(modern.ask(ask("1", "x")).await.unwrap()).await
}

#[tokio::test(flavor = "current_thread")]
async fn a_request_mirrors_its_body_and_carries_what_the_asker_gives() {
    let log = Log::default();
    let noting = log.clone();
    let port = start(move |heard: Heard| {
        noting.note(&heard);
        async { Response::json(200, result("1")) }
    })
    .await;
    let made: ParamFields = Arc::new(|message, _| {
        assert!(message.request_id().is_some());
        vec![("Mcp-Param-Region".into(), b"eu".as_slice().into())]
    });
    let modern = ModernHttp::new(server(port), made);
    let field = |name: &str, value: &str| (name.into(), value.as_bytes().into());
    let mut asked = ask("1", "über");
    asked.fields = vec![
        field("traceparent", "00-1"),
        field("mcp-param-city", "Bonn"),
        field("authorization", "Bearer client"),
        field("cookie", "a=b"),
        field("mcp-session-id", "x"),
    ];
    assert_eq!(all(modern.ask(asked).await.unwrap()).await, [result("1")]);
    assert_eq!(
        all(modern.ask(ask("1", "x")).await.unwrap()).await,
        [result("1")]
    );
    let heard = log.all();
    for (name, first, second) in [
        (
            "mcp-protocol-version",
            Some("2026-07-28"),
            Some("2026-07-28"),
        ),
        ("mcp-method", Some("tools/call"), Some("tools/call")),
        ("mcp-name", Some("=?base64?w7xiZXI=?="), Some("x")),
        (
            "accept",
            Some("application/json, text/event-stream"),
            Some("application/json, text/event-stream"),
        ),
        ("authorization", Some("Bearer own"), Some("Bearer own")),
        ("traceparent", Some("00-1"), None),
        ("mcp-param-city", Some("Bonn"), None),
        ("mcp-param-region", None, Some("eu")),
        ("cookie", None, None),
        ("mcp-session-id", None, None),
    ] {
        assert_eq!(
            (heard[0].field(name), heard[1].field(name)),
            (first, second),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "current_thread")]
async fn answers_come_with_the_askers_id_and_nothing_foreign() {
    let note = r#"{"jsonrpc":"2.0","method":"notifications/message"}"#;
    let events = [
        format!("data: {note}\n\n"),
        format!("data: {}\n\n", result("2")),
        "data: {\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"sampling/createMessage\"}\n\n".to_owned(),
        format!("data: {}\n\n", result("1")),
    ];
    let events: Vec<_> = events.iter().map(String::as_str).collect();
    assert_eq!(check(stream(&events, true)).await, [note, &result("1")]);
    assert_eq!(check(Response::json(200, result("1"))).await, [result("1")]);
}

#[tokio::test(flavor = "current_thread")]
async fn errors_of_the_server_pass_and_its_failures_become_errors() {
    let error = |code: i64| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":{code},"message":"m","data":{{"a":[1.0]}}}}}}"#
        )
    };
    for (status, code) in [
        (400, -32020),
        (400, -32022),
        (404, -32601),
        (429, 42901),
        (200, -5),
    ] {
        assert_eq!(
            check(Response::json(status, error(code))).await,
            [error(code)],
            "{status}"
        );
    }
    for (what, answer) in [
        ("credentials", Response::json(401, error(-1))),
        ("credentials", Response::json(403, error(-1))),
        ("redirect", Response::json(308, error(-1))),
        ("html", Response::new(404, "text/html", "<html>")),
        ("foreign", Response::json(400, result("2"))),
        ("foreign", Response::json(200, result("2"))),
        (
            "encoded",
            Response::json(200, result("1")).with("Content-Encoding", "br"),
        ),
    ] {
        let messages = check(answer).await;
        assert_eq!(messages.len(), 1, "{what}");
        assert_eq!(code(&messages[0]), -32603, "{what}");
    }
    let refused = ModernHttp::new(server(closed_port().await), no_params())
        .ask(ask("1", "x"))
        .await;
    assert!(matches!(refused, Err(ConnectError::Unreachable(_))));
}

#[tokio::test(flavor = "current_thread")]
async fn a_server_that_breaks_off_leaves_no_response() {
    assert!(check(stream(&["id: 1\ndata:\n\n"], false)).await.is_empty());
    let port = super::start_scripted(|stream| async move { drop(stream) }).await;
    let modern = ModernHttp::new(server(port), no_params());
    assert!(
        all(modern.ask(ask("1", "x")).await.unwrap())
            .await
            .is_empty()
    );
}

#[tokio::test(flavor = "current_thread")]
async fn answers_that_nobody_waits_for_cancel_the_request() {
    let (opened, mut streams) = mpsc::channel(1);
    let port = start(move |_| {
        let (sender, events) = mpsc::channel(1);
        opened.try_send(sender).unwrap();
        async { Response::events(events) }
    })
    .await;
    let modern = ModernHttp::new(server(port), no_params());
    let answers = modern.ask(ask("1", "x")).await.unwrap();
    let stream: mpsc::Sender<Vec<u8>> = streams.recv().await.unwrap();
    drop(answers);
    timeout(Duration::from_secs(1), stream.closed())
        .await
        .unwrap();
    // Before the head of the answer as well.
    let (came, mut left) = mpsc::channel(1);
    let port = super::start_scripted(move |mut stream| {
        let came = came.clone();
        async move {
            use tokio::io::AsyncReadExt as _;
            let mut space = [0; 4096];
            while stream.read(&mut space).await.is_ok_and(|bytes| bytes > 0) {}
            came.send(()).await.unwrap();
        }
    })
    .await;
    let answers = ModernHttp::new(server(port), no_params())
        .ask(ask("1", "x"))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(answers);
    timeout(Duration::from_secs(1), left.recv()).await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn an_answer_beyond_its_bounds_is_refused() {
    let large = format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":{{"pad":"{}"}}}}"#,
        "x".repeat(200)
    );
    for (bytes_max, is_taken) in [(large.len(), true), (large.len() - 1, false)] {
        let answer = large.clone();
        let port = start(move |_| {
            let answer = Response::json(200, answer.clone());
            async move { answer }
        })
        .await;
        let server = server_with(port, |_, limits| limits.event_bytes = bytes_max);
        let messages = all(ModernHttp::new(server, no_params())
            .ask(ask("1", "x"))
            .await
            .unwrap())
        .await;
        assert_eq!(code(&messages[0]) == 0, is_taken, "{bytes_max}");
    }
}
