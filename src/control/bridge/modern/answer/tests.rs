#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{answer, status};
use crate::control::http::{Body, Response};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

const RESULT: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
const NOTICE: &str = r#"{"jsonrpc":"2.0","method":"notifications/progress"}"#;

/// The answer that `messages` make, with what is to be written of it.
async fn answered(messages: &[&str], is_listen: bool) -> (u16, bool, String) {
    let (sender, answers) = mpsc::channel(8);
    for message in messages {
        sender.try_send(message.as_bytes().to_vec()).unwrap();
    }
    drop(sender);
    let response = answer(answers, b"1".as_slice().into(), is_listen).await;
    let is_stream = content_type(&response) == "text/event-stream";
    let status = response.status;
    (status, is_stream, body(response).await)
}

fn content_type(response: &Response) -> &str {
    let field = response
        .fields
        .iter()
        .find(|(name, _)| *name == "Content-Type");
    &field.unwrap().1
}

async fn body(response: Response) -> String {
    let mut bytes = Vec::new();
    match response.body {
        Body::Full(body) => bytes = body,
        Body::Stream(mut pieces) => {
            while let Some(piece) = timeout(PATIENCE, pieces.recv()).await.unwrap() {
                bytes.extend(piece);
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn events(messages: &[&str]) -> String {
    messages
        .iter()
        .map(|message| format!("event: message\ndata: {message}\n\n"))
        .collect()
}

#[tokio::test]
async fn a_response_that_comes_first_is_the_body() {
    assert_eq!(
        answered(&[RESULT], false).await,
        (200, false, RESULT.to_owned())
    );
    for (code, expected) in [
        ("-32601", 404),
        ("-32602", 400),
        ("-32020", 400),
        ("-32021", 400),
        ("-32022", 400),
        ("-32603", 200),
        ("40302", 200),
    ] {
        let error = format!(r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":{code},"message":""}}}}"#);
        for is_listen in [false, true] {
            let found = answered(&[&error], is_listen).await;
            assert_eq!(found, (expected, false, error.clone()), "{code}");
        }
        assert_eq!(status(code.parse().unwrap()), expected);
    }
}

#[tokio::test]
async fn a_notification_that_comes_first_makes_a_stream() {
    assert_eq!(
        answered(&[NOTICE, RESULT], false).await,
        (200, true, events(&[NOTICE, RESULT]))
    );
    assert_eq!(
        answered(&[RESULT], true).await,
        (200, true, events(&[RESULT])),
        "a listen is a stream whatever comes"
    );
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":""}}"#;
    assert_eq!(
        answered(&[NOTICE, error], false).await,
        (200, true, events(&[NOTICE, error]))
    );
}

#[tokio::test]
async fn an_upstream_that_breaks_off_looks_broken() {
    let broken =
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"upstream ended early"}}"#;
    assert_eq!(answered(&[], false).await, (502, false, broken.to_owned()));
    assert_eq!(
        answered(&[NOTICE], false).await,
        (200, true, events(&[NOTICE, broken]))
    );
    let cancelled = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{}}"#;
    assert_eq!(
        answered(&[NOTICE, cancelled], true).await,
        (200, true, events(&[NOTICE, cancelled])),
        "the server has said that it ends"
    );
}

#[tokio::test]
async fn nothing_follows_the_response_and_an_event_is_one_line_of_data() {
    let pretty = "{\r\n\"jsonrpc\":\"2.0\",\n\"method\":\"m\"}";
    assert_eq!(
        answered(&[pretty, RESULT, NOTICE], false).await.2,
        events(&[&pretty.replace(['\r', '\n'], " "), RESULT])
    );
}

#[tokio::test]
async fn silence_makes_a_stream_and_a_reader_that_leaves_drops_the_answers() {
    let (sender, answers) = mpsc::channel(1);
    let answering = answer(answers, b"1".as_slice().into(), false);
    let response = timeout(PATIENCE, answering).await.unwrap();
    assert_eq!(content_type(&response), "text/event-stream");
    assert!(!sender.is_closed());
    drop(response);
    timeout(PATIENCE, sender.closed()).await.unwrap();
}
