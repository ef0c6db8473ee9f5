//! A list in a JSON answer: held whole, pruned, sent.

use guard_io::Buffer;
use guard_io::http1::{BodyFraming, BodyReader};

use super::{Halt, Kind, Leg, READ_BYTES, Relayed, read_more, write_head};
use crate::engine::filter::{FilterError, Outcome, Visible, filter_message};
use crate::metrics::Bound;
use crate::worker::exchange::{Exchange, Fate};
use crate::worker::forward::{Inbound, UpstreamFault};
use crate::worker::{answer, intake};

/// Reads the answer whole, prunes it to what `visible` shows, and sends it. What cannot be read strictly is not sent.
pub(super) async fn run(
    exchange: &mut Exchange<'_>,
    leg: &Leg<'_>,
    visible: &Visible<'_>,
    inbound: &mut Inbound,
) -> Relayed {
    let length = match read_whole(exchange, leg, inbound).await {
        Ok(length) => length,
        Err(relayed) => return relayed,
    };
    let end = inbound.head.head_len + length;
    let whole = &inbound.buffer[inbound.head.head_len..end];
    let mut pruned = Buffer::with_capacity(length);
    let body: &[u8] = match prune(whole, leg, visible, &mut pruned) {
        Ok(Outcome::Unchanged) => whole,
        Ok(Outcome::Rewritten { .. }) => &pruned,
        // A refusal passes without its body: an upstream may say no in a form of its own.
        Err(_) if inbound.head.status >= 400 => b"",
        Err(_) => return Relayed::Failed(UpstreamFault::BadAnswer("list cannot be read strictly")),
    };
    let mut out = Buffer::new();
    let framing = BodyFraming::Length(body.len() as u64);
    write_head(&mut out, exchange, leg, inbound, Kind::Json, framing);
    exchange.account.response_bytes = body.len() as u64;
    let stall_ms = exchange.view.limits().write_stall_ms;
    let sent = answer::send_pair(&exchange.connection.stream, &out, body, stall_ms).await;
    inbound.buffer.consume_front(end);
    match (sent, exchange.envelope.keeps_alive) {
        (Err(_), _) => Relayed::Whole(Fate::Abort),
        (Ok(()), true) => Relayed::Whole(Fate::Continue),
        (Ok(()), false) => Relayed::Whole(Fate::Close),
    }
}

/// An empty body is no list and passes: an upstream may answer an error without one.
fn prune(
    whole: &[u8],
    leg: &Leg<'_>,
    visible: &Visible<'_>,
    pruned: &mut Buffer,
) -> Result<Outcome, FilterError> {
    if whole.is_empty() {
        return Ok(Outcome::Unchanged);
    }
    filter_message(whole, leg.era, visible, pruned.as_mut_vec())
}

/// Reads the body to its end, free of framing, right behind the head in the buffer. Returns its length.
async fn read_whole(
    exchange: &Exchange<'_>,
    leg: &Leg<'_>,
    inbound: &mut Inbound,
) -> Result<usize, Relayed> {
    let list_bytes_max = exchange.view.limits().list_bytes;
    let head_len = inbound.head.head_len;
    let mut body = BodyReader::response(inbound.head.framing);
    let mut length = 0;
    loop {
        length += intake::decode(&mut body, &mut inbound.buffer, head_len + length)
            .map_err(|_| Relayed::Failed(UpstreamFault::BadAnswer("malformed chunk")))?;
        if length as u64 + body.announced_bytes() > list_bytes_max as u64 {
            exchange.worker.metrics().bound(Bound::ListBytes);
            return Err(Relayed::Failed(TOO_LARGE));
        }
        if body.is_done() {
            return Ok(length);
        }
        // Bounded by what was just checked.
        let announced = usize::try_from(body.announced_bytes()).unwrap_or(list_bytes_max);
        inbound
            .buffer
            .reserve(announced.max(length).max(READ_BYTES));
        let before = inbound.buffer.len();
        match read_more(exchange, leg, &inbound.stream, &mut inbound.buffer, &body).await {
            Ok(()) if inbound.buffer.len() == before => return Ok(length),
            Ok(()) => {}
            Err(Halt::Fault(fault)) => return Err(Relayed::Failed(fault)),
            Err(Halt::ClientGone) => return Err(Relayed::Left(body)),
        }
    }
}

const TOO_LARGE: UpstreamFault = UpstreamFault::BadAnswer("list is larger than limits.list_bytes");
