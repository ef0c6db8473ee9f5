#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::testing::{call, owner};
use super::ModernFront;
use crate::control::bridge::{Answers, Ask, BoxFuture, ConnectError, ModernUpstream};
use crate::control::http::{Bounds, Handler, Request, Response, serve};

/// Gives what it was told to and remembers what it was asked.
#[derive(Default)]
struct Upstream {
    error: Option<ConnectError>,
    asked: Mutex<Vec<Ask>>,
}

impl ModernUpstream for Upstream {
    fn ask(&self, ask: Ask) -> BoxFuture<'_, Result<Answers, ConnectError>> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(ask);
            if let Some(error) = &self.error {
                return Err(error.clone());
            }
            let (sender, answers) = mpsc::channel(1);
            let result = br#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
            sender.try_send(result.to_vec()).unwrap();
            Ok(answers)
        })
    }
}

struct Served(ModernFront);

impl Handler for Served {
    async fn handle(&self, request: Request) -> Response {
        self.0.handle(owner('a'), request).await
    }
}

/// Sends `request` and returns the whole answer, beside what the upstream was asked.
async fn exchange(error: Option<ConnectError>, request: &str) -> (String, Vec<Ask>) {
    let upstream = Arc::new(Upstream {
        error,
        ..Upstream::default()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let front = ModernFront::new(Arc::clone(&upstream) as Arc<dyn ModernUpstream>);
    let server = tokio::spawn(serve(listener, Bounds::default(), Arc::new(Served(front))));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    timeout(Duration::from_secs(20), read)
        .await
        .unwrap()
        .unwrap();
    server.abort();
    let asked = std::mem::take(&mut *upstream.asked.lock().unwrap());
    (answer, asked)
}

fn post(fields: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST / HTTP/1.1\r\nHost: b\r\nConnection: close\r\nContent-Length: {length}\r\n{fields}\r\n{body}"
    )
}

#[tokio::test]
async fn a_request_goes_on_with_its_owner_and_the_fields_that_concern_it() {
    let fields = "Mcp-Param-Region: x y\r\ntraceparent: t\r\nTracestate: u\r\nMcp-Session-Id: stale\r\nUser-Agent: v\r\nMcp-Method: tools/call\r\n";
    let message = call("1", "n");
    let (answer, asked) = exchange(None, &post(fields, &message)).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(
        !answer.to_ascii_lowercase().contains("mcp-session-id"),
        "{answer}"
    );
    assert!(
        answer.ends_with(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
        "{answer}"
    );
    let [ask] = asked.as_slice() else {
        panic!("one request: {asked:?}");
    };
    assert_eq!(ask.owner, owner('a'));
    assert_eq!(ask.message, message.as_bytes());
    let fields: Vec<_> = ask
        .fields
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), &**value))
        .collect();
    assert_eq!(
        fields,
        [
            ("mcp-param-region".to_owned(), &b"x y"[..]),
            ("traceparent".to_owned(), b"t"),
            ("tracestate".to_owned(), b"u"),
        ]
    );
}

#[tokio::test]
async fn what_is_no_request_is_answered_here() {
    let get = "GET / HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n".to_owned();
    let delete = get.replace("GET", "DELETE");
    let notification =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    for (request, expected, code) in [
        (get, "405 ", "-32600"),
        (delete, "405 ", "-32600"),
        (post("", notification), "202 ", ""),
        (post("", "{"), "400 ", "-32700"),
        (post("", "{}"), "400 ", "-32600"),
        (post("", "[]"), "400 ", "-32600"),
        (post("", &format!("[{}]", call("1", "n"))), "400 ", "-32600"),
        (
            post("", &call("1", "n").replace("tools/call", "initialize")),
            "404 ",
            "-32601",
        ),
        (
            post("", r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
            "400 ",
            "-32600",
        ),
    ] {
        let (answer, asked) = exchange(None, &request).await;
        let status = answer.strip_prefix("HTTP/1.1 ").unwrap();
        assert!(status.starts_with(expected), "{request} {answer}");
        assert!(answer.contains(code), "{request} {answer}");
        assert_eq!(
            answer.contains("allow: POST") || answer.contains("Allow: POST"),
            expected == "405 "
        );
        assert!(asked.is_empty(), "{request}");
    }
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_an_error_with_the_id() {
    let id = r#""x\u0031""#;
    for (error, status, code) in [
        (ConnectError::BackingOff, "502", "-32603"),
        (
            ConnectError::Unreachable("/secret/path".into()),
            "502",
            "-32603",
        ),
        (
            ConnectError::Full(crate::control::bridge::FullScope::Server),
            "503",
            "-32603",
        ),
        (ConnectError::WrongEra, "400", "-32022"),
    ] {
        let (answer, _) = exchange(Some(error), &post("", &call(id, "n"))).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(answer.contains(&format!(r#""id":{id},"#)), "{answer}");
        assert!(
            answer.contains(code) && !answer.contains("secret"),
            "{answer}"
        );
        let names_versions = answer.contains(r#""supported":["2025-11-25","2025-06-18","2025-03-26","2024-11-05"],"requested":"2026-07-28""#);
        assert_eq!(names_versions, status == "400", "{answer}");
    }
}
