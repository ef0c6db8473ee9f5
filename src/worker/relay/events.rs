//! An event stream: event by event, as they arrive, each looked at for a list before it passes.
//!
//! An event is held until its end, or until it is too large to hold; by then the probe knows whether it is a list. A list is
//! held on (up to `limits.list_bytes`) and pruned; anything else streams on with the probe as a tripwire.

use std::time::Duration;

use guard_io::http1::{BodyFraming, BodyReader, CHUNK_END, LAST_CHUNK, chunk_header};
use guard_io::{Buffer, Clock, Either, Stream, select};

use super::{Kind, Leg, Relayed, open_framing, write_head};
use crate::engine::admission::Front;
use crate::engine::filter::probe::ListProbe;
use crate::engine::filter::{Outcome, Visible, filter_message};
use crate::engine::limits::STREAM_BUFFER_BYTES_MAX;
use crate::engine::mcp::revision::Era;
use crate::engine::mcp::sse::{Splitter, data_of, replace_data};
use crate::engine::reply::{Failure, ReplyId};
use crate::engine::route::message_endpoint;
use crate::metrics::Bound;
use crate::worker::answer;
use crate::worker::exchange::{Exchange, Fate};
use crate::worker::forward::{Inbound, UpstreamFault, read_fault};
use crate::worker::way::SessionText;

/// What keeps an idle stream from looking dead.
const COMMENT: &[u8] = b": keep-alive\n\n";

/// Relays the stream to its end.
pub(super) async fn run(
    exchange: &mut Exchange<'_>,
    leg: &Leg<'_>,
    visible: &Visible<'_>,
    inbound: &mut Inbound,
) -> Relayed {
    let framing = open_framing(exchange);
    let mut out = Buffer::new();
    write_head(&mut out, exchange, leg, inbound, Kind::Events, framing);
    inbound.buffer.consume_front(inbound.head.head_len);
    let mut pending = Buffer::new();
    if let (Front::SseStream, Some(SessionText::New(session))) = (exchange.front, &leg.session) {
        let endpoint = message_endpoint(&leg.server.name, session);
        pending.extend_from_slice(format!("event: endpoint\ndata: {endpoint}\n\n").as_bytes());
    }
    inbound.stream.set_deadline(None);
    exchange.release_request();
    exchange.worker.metrics().streams.inc();
    let mut relay = Relay {
        is_chunked: framing == BodyFraming::Chunked,
        ends_at_drain: ends_at_drain(exchange),
        filter: Filter::new(leg, visible, exchange.view.limits().list_bytes),
        body: BodyReader::response(inbound.head.framing),
        out,
        pending,
    };
    let relayed = relay.run(exchange, inbound).await;
    exchange.worker.metrics().streams.dec();
    relayed
}

/// Streams that wait for what may come, rather than for an answer, end when a drain begins.
fn ends_at_drain(exchange: &Exchange<'_>) -> bool {
    use crate::engine::mcp::methods::Method;
    let is_get = exchange.head.method == guard_io::http1::Method::Get;
    is_get || exchange.has_method(Method::SubscriptionsListen)
}

/// Whether the caller may still listen: its key may have run out, its key, its issuer's key or its certificate's authority been
/// taken away since the stream began, or its token's issuer be due to be asked again, for which a stream that only waits makes room:
/// its client comes back. Looked at with each event and each keep-alive.
fn may_go_on(exchange: &Exchange<'_>, is_waiting: bool) -> bool {
    let Some(principal) = &exchange.account.principal else {
        return false;
    };
    let now_secs = Clock::unix_micros() / 1_000_000;
    let view = exchange.worker.view();
    let identity = &view.snapshot().identity;
    exchange.connection.stands(&view)
        && identity.still_holds(principal, &view.live.keys, now_secs)
        && !(is_waiting && principal.is_to_be_renewed(now_secs))
}

struct Relay<'a> {
    is_chunked: bool,
    ends_at_drain: bool,
    filter: Filter<'a>,
    body: BodyReader,
    /// What goes out before `pending`: the head at first, then the size of a chunk.
    out: Buffer,
    /// Bytes of the stream that are ready to go.
    pending: Buffer,
}

/// What a stream waited for and got.
enum Event {
    Bytes,
    End,
    Fault(UpstreamFault),
    ClientGone,
    Silence,
    Drain,
    Expiry,
}

impl Relay<'_> {
    async fn run(&mut self, exchange: &mut Exchange<'_>, inbound: &mut Inbound) -> Relayed {
        loop {
            if !may_go_on(exchange, self.ends_at_drain) {
                exchange.envelope.keeps_alive = false;
                return self
                    .tell(exchange, Failure::SessionUnknown, UpstreamFault::Revoked)
                    .await;
            }
            if let Err(fault) = self.take(&mut inbound.buffer) {
                return self.break_off(exchange, fault).await;
            }
            if self.body.is_done() {
                return self.end(exchange).await;
            }
            if self.flush(exchange).await.is_err() {
                return Relayed::Left(self.body.clone());
            }
            if inbound.buffer.is_empty() {
                inbound.buffer.release();
            }
            match self
                .wait(exchange, &inbound.stream, &mut inbound.buffer)
                .await
            {
                Event::Bytes => {}
                Event::Silence => self.pending.extend_from_slice(COMMENT),
                Event::ClientGone => return Relayed::Left(self.body.clone()),
                Event::End if self.body.finish_on_eof().is_ok() => return self.end(exchange).await,
                Event::End => return self.break_off(exchange, UpstreamFault::Ended).await,
                Event::Fault(fault) => return self.break_off(exchange, fault).await,
                Event::Drain | Event::Expiry => {
                    exchange.envelope.keeps_alive = false;
                    return self
                        .tell(exchange, Failure::Draining, UpstreamFault::Drained)
                        .await;
                }
            }
        }
    }

    /// Takes what has come of the body through the filter.
    fn take(&mut self, buffer: &mut Buffer) -> Result<(), UpstreamFault> {
        while !buffer.is_empty() && !self.body.is_done() {
            let step = self
                .body
                .next(buffer)
                .map_err(|_| UpstreamFault::BadAnswer("malformed chunk"))?;
            self.filter.take(&buffer[step.data], &mut self.pending)?;
            buffer.consume_front(step.consumed);
        }
        Ok(())
    }

    /// Sends what is ready as one chunk in one write.
    async fn flush(&mut self, exchange: &mut Exchange<'_>) -> std::io::Result<()> {
        if !self.pending.is_empty() {
            exchange.account.response_bytes += self.pending.len() as u64;
            if self.is_chunked {
                chunk_header(self.out.as_mut_vec(), self.pending.len());
                self.pending.extend_from_slice(CHUNK_END);
            }
        }
        if self.out.is_empty() && self.pending.is_empty() {
            return Ok(());
        }
        let stream = &exchange.connection.stream;
        stream.set_deadline(Some(Duration::from_millis(
            exchange.view.limits().write_stall_ms,
        )));
        let sent = stream.write_all_pair(&self.out, &self.pending).await;
        stream.set_deadline(None);
        self.out.release();
        self.pending.release();
        if sent.is_err() && stream.timed_out() {
            exchange.worker.metrics().bound(Bound::WriteStall);
        }
        sent
    }

    async fn wait(&self, exchange: &Exchange<'_>, upstream: &Stream, buffer: &mut Buffer) -> Event {
        let worker = exchange.worker;
        let is_between_events = self.filter.is_between_events();
        let silence = async {
            match is_between_events {
                true => {
                    guard_io::time::sleep(Duration::from_millis(
                        exchange.view.limits().sse_keepalive_ms,
                    ))
                    .await
                }
                false => std::future::pending().await,
            }
        };
        let drain = async {
            match self.ends_at_drain && is_between_events {
                true => worker.draining.raised().await,
                false => std::future::pending().await,
            }
        };
        let ends = select(
            exchange.connection.stream.hangup(),
            select(drain, worker.expired.raised()),
        );
        match select(upstream.read(buffer), select(ends, silence)).await {
            Either::Left(Ok(0)) => Event::End,
            Either::Left(Ok(_)) => Event::Bytes,
            Either::Left(Err(error)) => Event::Fault(read_fault(&error)),
            Either::Right(Either::Right(())) => Event::Silence,
            Either::Right(Either::Left(Either::Left(()))) => Event::ClientGone,
            Either::Right(Either::Left(Either::Right(Either::Left(())))) => Event::Drain,
            Either::Right(Either::Left(Either::Right(Either::Right(())))) => Event::Expiry,
        }
    }

    /// The upstream has ended its stream: so do we.
    async fn end(&mut self, exchange: &mut Exchange<'_>) -> Relayed {
        if let Err(fault) = self.filter.finish(&mut self.pending) {
            return self.break_off(exchange, fault).await;
        }
        if self.flush(exchange).await.is_err() {
            return Relayed::Whole(Fate::Abort);
        }
        self.close(exchange).await
    }

    async fn close(&mut self, exchange: &mut Exchange<'_>) -> Relayed {
        let last: &[u8] = if self.is_chunked { LAST_CHUNK } else { b"" };
        let sent = answer::send(
            &exchange.connection.stream,
            last,
            exchange.view.limits().write_stall_ms,
        )
        .await;
        Relayed::Whole(match (sent, exchange.envelope.keeps_alive) {
            (Err(_), _) => Fate::Abort,
            (Ok(()), true) => Fate::Continue,
            (Ok(()), false) => Fate::Close,
        })
    }

    /// The upstream broke off: the client is told where an event may follow, and sees a broken stream in any case, so that
    /// a legacy client resumes and a modern one asks again.
    async fn break_off(&mut self, exchange: &mut Exchange<'_>, fault: UpstreamFault) -> Relayed {
        let failure = fault.failure().unwrap_or(Failure::UpstreamBroke);
        self.append_error(exchange, failure);
        // A client that is gone as well changes nothing.
        let _ = self.flush(exchange).await;
        Relayed::Broke(fault)
    }

    /// Ends the stream in order, with an error for the request that it answers.
    async fn tell(
        &mut self,
        exchange: &mut Exchange<'_>,
        failure: Failure,
        fault: UpstreamFault,
    ) -> Relayed {
        self.append_error(exchange, failure);
        if !self.filter.is_between_events() || self.flush(exchange).await.is_err() {
            return Relayed::Broke(fault);
        }
        exchange.account.message = Some(fault.to_string().into());
        match self.close(exchange).await {
            // The upstream is still sending: its connection is not to be used again.
            Relayed::Whole(_) => Relayed::Broke(fault),
            other => other,
        }
    }

    fn append_error(&mut self, exchange: &Exchange<'_>, failure: Failure) {
        if self.filter.is_amid_event() {
            return;
        }
        self.filter.drop_held();
        if let Some(id) = exchange.only_id() {
            let request_id = exchange.envelope.request_id.as_str();
            failure.encode_event(ReplyId::Known(&id), request_id, self.pending.as_mut_vec());
        }
    }
}

/// Holds an event until it is known to be harmless, then lets it pass, pruned where it is a list.
struct Filter<'a> {
    era: Era,
    visible: &'a Visible<'a>,
    list_bytes_max: usize,
    /// Whether events need no look: the caller sees everything, and nothing is to be written into lists.
    is_open: bool,
    splitter: Splitter,
    probe: ListProbe,
    held: Buffer,
    /// Whether the first part of the current event has passed already.
    passing: bool,
}

impl<'a> Filter<'a> {
    fn new(leg: &Leg<'_>, visible: &'a Visible<'a>, list_bytes_max: usize) -> Self {
        Self {
            era: leg.era,
            visible,
            list_bytes_max,
            is_open: leg.era == Era::Legacy && visible.shows_everything(),
            splitter: Splitter::new(),
            probe: ListProbe::new(),
            held: Buffer::new(),
            passing: false,
        }
    }

    fn is_between_events(&self) -> bool {
        self.splitter.is_between_events() && self.held.is_empty()
    }

    /// Whether the client has the beginning of an event and not its end: nothing else may be said there.
    fn is_amid_event(&self) -> bool {
        let has_passed = self.is_open || self.passing;
        has_passed && !self.splitter.is_between_events()
    }

    fn drop_held(&mut self) {
        self.held.release();
    }

    fn take(&mut self, mut bytes: &[u8], out: &mut Buffer) -> Result<(), UpstreamFault> {
        while !bytes.is_empty() {
            let probe = &mut self.probe;
            let end = match self.is_open {
                true => self.splitter.feed(bytes),
                false => self.splitter.feed_data(bytes, |data| {
                    probe.feed(data);
                }),
            };
            let (part, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            match end {
                Some(_) => self.end_event(part, out)?,
                None => self.go_on(part, out)?,
            }
            bytes = rest;
        }
        Ok(())
    }

    /// The stream has ended; what is left of an event must be discarded by every reader, so it may pass.
    fn finish(&mut self, out: &mut Buffer) -> Result<(), UpstreamFault> {
        if self.splitter.is_complete() && !self.held.is_empty() {
            return self.end_event(&[], out);
        }
        self.held.release();
        Ok(())
    }

    fn end_event(&mut self, last: &[u8], out: &mut Buffer) -> Result<(), UpstreamFault> {
        let must_filter = self.probe.probed().must_filter();
        let passing = std::mem::take(&mut self.passing);
        self.probe = ListProbe::new();
        if self.is_open || passing || !must_filter {
            if passing && must_filter {
                return Err(TRIPPED);
            }
            out.extend_from_slice(&self.held);
            out.extend_from_slice(last);
            self.held.release();
            return Ok(());
        }
        self.held.extend_from_slice(last);
        let pruned = self.prune(out);
        self.held.release();
        pruned
    }

    fn prune(&self, out: &mut Buffer) -> Result<(), UpstreamFault> {
        let mut joined = Vec::new();
        let data = data_of(&self.held, &mut joined).unwrap_or_default();
        let mut message = Vec::new();
        match filter_message(data, self.era, self.visible, &mut message) {
            Ok(Outcome::Unchanged) => out.extend_from_slice(&self.held),
            Ok(Outcome::Rewritten { .. }) => {
                out.reserve(message.len() + 256);
                replace_data(&self.held, &message, out.as_mut_vec());
            }
            Err(_) => return Err(UpstreamFault::BadAnswer("list cannot be read strictly")),
        }
        Ok(())
    }

    /// The event goes on beyond `part`.
    fn go_on(&mut self, part: &[u8], out: &mut Buffer) -> Result<(), UpstreamFault> {
        let must_filter = self.probe.probed().must_filter();
        if self.is_open {
            out.extend_from_slice(part);
            return Ok(());
        }
        if self.passing && must_filter {
            return Err(TRIPPED);
        }
        if self.passing {
            out.extend_from_slice(part);
            return Ok(());
        }
        self.held.extend_from_slice(part);
        if must_filter {
            let fits = self.held.len() <= self.list_bytes_max;
            return if fits {
                Ok(())
            } else {
                Err(UpstreamFault::BadAnswer(
                    "list is larger than limits.list_bytes",
                ))
            };
        }
        if self.held.len() > STREAM_BUFFER_BYTES_MAX {
            out.extend_from_slice(&self.held);
            self.held.release();
            self.passing = true;
        }
        Ok(())
    }
}

/// A list that shows itself only after the first part of its event has passed cannot be pruned any more.
const TRIPPED: UpstreamFault =
    UpstreamFault::BadAnswer("list behind 64 KiB of other members in one event");
