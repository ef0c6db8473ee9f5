//! The way back: an upstream's answer to the client, as it arrives.
//!
//! [`plain`] moves bytes, [`list`] holds one list and prunes it, [`events`] follows an event stream. What it never does: buffer
//! an answer whole unless it must be pruned, end a broken answer cleanly, or pass a redirect, a challenge or an encoded body.

mod acknowledgement;
mod events;
mod list;
mod plain;

use std::time::Duration;

use guard_io::http1::{
    BodyFraming, BodyReader, HeadWriter, ResponseFraming, ResponseHead, Version,
};
use guard_io::{Buffer, Either, Stream, select};

use super::detached::{self, Stage, Unfinished};
use super::exchange::{Exchange, Fate};
use super::forward::{Inbound, Outbound, UpstreamFault, goes_on_alone, read_fault};
use super::notes::Notes;
use super::way::SessionText;
use crate::engine::admission::Front;
use crate::engine::filter::Visible;
use crate::engine::identity::Principal;
use crate::engine::mcp::forwarding::forwards_response_field;
use crate::engine::mcp::revision::Era;
use crate::engine::snapshot::{Server, ServerIndex};
use crate::metrics::UpstreamResult;

const SESSION_FIELD: &[u8] = b"mcp-session-id";

/// First read of a body whose length is not known.
const READ_BYTES: usize = 16 << 10;
/// Reads of a body that fits into one.
const MIDDLE_READ_BYTES: usize = 64 << 10;
/// Reads of a body that is known to be large.
const LARGE_READ_BYTES: usize = 256 << 10;

/// What an answer's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Json,
    Events,
    /// No body, or one of an error that is nobody's business here.
    Other,
    /// It says "accepted" or names no type: there should be no body, whatever its framing.
    Acknowledgement,
}

/// Brings the answer to the client.
pub(super) async fn run(
    exchange: &mut Exchange<'_>,
    principal: &Principal,
    outbound: &Outbound,
    mut inbound: Inbound,
) -> Fate {
    let Some(index) = exchange.account.server else {
        return Fate::Abort;
    };
    let kind = match classify(exchange, &inbound) {
        Ok(kind) => kind,
        Err(fault) => {
            exchange.worker.give_index(inbound.index);
            return exchange.report_upstream(index, fault).await;
        }
    };
    exchange.account.status = inbound.head.status;
    let view = std::rc::Rc::clone(exchange.view);
    let server = view.snapshot().server(index);
    let visible = Visible { principal, server };
    exchange.learn_era(
        index,
        outbound.agreement.era,
        outbound.way,
        inbound.head.status,
    );
    let session = match session_of(exchange, index, outbound, &inbound) {
        Ok(session) => session,
        Err(fault) => {
            exchange.worker.give_index(inbound.index);
            return exchange.report_upstream(index, fault).await;
        }
    };
    let leg = Leg {
        era: outbound.agreement.era,
        server,
        session,
    };
    let fate = match kind {
        Kind::Events => events::run(exchange, &leg, &visible, &mut inbound).await,
        Kind::Json if asks_for_list(exchange) => {
            list::run(exchange, &leg, &visible, &mut inbound).await
        }
        Kind::Acknowledgement => acknowledgement::run(exchange, &leg, &mut inbound).await,
        Kind::Json | Kind::Other => plain::run(exchange, &leg, &mut inbound).await,
    };
    exchange.worker.give_index(inbound.index);
    // What failed before anything was sent is counted with its fault.
    if !matches!(fate, Relayed::Failed(_)) {
        count_answer(exchange, index, inbound.head.status);
    }
    match fate {
        Relayed::Whole(fate) => {
            settle(
                &view.upstreams.pool(index, outbound.way).clone(),
                inbound.stream,
                inbound.buffer,
                inbound.head,
            );
            fate
        }
        Relayed::Failed(fault) => exchange.report_upstream(index, fault).await,
        Relayed::Broke(fault) => {
            exchange.account.is_broken = true;
            exchange.account.message = Some(fault.to_string().into());
            match open_framing(exchange) {
                BodyFraming::Unsaid => Fate::Reset,
                _ => Fate::Abort,
            }
        }
        Relayed::Left(body) => {
            exchange.account.is_broken = true;
            exchange.account.message = Some(UpstreamFault::ClientGone.to_string().into());
            if goes_on_alone(exchange, leg.era) {
                let unfinished = Unfinished {
                    stream: inbound.stream,
                    buffer: inbound.buffer,
                    stage: Stage::Body(body),
                };
                detached::see_out(exchange.worker, &view, unfinished);
            }
            Fate::Abort
        }
    }
}

fn count_answer(exchange: &Exchange<'_>, server: ServerIndex, status: u16) {
    let result = if status < 500 {
        UpstreamResult::Ok
    } else {
        UpstreamResult::ServerError
    };
    let latency_ns = exchange.account.upstream_ns.unwrap_or(0);
    let state = exchange.view.live.server(server);
    state
        .metrics(exchange.worker.index)
        .observe(result, latency_ns);
}

/// How a relay ended.
enum Relayed {
    /// The client has the whole answer; the upstream's connection may serve again.
    Whole(Fate),
    /// Nothing was sent yet, and the client is to be told.
    Failed(UpstreamFault),
    /// The answer broke off midway, and must look so.
    Broke(UpstreamFault),
    /// The client left midway.
    Left(BodyReader),
}

/// What holds for the whole way back.
struct Leg<'a> {
    era: Era,
    server: &'a Server,
    /// The session id that the client is told.
    session: Option<SessionText>,
}

/// What the client is told where the answer names a session. An error begins none, and 2026-07-28 has none.
fn session_of(
    exchange: &Exchange<'_>,
    index: ServerIndex,
    outbound: &Outbound,
    inbound: &Inbound,
) -> Result<Option<SessionText>, UpstreamFault> {
    if outbound.agreement.era == Era::Modern || inbound.head.status >= 300 {
        return Ok(None);
    }
    let mut ids = inbound
        .index
        .headers(&inbound.buffer)
        .filter(|(name, _)| name.eq_ignore_ascii_case(SESSION_FIELD));
    match (ids.next(), ids.next()) {
        (None, _) => Ok(None),
        (Some((_, id)), None) => exchange
            .seal_session(index, outbound.way, id)
            .map(Some)
            .ok_or(UpstreamFault::BadAnswer("session id cannot be used")),
        (Some(_), Some(_)) => Err(UpstreamFault::BadAnswer("repeated session id")),
    }
}

/// Keeps the upstream's connection for the next request, where it ended cleanly and nothing follows the answer.
fn settle(pool: &guard_io::ConnectionPool, stream: Stream, buffer: Buffer, head: ResponseHead) {
    if head.keep_alive && buffer.is_empty() {
        stream.set_deadline(None);
        pool.checkin(stream);
    }
}

fn classify(exchange: &Exchange<'_>, inbound: &Inbound) -> Result<Kind, UpstreamFault> {
    let status = inbound.head.status;
    match status {
        401 | 407 => return Err(UpstreamFault::CredentialsRefused),
        300..=399 => return Err(UpstreamFault::BadAnswer("redirect")),
        _ => {}
    }
    let kind = content_kind(inbound)?;
    let is_empty = matches!(
        inbound.head.framing,
        ResponseFraming::None | ResponseFraming::Length(0)
    );
    let is_get = exchange.head.method == guard_io::http1::Method::Get;
    match kind {
        // Whatever its status: a stream is never passed without a look.
        Kind::Events => Ok(Kind::Events),
        Kind::Json if status < 300 && is_get => Err(UpstreamFault::BadAnswer("no event stream")),
        Kind::Json => Ok(Kind::Json),
        Kind::Other | Kind::Acknowledgement if is_empty || status >= 400 => Ok(Kind::Other),
        Kind::Other if status == 202 => Ok(Kind::Acknowledgement),
        Kind::Acknowledgement => Ok(Kind::Acknowledgement),
        Kind::Other => Err(UpstreamFault::BadAnswer(
            "content type is neither JSON nor an event stream",
        )),
    }
}

fn content_kind(inbound: &Inbound) -> Result<Kind, UpstreamFault> {
    let mut kind = None;
    for (name, value) in inbound.index.headers(&inbound.buffer) {
        if name.eq_ignore_ascii_case(b"content-encoding")
            && !value.eq_ignore_ascii_case(b"identity")
        {
            return Err(UpstreamFault::BadAnswer("encoded body"));
        }
        if name.eq_ignore_ascii_case(b"content-type") && kind.replace(kind_of(value)).is_some() {
            return Err(UpstreamFault::BadAnswer("repeated content type"));
        }
    }
    Ok(kind.unwrap_or(Kind::Acknowledgement))
}

fn kind_of(content_type: &[u8]) -> Kind {
    let essence = content_type
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/json") {
        Kind::Json
    } else if essence.eq_ignore_ascii_case(b"text/event-stream") {
        Kind::Events
    } else {
        Kind::Other
    }
}

/// Whether a message of the request asks for a list.
fn asks_for_list(exchange: &Exchange<'_>) -> bool {
    match &exchange.notes {
        Notes::Read(understood, _) => {
            let mut methods = understood
                .body
                .messages()
                .iter()
                .filter_map(|message| message.method());
            methods.any(|method| method.list_kind().is_some())
        }
        _ => true,
    }
}

/// Writes the head of the answer: allow-listed fields of the upstream and the gateway's own.
fn write_head(
    out: &mut Buffer,
    exchange: &mut Exchange<'_>,
    leg: &Leg<'_>,
    inbound: &Inbound,
    kind: Kind,
    framing: BodyFraming,
) {
    exchange.settle_keep_alive();
    if exchange.envelope.version == Version::Http10 && framing == BodyFraming::Unsaid {
        exchange.envelope.keeps_alive = false;
    }
    let mut head = HeadWriter::response(out.as_mut_vec(), inbound.head.status);
    for (name, value) in inbound.index.headers(&inbound.buffer) {
        if passes(leg, inbound, name)
            && !(kind == Kind::Events && name.eq_ignore_ascii_case(b"x-accel-buffering"))
        {
            let _ = head.field(name, value);
        }
    }
    match &leg.session {
        // Told in the first event of the stream.
        Some(_) if exchange.front == Front::SseStream => {}
        Some(SessionText::Kept) => drop(head.field(SESSION_FIELD, exchange.kept_session())),
        Some(SessionText::New(text)) => drop(head.field(SESSION_FIELD, text.as_bytes())),
        None => {}
    }
    if kind == Kind::Events {
        let _ = head.field(b"x-accel-buffering", b"no");
    }
    let _ = head.field(b"x-content-type-options", b"nosniff");
    exchange.envelope.write(&mut head);
    head.finish(framing);
}

/// Never these, whatever `forward_response_headers` lists: they speak for the upstream to somebody who must not know it.
const WITHHELD: [&[u8]; 4] = [b"set-cookie", b"server", b"www-authenticate", b"location"];

fn passes(leg: &Leg<'_>, inbound: &Inbound, name: &[u8]) -> bool {
    let listed = || {
        leg.server
            .forward_response_headers
            .iter()
            .any(|own| own.as_bytes().eq_ignore_ascii_case(name))
    };
    (forwards_response_field(name, leg.era) || listed())
        && !WITHHELD
            .iter()
            .any(|withheld| withheld.eq_ignore_ascii_case(name))
        // The upstream's own never passes; the gateway writes its seal.
        && !name.eq_ignore_ascii_case(SESSION_FIELD)
        && !inbound.index.is_hop_by_hop(&inbound.buffer, name)
}

/// The framing of a body whose length is not announced.
fn open_framing(exchange: &Exchange<'_>) -> BodyFraming {
    match exchange.envelope.version {
        Version::Http11 => BodyFraming::Chunked,
        Version::Http10 => BodyFraming::Unsaid,
    }
}

/// Why no more of a body came.
enum Halt {
    Fault(UpstreamFault),
    ClientGone,
}

/// Reads more of the upstream's body into `buffer`, sized by what is known to come.
async fn read_more(
    exchange: &Exchange<'_>,
    leg: &Leg<'_>,
    stream: &Stream,
    buffer: &mut Buffer,
    body: &BodyReader,
) -> Result<(), Halt> {
    size_for(buffer, body.announced_bytes());
    stream.set_deadline(Some(Duration::from_millis(leg.server.timeout_ms)));
    let other = select(
        exchange.connection.stream.hangup(),
        exchange.worker.expired.raised(),
    );
    match select(stream.read(buffer), other).await {
        Either::Left(Ok(0)) => body
            .finish_on_eof()
            .map_err(|_| Halt::Fault(UpstreamFault::Ended)),
        Either::Left(Ok(_)) => Ok(()),
        Either::Left(Err(error)) => Err(Halt::Fault(read_fault(&error))),
        Either::Right(Either::Left(())) => Err(Halt::ClientGone),
        Either::Right(Either::Right(())) => Err(Halt::Fault(UpstreamFault::Drained)),
    }
}

/// Small buffers for small bodies, large ones once a large body is seen.
fn size_for(buffer: &mut Buffer, announced_bytes: u64) {
    let announced = usize::try_from(announced_bytes).unwrap_or(usize::MAX);
    let classes = [READ_BYTES, MIDDLE_READ_BYTES, LARGE_READ_BYTES];
    let fitting = classes.into_iter().find(|class| announced <= *class);
    let wanted = fitting.unwrap_or(LARGE_READ_BYTES);
    if buffer.is_empty() && buffer.capacity() < wanted {
        *buffer = Buffer::with_capacity(wanted);
    }
}
