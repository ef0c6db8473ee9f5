//! One client connection: request after request until either side is done.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use guard_io::http1::{HeadRefusal, Version};
use guard_io::{Buffer, Clock, ConnectionSlot, Either, Stream, select, time};

use super::account::{Account, Described};
use super::answer::{self, Envelope};
use super::exchange::{self, Fate};
use super::handshake::{Ready, make_ready};
use super::intake::{self, HeadFault};
use super::secured::Secured;
use super::state::{View, Worker};
use crate::engine::identity::mtls::ClientCertificate;
use crate::engine::limits::{
    DRAIN_BYTES_MAX, DRAIN_IDLE_MS, DRAIN_MS_MAX, Limits, REQUESTS_PER_CONNECTION_MAX,
};
use crate::engine::reply::{Failure, ReplyId};
use crate::engine::snapshot::Snapshot;
use crate::metrics::Bound;

/// A connection with what was read and not yet used.
pub(super) struct Connection {
    pub(super) stream: Stream,
    pub(super) peer: SocketAddr,
    pub(super) buffer: Buffer,
    /// What the TLS handshake settled; `None` for plain HTTP.
    secured: Option<Box<Secured>>,
    served: u64,
}

/// Serves `stream` to its end. `_slot` counts it.
pub(super) async fn serve(
    worker: Rc<Worker>,
    stream: Stream,
    peer: SocketAddr,
    _slot: ConnectionSlot,
) {
    let Some(Ready { stream, secured }) = make_ready(&worker, stream).await else {
        return;
    };
    worker.metrics().connections.inc();
    let mut connection = Connection {
        stream,
        peer,
        buffer: Buffer::new(),
        secured,
        served: 0,
    };
    let ending = connection.run(&worker).await;
    worker.metrics().connections.dec();
    match ending {
        Ending::Now => {}
        Ending::Linger => linger(connection.stream, connection.buffer).await,
        Ending::Reset => connection.stream.abort(),
    }
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// Nothing is on its way to the client.
    Now,
    /// An answer is, and unread bytes would make the kernel reset it away.
    Linger,
    /// What was sent must not look whole.
    Reset,
}

impl Connection {
    async fn run(&mut self, worker: &Rc<Worker>) -> Ending {
        loop {
            let view = worker.view();
            if !self.awaits_request(worker, view.limits()).await {
                return Ending::Now;
            }
            let mut index = worker.take_index();
            let head =
                intake::read_head(&self.stream, &mut self.buffer, view.limits(), &mut index).await;
            self.stream.set_deadline(None);
            // Configuration may have changed while the connection was idle.
            let view = worker.view();
            if !self.stands(&view) {
                worker.give_index(index);
                return Ending::Now;
            }
            let ending = match head {
                Ok(head) => match exchange::run(worker, &view, self, head, &index).await {
                    Fate::Continue => None,
                    Fate::Close => Some(Ending::Linger),
                    Fate::Abort => Some(Ending::Now),
                    Fate::Reset => Some(Ending::Reset),
                },
                Err(fault) => Some(self.refuse_head(worker, &view, fault).await),
            };
            worker.give_index(index);
            self.served += 1;
            match ending {
                Some(ending) => return ending,
                None if self.served >= REQUESTS_PER_CONNECTION_MAX => return Ending::Linger,
                None => {}
            }
        }
    }

    /// Whether a connection like this one would still be taken: plain or under TLS as the listener is now, and from a client
    /// that is still trusted. Cost: two comparisons where nothing has changed.
    pub(super) fn stands(&self, view: &View) -> bool {
        match (&self.secured, &view.live.tls) {
            (None, None) => true,
            (Some(secured), Some(tls)) => {
                secured.stands(tls, &self.stream, Clock::unix_micros() / 1_000_000)
            }
            _ => false,
        }
    }

    /// The client's certificate, where it is a credential.
    pub(super) fn certificate(&self, snapshot: &Snapshot) -> Option<&ClientCertificate> {
        let secured = self.secured.as_ref()?;
        secured.certificate(&self.stream, snapshot)
    }

    /// The name that the client asked for in its handshake.
    pub(super) fn server_name(&self) -> Option<&str> {
        self.stream.tls_peer()?.server_name.as_deref()
    }

    /// Waits, without a buffer, until a request begins. `false` ends the connection.
    async fn awaits_request(&mut self, worker: &Worker, limits: &Limits) -> bool {
        if !self.buffer.is_empty() {
            return true;
        }
        self.buffer.release();
        let limit_ms = if self.served == 0 {
            limits.header_timeout_ms
        } else {
            limits.idle_timeout_ms
        };
        self.stream
            .set_deadline(Some(Duration::from_millis(limit_ms)));
        match select(self.stream.readable(), worker.draining.raised()).await {
            Either::Left(ready) => {
                if self.stream.timed_out() && self.served > 0 {
                    worker.metrics().bound(Bound::IdleTime);
                }
                ready.is_ok()
            }
            Either::Right(()) => self.has_one_more().await,
        }
    }

    /// A drain has begun: a request that is on its way already is served, since its sender could not know.
    async fn has_one_more(&self) -> bool {
        let grace = time::sleep(Duration::from_millis(DRAIN_IDLE_MS));
        matches!(
            select(self.stream.readable(), grace).await,
            Either::Left(Ok(()))
        )
    }

    async fn refuse_head(
        &mut self,
        worker: &Rc<Worker>,
        view: &Rc<View>,
        fault: HeadFault,
    ) -> Ending {
        let failure = match &fault {
            HeadFault::Gone => return Ending::Now,
            HeadFault::TimedOut => Failure::HeadTimeout,
            HeadFault::Refused(refusal) => head_failure(refusal),
        };
        let mut account = Account::open(worker, view, self.peer.ip());
        answer::count_bound(worker, &failure);
        let envelope = Envelope {
            request_id: account.request_id,
            version: Version::Http11,
            is_head: false,
            keeps_alive: false,
            cors_origin: None,
            standing: None,
            challenge: None,
        };
        let mut out = Buffer::new();
        let (status, length) = answer::write_failure(&mut out, &envelope, &failure, ReplyId::Null);
        account.status = status;
        account.response_bytes = length as u64;
        account.message = match fault {
            HeadFault::Refused(refusal) => Some(refusal.to_string().into()),
            _ => Some("request head did not come in time".into()),
        };
        let sent = answer::send(&self.stream, &out, view.limits().write_stall_ms).await;
        account.finish(|record| record(&Described::bare(b"", None)));
        if sent.is_ok() {
            Ending::Linger
        } else {
            Ending::Now
        }
    }
}

fn head_failure(refusal: &HeadRefusal) -> Failure {
    match refusal.status() {
        405 | 501 => Failure::MethodNotAllowed {
            allow: "POST, GET, DELETE, OPTIONS",
        },
        413 => Failure::BodyTooLarge { limit_bytes: 0 },
        414 | 431 => Failure::HeadTooLarge,
        417 => Failure::ExpectationFailed,
        505 => Failure::HttpVersion,
        _ => Failure::BadHead,
    }
}

/// Ends our side and reads on for a moment, so that the last answer is not lost to a reset (RFC 9112 §9.6).
pub(super) async fn linger(stream: Stream, mut buffer: Buffer) {
    buffer.release();
    if stream.shutdown_write().is_err() {
        return;
    }
    stream.set_deadline(Some(Duration::from_millis(DRAIN_MS_MAX)));
    let mut drained = 0;
    while drained < DRAIN_BYTES_MAX {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => drained += read,
        }
        buffer.clear();
    }
}
