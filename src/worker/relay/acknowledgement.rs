//! An answer that only says that a message was taken.
//!
//! Deployed servers frame its empty body in every way (`Transfer-Encoding: chunked` among them) and some add a word to it; the
//! client gets what the protocol says: no body.

use guard_io::Buffer;
use guard_io::http1::{BodyFraming, BodyReader};

use super::{Halt, Kind, Leg, Relayed, read_more, write_head};
use crate::engine::limits::STREAM_BUFFER_BYTES_MAX;
use crate::worker::answer;
use crate::worker::exchange::{Exchange, Fate};
use crate::worker::forward::{Inbound, UpstreamFault};

/// Reads the answer to its end and sends its head without a body.
pub(super) async fn run(
    exchange: &mut Exchange<'_>,
    leg: &Leg<'_>,
    inbound: &mut Inbound,
) -> Relayed {
    let mut rest = Buffer::new();
    rest.extend_from_slice(&inbound.buffer[inbound.head.head_len..]);
    if let Err(relayed) = read_out(exchange, leg, inbound, &mut rest).await {
        return relayed;
    }
    let mut out = Buffer::new();
    let framing = BodyFraming::Length(0);
    write_head(&mut out, exchange, leg, inbound, Kind::Other, framing);
    inbound.buffer = rest;
    let stall_ms = exchange.view.limits().write_stall_ms;
    let sent = answer::send(&exchange.connection.stream, &out, stall_ms).await;
    Relayed::Whole(match (sent, exchange.envelope.keeps_alive) {
        (Err(_), _) => Fate::Abort,
        (Ok(()), true) => Fate::Continue,
        (Ok(()), false) => Fate::Close,
    })
}

/// A word or two beside 202 is dropped; anything else with a body and no type is no answer.
async fn read_out(
    exchange: &Exchange<'_>,
    leg: &Leg<'_>,
    inbound: &Inbound,
    rest: &mut Buffer,
) -> Result<(), Relayed> {
    let bytes_max = match inbound.head.status {
        202 => STREAM_BUFFER_BYTES_MAX,
        _ => 0,
    };
    let mut body = BodyReader::response(inbound.head.framing);
    let mut dropped_bytes = 0;
    loop {
        while !rest.is_empty() && !body.is_done() {
            let step = body
                .next(rest)
                .map_err(|_| Relayed::Failed(UpstreamFault::BadAnswer("malformed chunk")))?;
            dropped_bytes += step.data.len();
            rest.consume_front(step.consumed);
        }
        if dropped_bytes > bytes_max {
            return Err(Relayed::Failed(UpstreamFault::BadAnswer(
                "body without a content type",
            )));
        }
        if body.is_done() {
            return Ok(());
        }
        match read_more(exchange, leg, &inbound.stream, rest, &body).await {
            // The connection ended, and the body with it.
            Ok(()) if rest.is_empty() => return Ok(()),
            Ok(()) => {}
            Err(Halt::Fault(fault)) => return Err(Relayed::Failed(fault)),
            Err(Halt::ClientGone) => return Err(Relayed::Left(body)),
        }
    }
}
