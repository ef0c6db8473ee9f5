//! From an accepted connection to one that HTTP is spoken on: the TLS handshake, where the listener has certificates.
//!
//! **Invariant:** a connection that does not end its handshake in time is cut, and one whose handshake fails carries no request.

use std::time::Duration;

use guard_io::tls::{HandshakeFailure, ServerTls};
use guard_io::{Buffer, Either, Stream, select, time};

use super::connection::linger;
use super::secured::Secured;
use super::state::{View, Worker};
use crate::engine::limits::DRAIN_HANDSHAKE_MS;
use crate::metrics::TlsHandshake;

/// What is said to who speaks HTTP, or anything else, where TLS is spoken.
const NOT_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
Content-Type: text/plain; charset=utf-8\r\n\
Content-Length: 58\r\n\
Connection: close\r\n\
\r\n\
This port speaks HTTPS: use a URL that begins with https.\n";

/// A connection that requests may come on.
pub(super) struct Ready {
    pub(super) stream: Stream,
    /// What the handshake settled; `None` for plain HTTP.
    pub(super) secured: Option<Box<Secured>>,
}

/// Makes `stream` ready for requests; `None` where it has ended. Cost on a listener without TLS: one look at the view.
pub(super) async fn make_ready(worker: &Worker, stream: Stream) -> Option<Ready> {
    let view = worker.view();
    match &view.live.tls {
        None => Some(Ready {
            stream,
            secured: None,
        }),
        // Boxed, because it is large and over soon, and every connection's task would carry it.
        Some(tls) => Box::pin(shake_hands(worker, &view, tls, stream)).await,
    }
}

async fn shake_hands(
    worker: &Worker,
    view: &View,
    tls: &ServerTls,
    stream: Stream,
) -> Option<Ready> {
    let limits = view.limits();
    let limit = Duration::from_millis(limits.header_timeout_ms);
    let accepted = match select(stream.accept_tls(tls, limit), end_of_patience(worker)).await {
        Either::Left(accepted) => accepted,
        Either::Right(()) => {
            worker.metrics().tls_handshake(TlsHandshake::TimedOut);
            return None;
        }
    };
    match accepted {
        Ok(stream) => {
            let is_resumed = stream.tls_peer().is_some_and(|peer| peer.is_resumed);
            worker.metrics().tls_handshake(match is_resumed {
                true => TlsHandshake::Resumed,
                false => TlsHandshake::Full,
            });
            Some(Ready {
                stream,
                secured: Some(Box::new(Secured::new(tls.clone()))),
            })
        }
        Err((failure, stream)) => {
            worker.metrics().tls_handshake(result(&failure));
            tracing::debug!(peer = ?stream.peer_addr(), %failure, "no TLS with a client");
            if matches!(failure, HandshakeFailure::NotTls) {
                tell_in_clear(stream, limits.write_stall_ms).await;
            }
            None
        }
    }
}

/// A drain waits for no handshake for longer than this.
async fn end_of_patience(worker: &Worker) {
    worker.draining.raised().await;
    time::sleep(Duration::from_millis(DRAIN_HANDSHAKE_MS)).await;
}

async fn tell_in_clear(stream: Stream, write_stall_ms: u64) {
    stream.set_deadline(Some(Duration::from_millis(write_stall_ms)));
    if stream.write_all(NOT_TLS).await.is_ok() {
        linger(stream, Buffer::new()).await;
    }
}

const fn result(failure: &HandshakeFailure) -> TlsHandshake {
    match failure {
        HandshakeFailure::TimedOut => TlsHandshake::TimedOut,
        HandshakeFailure::Gone => TlsHandshake::Gone,
        HandshakeFailure::NotTls => TlsHandshake::NotTls,
        HandshakeFailure::Certificate(_) => TlsHandshake::Certificate,
        HandshakeFailure::Protocol(_) => TlsHandshake::Protocol,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::NOT_TLS;

    #[test]
    fn the_answer_in_clear_is_as_long_as_it_says() {
        let text = std::str::from_utf8(NOT_TLS).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let length = format!("Content-Length: {}", body.len());
        assert!(head.lines().any(|line| line == length), "{length}\n{head}");
    }
}
