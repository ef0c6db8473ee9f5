//! A list in a JSON answer: held whole, pruned, sent.

use std::time::Duration;

use guard_io::Buffer;
use guard_io::http1::{BodyFraming, BodyReader};

use super::{Halt, Kind, Leg, Relayed, Visible, read_more, write_head};
use crate::engine::filter::{FilterError, Outcome, filter_message};
use crate::metrics::Bound;
use crate::worker::exchange::{Exchange, Fate};
use crate::worker::forward::{Inbound, UpstreamFault};

/// Reads the answer whole, prunes it to what `visible` shows, and sends it. What cannot be read strictly is not sent.
pub(super) async fn run(
    exchange: &mut Exchange<'_>,
    leg: &Leg<'_>,
    visible: &Visible<'_>,
    inbound: &mut Inbound,
) -> Relayed {
    let mut whole = Buffer::new();
    let mut body = BodyReader::response(inbound.head.framing);
    let mut rest = Buffer::new();
    rest.extend_from_slice(&inbound.buffer[inbound.head.head_len..]);
    if let Err(relayed) = read_whole(exchange, leg, inbound, &mut rest, &mut body, &mut whole).await
    {
        return relayed;
    }
    let mut pruned = Buffer::with_capacity(whole.len());
    let body_bytes: &[u8] = match prune(&whole, leg, visible, &mut pruned) {
        Ok(Outcome::Unchanged) => &whole,
        Ok(Outcome::Rewritten { .. }) => &pruned,
        // A refusal passes without its body: an upstream may say no in a form of its own.
        Err(_) if inbound.head.status >= 400 => b"",
        Err(_) => return Relayed::Failed(UpstreamFault::BadAnswer("list cannot be read strictly")),
    };
    let mut out = Buffer::new();
    write_head(
        &mut out,
        exchange,
        leg,
        inbound,
        Kind::Json,
        BodyFraming::Length(body_bytes.len() as u64),
    );
    exchange.account.response_bytes = body_bytes.len() as u64;
    let stream = &exchange.connection.stream;
    stream.set_deadline(Some(Duration::from_millis(
        exchange.view.limits().write_stall_ms,
    )));
    let sent = stream.write_all_pair(&out, body_bytes).await;
    stream.set_deadline(None);
    inbound.buffer = rest;
    match (sent, exchange.envelope.keeps_alive) {
        (Err(_), _) => Relayed::Whole(Fate::Abort),
        (Ok(()), true) => Relayed::Whole(Fate::Continue),
        (Ok(()), false) => Relayed::Whole(Fate::Close),
    }
}

/// An empty body is no list and passes: an upstream may answer an error without one.
fn prune(
    whole: &Buffer,
    leg: &Leg<'_>,
    visible: &Visible<'_>,
    pruned: &mut Buffer,
) -> Result<Outcome, FilterError> {
    if whole.is_empty() {
        return Ok(Outcome::Unchanged);
    }
    filter_message(whole, leg.era, visible, pruned.as_mut_vec())
}

async fn read_whole(
    exchange: &Exchange<'_>,
    leg: &Leg<'_>,
    inbound: &Inbound,
    rest: &mut Buffer,
    body: &mut BodyReader,
    whole: &mut Buffer,
) -> Result<(), Relayed> {
    let list_bytes = exchange.view.limits().list_bytes;
    let too_large = |exchange: &Exchange<'_>| {
        exchange.worker.metrics().bound(Bound::ListBytes);
        Relayed::Failed(UpstreamFault::BadAnswer(
            "list is larger than limits.list_bytes",
        ))
    };
    if body.announced_bytes() > list_bytes as u64 {
        return Err(too_large(exchange));
    }
    loop {
        while !rest.is_empty() && !body.is_done() {
            let step = body
                .next(rest)
                .map_err(|_| Relayed::Failed(UpstreamFault::BadAnswer("malformed chunk")))?;
            if whole.len() + step.data.len() > list_bytes {
                return Err(too_large(exchange));
            }
            whole.extend_from_slice(&rest[step.data]);
            rest.consume_front(step.consumed);
        }
        if body.is_done() {
            return Ok(());
        }
        let before = rest.len();
        match read_more(exchange, leg, &inbound.stream, rest, body).await {
            Ok(()) if rest.len() == before => return Ok(()),
            Ok(()) => {}
            Err(Halt::Fault(fault)) => return Err(Relayed::Failed(fault)),
            Err(Halt::ClientGone) => return Err(Relayed::Left(body.clone())),
        }
    }
}
