//! HTTP+SSE as a client of 2024-11-05 speaks it: one stream from the server, and a place of the server's own to post to.
//!
//! The stream is the session: it ends with the stream, and the stream is closed with the link. Messages are posted in order,
//! each when the server has taken the one before it or has let [`ORDER_TIME`] pass.
//!
//! Source: 2024-11-05 basic/transports, HTTP with SSE.

use std::sync::Arc;
use std::time::Duration;

use guard_io::http1::Method;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::failed::HttpFailed;
use super::http::{After, EXCHANGES_MAX, ORDER_TIME, SCAN_LIMITS, link};
use super::outlet::{Expected, Outlet, PutError};
use super::relay::{Content, is_too_large};
use super::server::{HttpCall, HttpServer, Sent};
use crate::control::bridge::{BoxFuture, ConnectError, Connector, FromServer, Link, LinkEnd};
use crate::control::http::{Client, Events};
use crate::engine::bridge::upstream::endpoint::{Base, EndpointError, resolve};
use crate::engine::mcp::message::{Body, Message};
use crate::engine::mcp::scan::scan;
use crate::engine::session::Owner;

/// Longest that a server which has accepted the connection may take to name its endpoint; less where `upstream.timeout` is.
const ENDPOINT_TIME_MAX: Duration = Duration::from_secs(5);

/// Opens sessions at a server that speaks HTTP+SSE.
#[derive(Clone, Debug)]
pub(in crate::control) struct SseConnector {
    server: Arc<HttpServer>,
}

impl SseConnector {
    /// Sessions at `server`.
    pub(in crate::control) const fn new(server: Arc<HttpServer>) -> Self {
        Self { server }
    }
}

impl Connector for SseConnector {
    fn connect(&self, _owner: Owner) -> BoxFuture<'_, Result<Link, ConnectError>> {
        Box::pin(async move {
            let server = Arc::clone(&self.server);
            let patience = server.connect_time + server.answer_time.min(ENDPOINT_TIME_MAX);
            let (events, target) = timeout(patience, open(&server))
                .await
                .map_err(|_| HttpFailed::AnswerTimeout(patience))??;
            let (link, inbox, outbox) = link();
            let session = Session {
                posting: Posting { server, target },
                outbox,
                exchanges: JoinSet::new(),
            };
            tokio::spawn(session.run(inbox, events));
            Ok(link)
        })
    }
}

/// Opens the stream and waits for the endpoint that the server names.
async fn open(server: &HttpServer) -> Result<(Events<Client>, Box<str>), ConnectError> {
    let call = HttpCall {
        method: Method::Get,
        target: &server.target,
        fields: &[],
        body: b"",
    };
    let answer = server.send(call).await?.answer().await?;
    if answer.status != 200 {
        return Err(HttpFailed::Status(answer.status).into());
    }
    if Content::of(&answer) != Content::Events {
        return Err(HttpFailed::ContentType.into());
    }
    let mut events = Events::of(answer, server.message_bytes_max);
    loop {
        let Some(event) = events.next().await.map_err(HttpFailed::from)? else {
            let why = "stream ended before the server named its endpoint; check url and transport";
            return Err(ConnectError::Unreachable(why.into()));
        };
        if &*event.name == b"endpoint" {
            let target = endpoint(server, &event.data)
                .map_err(|error| ConnectError::Unreachable(error.to_string().into()))?;
            return Ok((events, target));
        }
    }
}

fn endpoint(server: &HttpServer, uri: &[u8]) -> Result<Box<str>, EndpointError> {
    let configured = server.configured_authority();
    let authorities: Vec<&str> = configured
        .iter()
        .map(String::as_str)
        .chain([&*server.host_header])
        .collect();
    let base = Base {
        authorities: &authorities,
        target: &server.target,
    };
    resolve(base, uri)
}

struct Session {
    posting: Posting,
    outbox: mpsc::Sender<FromServer>,
    exchanges: JoinSet<After>,
}

impl Session {
    async fn run(mut self, inbox: mpsc::Receiver<Vec<u8>>, events: Events<Client>) {
        let outbox = self.outbox.clone();
        let name = self.posting.server.name.clone();
        let end = tokio::select! {
            () = outbox.closed() => None,
            end = hand_on(&name, events, outbox.clone()) => end,
            end = self.serve(inbox) => end,
        };
        self.exchanges.shutdown().await;
        if let Some(end) = end {
            let _ = outbox.send(FromServer::Ended(end)).await;
        }
    }

    /// Posts until the session is over; `None` where the client ends it.
    async fn serve(&mut self, mut inbox: mpsc::Receiver<Vec<u8>>) -> Option<LinkEnd> {
        loop {
            let has_room = self.exchanges.len() < EXCHANGES_MAX;
            let after = tokio::select! {
                Some(ended) = self.exchanges.join_next() => ended.unwrap_or(After::GoesOn),
                message = inbox.recv(), if has_room => self.post(message?).await,
            };
            if let After::Ends(end) = after {
                return Some(end);
            }
        }
    }

    async fn post(&mut self, bytes: Vec<u8>) -> After {
        let asked = request_id(&bytes);
        let outlet = Outlet::Session {
            outbox: self.outbox.clone(),
            during: asked.clone(),
        };
        let Posting { server, target } = &self.posting;
        let call = HttpCall {
            method: Method::Post,
            target,
            fields: &[],
            body: &bytes,
        };
        let sent = match server.send(call).await {
            Ok(sent) => sent,
            Err(failed) => return refused(server, &failed, asked.as_deref(), &outlet).await,
        };
        let mut taking = Box::pin(taken(Arc::clone(server), sent, asked, outlet));
        timeout(ORDER_TIME, &mut taking).await.unwrap_or_else(|_| {
            self.exchanges.spawn(taking);
            After::GoesOn
        })
    }
}

/// Where messages are posted.
struct Posting {
    server: Arc<HttpServer>,
    target: Box<str>,
}

/// The raw id of the request in `bytes`; `None` for other messages.
fn request_id(bytes: &[u8]) -> Option<Box<[u8]>> {
    let Ok(Body::One(message)) = scan(bytes, &SCAN_LIMITS) else {
        return None;
    };
    Message::request_id(&message).map(|id| id.raw(bytes).into())
}

/// Waits until the server has taken a message.
async fn taken(
    server: Arc<HttpServer>,
    sent: Sent,
    asked: Option<Box<[u8]>>,
    outlet: Outlet,
) -> After {
    let answer = match sent.answer().await {
        Ok(answer) => answer,
        Err(failed) => return refused(&server, &failed, asked.as_deref(), &outlet).await,
    };
    let status = answer.status;
    server.retire(answer);
    match status {
        200..=299 => After::GoesOn,
        404 | 410 => After::Ends(LinkEnd::SessionLost),
        _ => {
            let failed = HttpFailed::Status(status);
            refused(&server, &failed, asked.as_deref(), &outlet).await
        }
    }
}

/// A request that the server did not take is answered with an error; it goes the way of all others.
async fn refused(
    server: &HttpServer,
    failed: &HttpFailed,
    asked: Option<&[u8]>,
    outlet: &Outlet,
) -> After {
    tracing::debug!(server = &*server.name, %failed, "a message was not taken");
    if let Some(asked) = asked {
        let _ = outlet.fail(asked, failed.failure()).await;
    }
    After::GoesOn
}

/// Hands on what the server says until the stream ends; `None` where nobody takes it any more.
async fn hand_on(
    name: &str,
    mut events: Events<Client>,
    outbox: mpsc::Sender<FromServer>,
) -> Option<LinkEnd> {
    let outlet = Outlet::Session {
        outbox,
        during: None,
    };
    loop {
        let event = match events.next().await {
            Ok(Some(event)) => event,
            Err(error) if is_too_large(&error) => return Some(LinkEnd::TooLarge),
            Ok(None) | Err(_) => return Some(LinkEnd::Broke),
        };
        if !event.is_message() {
            continue;
        }
        match outlet.put_all(&event.data, Expected::Any).await {
            Ok(_) => {}
            Err(PutError::Gone) => return None,
            Err(PutError::NoMessage(error)) => {
                tracing::debug!(server = name, %error, "upstream sent what is no message");
            }
        }
    }
}
