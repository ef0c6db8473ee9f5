//! The messages of an answer as HTTP: one JSON body, or a stream of events.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::control::bridge::Answers;
use crate::control::http::Response;
use crate::engine::bridge::shared::{Peeked, peek};
use crate::engine::reply::{Failure, ReplyId};

/// Silence after which the answer becomes a stream, so that whoever stands between sees it live.
const SILENCE: Duration = Duration::from_secs(3);

/// Events that wait for the connection.
const EVENTS_MAX: usize = 4;

/// The answer that `answers` make to the request whose id is `id`, as written.
///
/// A response that comes first is the body, unless the request `is_listen`; everything else becomes a stream.
pub(super) async fn answer(mut answers: Answers, id: Box<[u8]>, is_listen: bool) -> Response {
    let first = match timeout(SILENCE, answers.recv()).await {
        Ok(None) => return refuse(&Failure::UpstreamBroke, ReplyId::Known(&id)),
        Ok(Some(message)) => match peek(&message) {
            Peeked::Error { code } => return Response::json(status(code), message),
            Peeked::Result if !is_listen => return Response::json(200, message),
            _ => Some(message),
        },
        Err(_silence) => None,
    };
    let (events, pieces) = mpsc::channel(EVENTS_MAX);
    tokio::spawn(stream(first, answers, events, id));
    Response::events(pieces)
}

/// `failure` with its status and a JSON-RPC body.
pub(super) fn refuse(failure: &Failure, id: ReplyId<'_>) -> Response {
    let mut body = Vec::new();
    failure.encode(id, "", &mut body);
    Response::json(failure.status(), body)
}

/// The status of a JSON-RPC error that comes before anything else (2026-07-28, Protocol Version Header and Server
/// Validation; the SDKs answer the codes of JSON-RPC itself alike).
const fn status(code: i64) -> u16 {
    match code {
        -32601 => 404,
        -32700 | -32600 | -32602 | -32020 | -32021 | -32022 => 400,
        _ => 200,
    }
}

/// Sends events until the response, the end, or until the client leaves; `answers` are dropped with it.
async fn stream(
    first: Option<Vec<u8>>,
    mut answers: Answers,
    events: mpsc::Sender<Vec<u8>>,
    id: Box<[u8]>,
) {
    let mut next = first;
    loop {
        let message = match next.take() {
            Some(message) => Some(message),
            None => tokio::select! {
                message = answers.recv() => message,
                () = events.closed() => return,
            },
        };
        let Some(message) = message else {
            let mut event = Vec::new();
            Failure::UpstreamBroke.encode_event(ReplyId::Known(&id), "", &mut event);
            let _ = events.send(event).await;
            return;
        };
        let is_last = matches!(
            peek(&message),
            Peeked::Result | Peeked::Error { .. } | Peeked::Notice { is_cancelled: true }
        );
        if events.send(event(&message)).await.is_err() || is_last {
            return;
        }
    }
}

/// `message` as one event. Line breaks in JSON stand between tokens only, where a space is as good.
fn event(message: &[u8]) -> Vec<u8> {
    let mut event = b"event: message\ndata: ".to_vec();
    event.extend(message.iter().map(|byte| match byte {
        b'\n' | b'\r' => b' ',
        other => *other,
    }));
    event.extend_from_slice(b"\n\n");
    event
}

#[cfg(test)]
mod tests;
