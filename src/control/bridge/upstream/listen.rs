//! The standalone stream of a session over Streamable HTTP: what a server says beside all requests.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::http::After;
use super::outlet::{Expected, Outlet, PutError};
use super::peer::Peer;
use super::relay::{Content, Learnt, is_too_large};
use crate::control::bridge::{FromServer, LinkEnd};
use crate::control::http::{Client, Events, Incoming};

/// Pause before the stream is opened again, at first and at most. It doubles while the stream brings nothing.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Shortest pause, whatever the server asks for.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// Holds the standalone stream open for as long as the session lasts, where the server offers one.
pub(super) async fn listen(peer: Arc<Peer>, outbox: mpsc::Sender<FromServer>) -> After {
    let outlet = Outlet::Session {
        outbox,
        during: None,
    };
    let mut learnt = Learnt::default();
    let mut pause = PAUSE_FIRST;
    loop {
        learnt.has_events = false;
        match peer.get(learnt.last_event_id.as_deref()).await {
            Ok(answer) if peer.is_lost(&answer) => return After::Ends(LinkEnd::SessionLost),
            Ok(answer) if is_stream(&answer) => {
                match hand_on(&peer, answer, &outlet, &mut learnt).await {
                    Left::Ended => {}
                    Left::TooLarge => return After::Ends(LinkEnd::TooLarge),
                    Left::Gone => return After::GoesOn,
                }
            }
            Ok(answer) => {
                let status = answer.status;
                peer.server.retire(answer);
                // The place in the stream may be what is refused.
                let mut may_begin_anew = || status != 405 && learnt.last_event_id.take().is_some();
                if !(may_open_later(status) || may_begin_anew()) {
                    tracing::debug!(server = &*peer.server.name, status, "no standalone stream");
                    return After::GoesOn;
                }
            }
            Err(failed) => {
                tracing::debug!(server = &*peer.server.name, %failed, "standalone stream is not open");
            }
        }
        pause = match learnt.has_events {
            true => PAUSE_FIRST,
            false => (pause * 2).min(PAUSE_MAX),
        };
        let wanted = learnt.retry_ms.filter(|_| learnt.has_events);
        sleep(wanted.map_or(pause, Duration::from_millis).max(PAUSE_MIN)).await;
    }
}

fn is_stream(answer: &Incoming<Client>) -> bool {
    answer.status == 200 && Content::of(answer) == Content::Events
}

/// Whether the stream may be had another time: the server is busy, or has not noticed yet that the last one is gone. 405 says
/// that there is no such stream; what else is no answer of a stream will not become one.
const fn may_open_later(status: u16) -> bool {
    matches!(status, 409 | 429 | 500..=599)
}

/// Why nothing more of a stream is handed on.
enum Left {
    Ended,
    TooLarge,
    Gone,
}

async fn hand_on(
    peer: &Peer,
    answer: Incoming<Client>,
    outlet: &Outlet,
    learnt: &mut Learnt,
) -> Left {
    let mut events = Events::of(answer, peer.server.message_bytes_max);
    loop {
        let event = match events.next().await {
            Ok(Some(event)) => event,
            Err(error) if is_too_large(&error) => return Left::TooLarge,
            Ok(None) | Err(_) => return Left::Ended,
        };
        learnt.note(&event);
        if !event.is_message() {
            continue;
        }
        match outlet.put_all(&event.data, Expected::NoResponse).await {
            Ok(_) => {}
            Err(PutError::Gone) => return Left::Gone,
            Err(PutError::NoMessage(error)) => {
                tracing::debug!(server = &*peer.server.name, %error, "upstream sent what is no message");
            }
        }
    }
}
