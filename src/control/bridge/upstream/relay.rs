//! The answer to one request, JSON or events, handed on message by message.

use tokio::time::timeout;

use super::failed::HttpFailed;
use super::outlet::{Expected, Outlet, PutError};
use super::server::HttpServer;
use crate::control::http::{Client, ClientError, Events, Incoming};
use crate::engine::bridge::upstream::event::Event;
use crate::engine::bridge::upstream::received::read;
use crate::engine::reply::Failure;

/// What was learnt from an exchange beside its messages.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    /// The id of the last event that had one: where a stream can be resumed.
    pub(super) last_event_id: Option<Box<[u8]>>,
    /// The pause that the server wants before that, in milliseconds.
    pub(super) retry_ms: Option<u64>,
    /// Whether the response is the one that settles on a version.
    pub(super) is_handshake: bool,
    /// The version that it settles on.
    pub(super) version: Option<Box<str>>,
    /// Whether any event came.
    pub(super) has_events: bool,
}

impl Learnt {
    /// Notes what `event` says of the stream.
    pub(super) fn note(&mut self, event: &Event) {
        self.has_events = true;
        self.retry_ms = event.retry_ms.or(self.retry_ms);
        match &event.id {
            Some(id) if id.is_empty() => self.last_event_id = None,
            Some(id) => self.last_event_id = Some(id.clone()),
            None => {}
        }
    }
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// With the response.
    Answered,
    /// Without it.
    Broke,
    /// With something that is no response.
    Failed(Failure),
    /// Nobody takes messages any more.
    Gone,
}

impl Outcome {
    /// What an asker is told in place of a response.
    pub(super) const fn failure(self) -> Option<Failure> {
        match self {
            Self::Answered | Self::Gone => None,
            Self::Broke => Some(Failure::UpstreamBroke),
            Self::Failed(failure) => Some(failure),
        }
    }
}

impl From<HttpFailed> for Outcome {
    fn from(failed: HttpFailed) -> Self {
        match failed.failure() {
            Failure::UpstreamBroke => Self::Broke,
            failure => Self::Failed(failure),
        }
    }
}

/// What an answer holds, by its content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// `application/json`.
    Json,
    /// `text/event-stream`.
    Events,
    /// Anything else, or nothing.
    Other,
}

impl Content {
    pub(super) fn of(answer: &Incoming<Client>) -> Self {
        let value = answer.header("content-type").unwrap_or_default();
        let kind = value.split(|byte| *byte == b';').next().unwrap_or_default();
        let kind = kind.trim_ascii();
        if kind.eq_ignore_ascii_case(b"application/json") {
            Self::Json
        } else if kind.eq_ignore_ascii_case(b"text/event-stream") {
            Self::Events
        } else {
            Self::Other
        }
    }
}

/// Hands on what `answer` says to the request with the raw id `asked`.
///
/// An answer of another status than success counts where it is a JSON-RPC error; the rest of such answers, and what a server
/// says to credentials that it refuses, stays here.
pub(super) async fn relay(
    server: &HttpServer,
    answer: Incoming<Client>,
    asked: &[u8],
    outlet: &Outlet,
    learnt: &mut Learnt,
) -> Outcome {
    let status = answer.status;
    let outcome = match (status, Content::of(&answer)) {
        (200..=299, Content::Events) => {
            let events = Events::of(answer, server.message_bytes_max);
            relay_events(server, events, asked, outlet, learnt).await
        }
        (200..=299, Content::Json) | (400 | 402 | 404..=599, Content::Json) => {
            relay_json(server, answer, asked, outlet, learnt).await
        }
        _ => {
            let failed = match status {
                200..=299 => HttpFailed::ContentType,
                _ => HttpFailed::Status(status),
            };
            server.complain(&failed);
            server.retire(answer);
            failed.into()
        }
    };
    if outcome == Outcome::Answered {
        server.content();
    }
    outcome
}

async fn relay_json(
    server: &HttpServer,
    mut answer: Incoming<Client>,
    asked: &[u8],
    outlet: &Outlet,
    learnt: &mut Learnt,
) -> Outcome {
    let status = answer.status;
    let reading = answer.whole_body(server.message_bytes_max);
    let body = match timeout(server.answer_time, reading).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => return failed(server, error.into()),
        Err(_) => return failed(server, HttpFailed::AnswerTimeout(server.answer_time)),
    };
    server.keep(answer);
    if status >= 400 && !is_error(&body, asked) {
        return failed(server, HttpFailed::Status(status));
    }
    match put(&body, asked, outlet, learnt).await {
        Some(outcome) => outcome,
        None => Outcome::Failed(Failure::UpstreamBadAnswer),
    }
}

fn failed(server: &HttpServer, failed: HttpFailed) -> Outcome {
    server.complain(&failed);
    failed.into()
}

/// Whether `body` is a JSON-RPC error that answers `asked`.
fn is_error(body: &[u8], asked: &[u8]) -> bool {
    use crate::engine::bridge::upstream::received::ReceivedKind::Response;
    read(body).is_ok_and(|messages| {
        matches!(&messages[..], [message] if message.kind == Response { is_error: true } && message.answers(body, asked))
    })
}

async fn relay_events(
    server: &HttpServer,
    mut events: Events<Client>,
    asked: &[u8],
    outlet: &Outlet,
    learnt: &mut Learnt,
) -> Outcome {
    loop {
        let event = match events.next().await {
            Ok(Some(event)) => event,
            Ok(None) => return Outcome::Broke,
            Err(error) => return failed(server, error.into()),
        };
        learnt.note(&event);
        if !event.is_message() {
            continue;
        }
        match put(&event.data, asked, outlet, learnt).await {
            Some(Outcome::Answered) => {
                server.retire(events.into_answer());
                return Outcome::Answered;
            }
            Some(outcome) => return outcome,
            None => {}
        }
    }
}

/// Hands on the messages of `bytes`; `None` where the response is still to come.
async fn put(bytes: &[u8], asked: &[u8], outlet: &Outlet, learnt: &mut Learnt) -> Option<Outcome> {
    match outlet.put_all(bytes, Expected::Response(asked)).await {
        Ok(true) => {
            if learnt.is_handshake {
                learnt.version = version(bytes);
            }
            Some(Outcome::Answered)
        }
        Ok(false) => None,
        Err(PutError::Gone) => Some(Outcome::Gone),
        Err(PutError::NoMessage(error)) => {
            tracing::debug!(%error, "upstream sent what is no message");
            Some(Outcome::Failed(Failure::UpstreamBadAnswer))
        }
    }
}

fn version(bytes: &[u8]) -> Option<Box<str>> {
    let messages = read(bytes).ok()?;
    messages
        .iter()
        .find_map(|message| message.negotiated_version(bytes))
}

/// Whether an event stream ended for good, since the server sends more than may be held.
pub(super) const fn is_too_large(error: &ClientError) -> bool {
    matches!(error, ClientError::TooLarge { .. })
}
