//! Bytes that need no look.

use std::io;

use guard_io::Buffer;
use guard_io::http1::{
    BodyFraming, BodyReader, CHUNK_END, LAST_CHUNK, ResponseFraming, chunk_header,
};

use super::{Halt, Kind, Leg, Relayed, open_framing, read_more, write_head};
use crate::worker::answer;
use crate::worker::exchange::{Exchange, Fate};
use crate::worker::forward::{Inbound, UpstreamFault};

/// Pieces up to this size are copied together with their framing; larger ones are written in place.
const GATHERED_BYTES_MAX: usize = 4 << 10;

/// Size line and line end of a chunk, at most.
const CHUNK_FRAMING_BYTES_MAX: usize = 32;

const MALFORMED: UpstreamFault = UpstreamFault::BadAnswer("malformed chunk");

/// Passes the answer on, with the upstream's own length where it has one.
pub(super) async fn run(
    exchange: &mut Exchange<'_>,
    leg: &Leg<'_>,
    inbound: &mut Inbound,
) -> Relayed {
    let framing = match inbound.head.framing {
        ResponseFraming::None => BodyFraming::Unsaid,
        ResponseFraming::Length(length) => BodyFraming::Length(length),
        ResponseFraming::Chunked | ResponseFraming::UntilClose => open_framing(exchange),
    };
    let mut out = Buffer::with_capacity(super::READ_BYTES);
    write_head(&mut out, exchange, leg, inbound, Kind::Other, framing);
    inbound.buffer.consume_front(inbound.head.head_len);
    let mut body = BodyReader::response(inbound.head.framing);
    let mut ended = false;
    let mut is_begun = false;
    loop {
        // What has come goes out in one write, the head with the first of it. Small pieces are gathered; a large one is
        // written from where it was received.
        while !inbound.buffer.is_empty() && !body.is_done() {
            let step = match body.next(&inbound.buffer) {
                Ok(step) => step,
                Err(_) if is_begun => return Relayed::Broke(MALFORMED),
                Err(_) => return Relayed::Failed(MALFORMED),
            };
            let data = &inbound.buffer[step.data];
            exchange.account.response_bytes += data.len() as u64;
            if data.len() <= GATHERED_BYTES_MAX {
                append(&mut out, data, framing);
            } else {
                if framing == BodyFraming::Chunked {
                    chunk_header(out.as_mut_vec(), data.len());
                }
                if send_pair(exchange, &out, data).await.is_err() {
                    return Relayed::Left(body);
                }
                out.clear();
                is_begun = true;
                if framing == BodyFraming::Chunked {
                    out.extend_from_slice(CHUNK_END);
                }
            }
            inbound.buffer.consume_front(step.consumed);
        }
        let is_last = body.is_done() || ended;
        if is_last && framing == BodyFraming::Chunked {
            out.extend_from_slice(LAST_CHUNK);
        }
        if !out.is_empty() {
            if send_pair(exchange, &out, &[]).await.is_err() {
                return Relayed::Left(body);
            }
            out.clear();
            is_begun = true;
        }
        if is_last {
            return Relayed::Whole(if exchange.envelope.keeps_alive {
                Fate::Continue
            } else {
                Fate::Close
            });
        }
        let before = inbound.buffer.len();
        match read_more(exchange, leg, &inbound.stream, &mut inbound.buffer, &body).await {
            Ok(()) => ended = inbound.buffer.len() == before,
            Err(Halt::Fault(fault)) => return Relayed::Broke(fault),
            Err(Halt::ClientGone) => return Relayed::Left(body),
        }
    }
}

async fn send_pair(exchange: &Exchange<'_>, out: &Buffer, data: &[u8]) -> io::Result<()> {
    let stall_ms = exchange.view.limits().write_stall_ms;
    answer::send_pair(&exchange.connection.stream, out, data, stall_ms).await
}

fn append(out: &mut Buffer, data: &[u8], framing: BodyFraming) {
    if data.is_empty() {
        return;
    }
    out.reserve(data.len() + CHUNK_FRAMING_BYTES_MAX);
    if framing == BodyFraming::Chunked {
        chunk_header(out.as_mut_vec(), data.len());
        out.extend_from_slice(data);
        out.extend_from_slice(CHUNK_END);
    } else {
        out.extend_from_slice(data);
    }
}
