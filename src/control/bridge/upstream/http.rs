//! Streamable HTTP as a client of revisions up to 2025-11-25 speaks it.
//!
//! One session is one task. It posts what the client says in the client's order: a request is written before the next message
//! is, the handshake is waited for, and notifications and responses are waited for as long as an attentive server needs to
//! take them. Answers are read by a task each.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::failed::HttpFailed;
use super::listen::listen;
use super::outlet::Outlet;
use super::peer::{Peer, session_id};
use super::relay::{Learnt, Outcome, relay};
use super::server::{HttpServer, Sent};
use crate::control::bridge::link::LINK_MESSAGES_MAX;
use crate::control::bridge::{BoxFuture, ConnectError, Connector, FromServer, Link, LinkEnd};
use crate::control::http::{Client, Incoming};
use crate::engine::bridge::upstream::received::id_key;
use crate::engine::mcp::limits::{BATCH_MEMBERS_DEFAULT, JSON_DEPTH_CAP};
use crate::engine::mcp::message::{Body, Id, Kind, Message};
use crate::engine::mcp::methods::Method;
use crate::engine::mcp::scan::{ScanLimits, scan};
use crate::engine::session::Owner;

/// Exchanges of one session that run at once. Beyond it the client's messages wait.
pub(super) const EXCHANGES_MAX: usize = 64;

/// How long a message waits for the server to take the one before it, unless that is the end of the handshake.
pub(super) const ORDER_TIME: Duration = Duration::from_secs(2);

/// The same for the end of the handshake: a server refuses what it takes for earlier.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Attempts in a row to resume a stream that bring nothing new.
const RESUMES_MAX: usize = 3;

/// Pause before a stream is resumed where the server names none, and the shortest whatever it names.
const RESUME_PAUSE: Duration = Duration::from_secs(1);
const RESUME_PAUSE_MIN: Duration = Duration::from_millis(100);

/// What the worker has let pass is scanned again for its spans.
pub(super) const SCAN_LIMITS: ScanLimits = ScanLimits {
    depth_max: JSON_DEPTH_CAP,
    batch_max: BATCH_MEMBERS_DEFAULT,
};

/// Opens sessions at a server that speaks Streamable HTTP.
#[derive(Clone, Debug)]
pub(in crate::control) struct HttpConnector {
    server: Arc<HttpServer>,
}

impl HttpConnector {
    /// Sessions at `server`.
    pub(in crate::control) const fn new(server: Arc<HttpServer>) -> Self {
        Self { server }
    }
}

impl Connector for HttpConnector {
    fn connect(&self, _owner: Owner) -> BoxFuture<'_, Result<Link, ConnectError>> {
        Box::pin(async move {
            self.server.reach().await?;
            let (link, inbox, outbox) = link();
            let session = Session {
                peer: Arc::new(Peer::new(Arc::clone(&self.server))),
                inbox,
                outbox,
                exchanges: JoinSet::new(),
                running: HashMap::new(),
            };
            tokio::spawn(session.run());
            Ok(link)
        })
    }
}

/// A link, and the ends of it that a back holds.
pub(super) fn link() -> (Link, mpsc::Receiver<Vec<u8>>, mpsc::Sender<FromServer>) {
    let (to_server, inbox) = mpsc::channel(LINK_MESSAGES_MAX);
    let (outbox, from_server) = mpsc::channel(LINK_MESSAGES_MAX);
    let link = Link {
        to_server,
        from_server,
    };
    (link, inbox, outbox)
}

/// What an exchange means for its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// It goes on.
    GoesOn,
    /// It is over.
    Ends(LinkEnd),
}

struct Session {
    peer: Arc<Peer>,
    inbox: mpsc::Receiver<Vec<u8>>,
    outbox: mpsc::Sender<FromServer>,
    exchanges: JoinSet<After>,
    /// Requests that are being answered, by the value of their id.
    running: HashMap<String, AbortHandle>,
}

impl Session {
    async fn run(mut self) {
        let outbox = self.outbox.clone();
        let end = tokio::select! {
            () = outbox.closed() => None,
            end = self.serve() => end,
        };
        self.exchanges.shutdown().await;
        if let Some(end) = end {
            let _ = self.outbox.send(FromServer::Ended(end)).await;
        }
        if end != Some(LinkEnd::SessionLost) {
            self.peer.delete().await;
        }
    }

    /// Serves until the session is over; `None` where the client ends it.
    async fn serve(&mut self) -> Option<LinkEnd> {
        loop {
            let has_room = self.exchanges.len() < EXCHANGES_MAX;
            let after = tokio::select! {
                Some(ended) = self.exchanges.join_next() => {
                    self.running.retain(|_, exchange| !exchange.is_finished());
                    ended.unwrap_or(After::GoesOn)
                }
                message = self.inbox.recv(), if has_room => self.take(message?).await,
            };
            if let After::Ends(end) = after {
                return Some(end);
            }
        }
    }

    async fn take(&mut self, bytes: Vec<u8>) -> After {
        let Ok(Body::One(message)) = scan(&bytes, &SCAN_LIMITS) else {
            tracing::warn!(
                server = &*self.peer.server.name,
                "a message that cannot be read was dropped"
            );
            return After::GoesOn;
        };
        match message.kind {
            Kind::Request { id, .. } => self.ask(&bytes, &message, id).await,
            _ => self.tell(&bytes, &message).await,
        }
    }

    async fn ask(&mut self, bytes: &[u8], message: &Message, id: Id) -> After {
        let asked: Box<[u8]> = id.raw(bytes).into();
        let exchange = Exchange {
            peer: Arc::clone(&self.peer),
            outlet: Outlet::Session {
                outbox: self.outbox.clone(),
                during: Some(asked.clone()),
            },
            asked,
            learnt: Learnt::default(),
        };
        let sent = match self.peer.post(bytes).await {
            Ok(sent) => sent,
            Err(failed) => return exchange.not_sent(&failed).await,
        };
        if message.method() == Some(Method::Initialize) {
            return self.shake_hands(exchange, sent).await;
        }
        let key = id_key(&exchange.asked).into_owned();
        let handle = self.exchanges.spawn(exchange.run(sent));
        self.running.insert(key, handle);
        After::GoesOn
    }

    /// Waits for the whole handshake: what comes next must carry what it settles.
    async fn shake_hands(&mut self, mut exchange: Exchange, sent: Sent) -> After {
        exchange.learnt.is_handshake = true;
        let answer = match sent.answer().await {
            Ok(answer) => answer,
            Err(failed) => return exchange.end(failed.into()).await,
        };
        let mut peer = Peer::new(Arc::clone(&self.peer.server));
        match session_id(&answer) {
            Ok(id) => peer.session_id = id,
            Err(failed) => return exchange.end(failed.into()).await,
        }
        let outcome = exchange.relay(answer).await;
        peer.version = exchange.learnt.version.take();
        self.peer = Arc::new(peer);
        exchange.end(outcome).await
    }

    /// Sends what expects no answer.
    async fn tell(&mut self, bytes: &[u8], message: &Message) -> After {
        let method = message.method();
        let sent = match self.peer.post(bytes).await {
            Ok(sent) => sent,
            Err(failed) => {
                tracing::debug!(server = &*self.peer.server.name, %failed, "a message was not sent");
                return After::GoesOn;
            }
        };
        let mut taking = Box::pin(taken(Arc::clone(&self.peer), sent));
        let patience = match method {
            Some(Method::Initialized) => HANDSHAKE_TIME,
            _ => ORDER_TIME,
        };
        let after = timeout(patience, &mut taking).await.unwrap_or_else(|_| {
            self.exchanges.spawn(taking);
            After::GoesOn
        });
        match method {
            Some(Method::Initialized) => {
                let listening = listen(Arc::clone(&self.peer), self.outbox.clone());
                self.exchanges.spawn(listening);
            }
            Some(Method::Cancelled) => self.stop(bytes, message),
            _ => {}
        }
        after
    }

    /// Waits no longer for the answer to the request that `message` cancels.
    fn stop(&mut self, bytes: &[u8], message: &Message) {
        let id = message.call().and_then(|call| call.params.request_id);
        let key = id.map(|id| id_key(id.raw(bytes)).into_owned());
        if let Some(exchange) = key.and_then(|key| self.running.remove(&key)) {
            exchange.abort();
        }
    }
}

/// Waits until the server has taken a notification or a response.
async fn taken(peer: Arc<Peer>, sent: Sent) -> After {
    match sent.answer().await {
        Ok(answer) if peer.is_lost(&answer) => return After::Ends(LinkEnd::SessionLost),
        Ok(answer) => {
            if answer.status >= 300 {
                tracing::debug!(
                    server = &*peer.server.name,
                    status = answer.status,
                    "a message was refused"
                );
            }
            peer.server.retire(answer);
        }
        Err(failed) => {
            tracing::debug!(server = &*peer.server.name, %failed, "a message may be lost");
        }
    }
    After::GoesOn
}

/// A request and the way of its answer.
struct Exchange {
    peer: Arc<Peer>,
    outlet: Outlet,
    /// The raw id.
    asked: Box<[u8]>,
    learnt: Learnt,
}

impl Exchange {
    async fn run(mut self, sent: Sent) -> After {
        let mut outcome = match sent.answer().await {
            Ok(answer) if self.peer.is_lost(&answer) => return After::Ends(LinkEnd::SessionLost),
            Ok(answer) => self.relay(answer).await,
            Err(failed) => failed.into(),
        };
        let mut fruitless = 0;
        while outcome == Outcome::Broke && self.learnt.last_event_id.is_some() {
            if fruitless >= RESUMES_MAX {
                break;
            }
            let before = self.learnt.last_event_id.clone();
            outcome = match self.resumed().await {
                Ok(answer) if self.peer.is_lost(&answer) => {
                    return After::Ends(LinkEnd::SessionLost);
                }
                Ok(answer) if answer.status == 200 => self.relay(answer).await,
                Ok(_) | Err(_) => Outcome::Broke,
            };
            fruitless = match self.learnt.last_event_id == before {
                true => fruitless + 1,
                false => 0,
            };
        }
        self.end(outcome).await
    }

    /// Goes on with a stream that broke off, after the pause that the server wants.
    async fn resumed(&self) -> Result<Incoming<Client>, HttpFailed> {
        let pause = self.learnt.retry_ms.map(Duration::from_millis);
        sleep(pause.unwrap_or(RESUME_PAUSE).max(RESUME_PAUSE_MIN)).await;
        self.peer.get(self.learnt.last_event_id.as_deref()).await
    }

    async fn relay(&mut self, answer: Incoming<Client>) -> Outcome {
        let server = Arc::clone(&self.peer.server);
        relay(&server, answer, &self.asked, &self.outlet, &mut self.learnt).await
    }

    async fn not_sent(self, failed: &HttpFailed) -> After {
        tracing::debug!(server = &*self.peer.server.name, %failed, "a request was not sent");
        self.end(Outcome::Failed(failed.failure())).await
    }

    /// A request that got no response is answered with an error.
    async fn end(self, outcome: Outcome) -> After {
        if let Some(failure) = outcome.failure() {
            // Where nobody takes messages any more, the session ends by itself.
            let _ = self.outlet.fail(&self.asked, failure).await;
        }
        After::GoesOn
    }
}
