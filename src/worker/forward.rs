//! Sending a permitted request to its upstream, and reading the head of the answer.
//!
//! **Invariant:** [`send`] is the one function of the gateway that writes a client's request to an upstream, and it takes the
//! [`Permit`]. The head is built anew from an allow-list, never copied. Nothing that may have reached the
//! upstream is ever sent twice, but an `initialize` that it refused.

use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

use guard_io::http1::{
    BodyFraming, HeadIndex, HeadLimits, HeadWriter, INTERIM_RESPONSES_MAX, Method as HttpMethod,
    ResponseHead, ResponseProgress, parse_response,
};
use guard_io::{Buffer, Clock, Either, Stream, select};

use super::detached::{self, Stage, Unfinished};
use super::exchange::Exchange;
use super::upstreams::{ConnectFault, acquire};
use super::way::Way;
use crate::engine::admission::Front;
use crate::engine::limits::{UPSTREAM_HEAD_BYTES_MAX, UPSTREAM_HEADERS_MAX};
use crate::engine::mcp::agreement::Agreement;
use crate::engine::mcp::forwarding::forwards_request_field;
use crate::engine::mcp::revision::Era;
use crate::engine::policy::Permit;
use crate::engine::reply::Failure;
use crate::engine::snapshot::Server;
use crate::mailbox::bridge::{FRONT_FIELD, OWNER_FIELD};
use crate::metrics::UpstreamResult;

/// Bodies up to this size travel in one write with their head.
const JOINED_BYTES_MAX: usize = 16 << 10;

/// What may be sent, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outbound {
    /// The proof that it may.
    pub(super) permit: Permit,
    pub(super) agreement: Agreement,
    /// Length of the end of the path that `strip_prefix` appends to the server's target.
    pub(super) remainder_len: usize,
    pub(super) way: Way,
}

/// An upstream's answer, its head read and its body on the way.
pub(super) struct Inbound {
    pub(super) stream: Stream,
    /// Head and what has come of the body.
    pub(super) buffer: Buffer,
    pub(super) head: ResponseHead,
    pub(super) index: HeadIndex,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UpstreamFault {
    /// No connection.
    Unreachable,
    /// A connection, and no TLS on it.
    Tls,
    /// No connection in time.
    ConnectTimeout,
    /// The request could not be written whole.
    WriteFailed,
    /// No first byte in time.
    Timeout,
    /// The connection ended before an answer.
    Ended,
    /// The answer's head cannot be trusted.
    BadHead(&'static str),
    /// The answer is of a kind that is not passed on.
    BadAnswer(&'static str),
    /// The upstream refuses the gateway's own credentials.
    CredentialsRefused,
    /// The client left, and its request ended with it.
    ClientGone,
    /// The grace of a drain was over first.
    Drained,
    /// The caller's credential ran out or was taken away while its stream was open.
    Revoked,
}

impl UpstreamFault {
    /// What the client is told; nothing where it is gone.
    pub(super) const fn failure(self) -> Option<Failure> {
        Some(match self {
            Self::Unreachable | Self::Tls | Self::ConnectTimeout => Failure::UpstreamUnreachable,
            Self::Timeout => Failure::UpstreamTimeout,
            Self::WriteFailed | Self::Ended => Failure::UpstreamBroke,
            Self::BadHead(_) | Self::BadAnswer(_) => Failure::UpstreamBadAnswer,
            Self::CredentialsRefused => Failure::UpstreamRefused,
            Self::Drained => Failure::Draining,
            Self::Revoked => Failure::SessionUnknown,
            Self::ClientGone => return None,
        })
    }

    pub(super) const fn result(self) -> UpstreamResult {
        match self {
            Self::Unreachable => UpstreamResult::Unreachable,
            Self::Tls => UpstreamResult::TlsFailed,
            Self::ConnectTimeout | Self::Timeout => UpstreamResult::Timeout,
            Self::WriteFailed | Self::Ended | Self::Drained | Self::Revoked => {
                UpstreamResult::Aborted
            }
            Self::BadHead(_) | Self::BadAnswer(_) => UpstreamResult::BadAnswer,
            Self::CredentialsRefused => UpstreamResult::CredentialsRefused,
            Self::ClientGone => UpstreamResult::ClientGone,
        }
    }
}

impl fmt::Display for UpstreamFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => {
                f.write_str("upstream refuses connections or its name does not resolve")
            }
            Self::Tls => f.write_str("upstream's TLS handshake failed; the log says why"),
            Self::ConnectTimeout => {
                f.write_str("upstream did not accept in time (upstream.connect_timeout)")
            }
            Self::WriteFailed => f.write_str("upstream did not take the request"),
            Self::Timeout => f.write_str("upstream did not answer in time (upstream.timeout)"),
            Self::Ended => f.write_str("upstream closed before it answered"),
            Self::BadHead(what) | Self::BadAnswer(what) => {
                write!(f, "upstream's answer is not usable: {what}")
            }
            Self::CredentialsRefused => {
                f.write_str("upstream refuses the gateway's credentials (upstream.bearer_token)")
            }
            Self::ClientGone => f.write_str("client left"),
            Self::Drained => f.write_str("the gateway stopped"),
            Self::Revoked => f.write_str("the caller's credential ended before its stream"),
        }
    }
}

/// Sends the exchange's request under its permit and reads the head of the answer.
///
/// A client that leaves meanwhile ends a modern request and any GET; a legacy POST goes on without it (2026-07-28 Cancellation).
pub(super) async fn send(
    exchange: &mut Exchange<'_>,
    outbound: Outbound,
) -> Result<Inbound, UpstreamFault> {
    let server = outbound.permit.server();
    let connected = acquire(exchange.worker, exchange.view, server, outbound.way)
        .await
        .map_err(|fault| match fault {
            ConnectFault::Unreachable => UpstreamFault::Unreachable,
            ConnectFault::Tls => UpstreamFault::Tls,
            ConnectFault::TimedOut => UpstreamFault::ConnectTimeout,
        })?;
    let cells = exchange
        .view
        .live
        .server(server)
        .metrics(exchange.worker.index);
    match connected.is_reused {
        true => cells.connections_reused.inc(),
        false => cells.connections_opened.inc(),
    }
    let mut buffer = Buffer::new();
    write_head(&mut buffer, exchange, &outbound);
    let sent_ns = Clock::monotonic_ns();
    let written = write(&connected.stream, &mut buffer, exchange).await;
    if written.is_err() && connected.stream.timed_out() {
        return Err(UpstreamFault::WriteFailed);
    }
    let answer = await_head(exchange, &outbound, connected.stream, buffer).await;
    let answer = match (written, answer) {
        (Ok(()), answer) => answer,
        // An upstream may refuse a body before it has taken all of it; what it said is worth more than that it hung up.
        (Err(_), Ok(mut early)) => {
            early.head.keep_alive = false;
            Ok(early)
        }
        (Err(fault), Err(_)) => Err(fault),
    };
    exchange.account.upstream_ns = Some(Clock::monotonic_ns().saturating_sub(sent_ns));
    answer
}

fn write_head(out: &mut Buffer, exchange: &Exchange<'_>, outbound: &Outbound) {
    let server = exchange.view.snapshot().server(outbound.permit.server());
    let head = exchange.head_bytes();
    let method = exchange.head.method;
    let is_bridged = outbound.way == Way::Bridge;
    let target = match is_bridged {
        true => b"/".as_slice().into(),
        false => target(
            server,
            exchange.head.target.path(head),
            outbound.remainder_len,
        ),
    };
    out.reserve(head.len() + exchange.body_bytes().len().min(JOINED_BYTES_MAX) + 256);
    // Every field below is of the configuration or of a strict parser, so none is refused by the writer.
    let Ok(mut writer) = HeadWriter::request(out.as_mut_vec(), method.name(head), &target) else {
        return;
    };
    let _ = writer.field(b"host", server.upstream.host_header.as_bytes());
    let accept: &[u8] = match method {
        HttpMethod::Get => b"text/event-stream",
        _ => b"application/json, text/event-stream",
    };
    let _ = writer.field(b"accept", accept);
    if method == HttpMethod::Post {
        let _ = writer.field(b"content-type", b"application/json");
    }
    for (name, value) in exchange.index.headers(head) {
        if forwards(exchange, server, outbound, name) {
            let _ = writer.field(name, value);
        }
    }
    if let Some(session) = &exchange.session {
        let _ = writer.field(b"mcp-session-id", &session.id);
    }
    if is_bridged {
        write_bridge_fields(&mut writer, exchange);
    } else {
        for injected in &server.inject_headers {
            let _ = writer.field(injected.name.as_bytes(), &injected.value);
        }
    }
    writer.finish(match method {
        HttpMethod::Post => BodyFraming::Length(exchange.body_bytes().len() as u64),
        _ => BodyFraming::Unsaid,
    });
}

/// What a bridge is told beside what the client said. The upstream's own credentials are the bridge's to add.
fn write_bridge_fields(writer: &mut HeadWriter<'_>, exchange: &Exchange<'_>) {
    if let Some(principal) = &exchange.account.principal {
        let owner = principal.owner().to_hex();
        let _ = writer.field(OWNER_FIELD.as_bytes(), owner.as_bytes());
    }
    if exchange.front != Front::Streamable {
        let _ = writer.field(FRONT_FIELD.as_bytes(), b"sse");
    }
}

/// The configured target, with the remainder of the path where the prefix is stripped.
fn target<'a>(
    server: &'a Server,
    path: &'a [u8],
    remainder_len: usize,
) -> std::borrow::Cow<'a, [u8]> {
    let own = server.upstream.target.as_bytes();
    let path = path.split(|byte| *byte == b'?').next().unwrap_or_default();
    let remainder = &path[path.len().saturating_sub(remainder_len)..];
    match remainder {
        [] => own.into(),
        _ => [own.strip_suffix(b"/").unwrap_or(own), remainder]
            .concat()
            .into(),
    }
}

fn forwards(exchange: &Exchange<'_>, server: &Server, outbound: &Outbound, name: &[u8]) -> bool {
    let listed = |names: &[Box<str>]| {
        names
            .iter()
            .any(|listed| listed.as_bytes().eq_ignore_ascii_case(name))
    };
    let injected = || {
        server
            .inject_headers
            .iter()
            .any(|own| own.name.as_bytes().eq_ignore_ascii_case(name))
    };
    // Written by the gateway itself: the session that the client holds is a seal, the server's own stands in for it.
    let is_own = [&b"content-type"[..], b"mcp-session-id"]
        .iter()
        .any(|own| name.eq_ignore_ascii_case(own));
    if is_own || exchange.index.is_hop_by_hop(exchange.head_bytes(), name) {
        return false;
    }
    let is_protocols = forwards_request_field(name, outbound.agreement.era);
    match outbound.way {
        Way::Direct => (is_protocols || listed(&server.forward_headers)) && !injected(),
        Way::Bridge => is_protocols,
    }
}

/// Writes head and body, joined where the body is small. Leaves `buffer` empty for the answer.
async fn write(
    stream: &Stream,
    buffer: &mut Buffer,
    exchange: &Exchange<'_>,
) -> Result<(), UpstreamFault> {
    let body = exchange.body_bytes();
    stream.set_deadline(Some(Duration::from_millis(
        exchange.view.limits().write_stall_ms,
    )));
    let written = if body.len() <= JOINED_BYTES_MAX {
        buffer.extend_from_slice(body);
        stream.write_all(buffer).await
    } else {
        stream.write_all_pair(buffer, body).await
    };
    buffer.clear();
    written.map_err(|_| UpstreamFault::WriteFailed)
}

async fn await_head(
    exchange: &Exchange<'_>,
    outbound: &Outbound,
    stream: Stream,
    mut buffer: Buffer,
) -> Result<Inbound, UpstreamFault> {
    let server = exchange.view.snapshot().server(outbound.permit.server());
    stream.set_deadline(Some(Duration::from_millis(server.timeout_ms)));
    let mut reader = HeadReader::new(exchange.head.method, exchange.worker.take_index());
    loop {
        match reader.next(&mut buffer) {
            Ok(None) => {}
            Ok(Some(head)) => {
                return Ok(Inbound {
                    stream,
                    buffer,
                    head,
                    index: reader.index,
                });
            }
            Err(fault) => return Err(fault),
        }
        // A head may be larger than the memory that the request left; the reader bounds it.
        buffer.reserve(1);
        let other = select(
            exchange.connection.stream.hangup(),
            exchange.worker.expired.raised(),
        );
        match select(stream.read(&mut buffer), other).await {
            Either::Left(Ok(0)) => return Err(UpstreamFault::Ended),
            Either::Left(Ok(_)) => {}
            Either::Left(Err(error)) => return Err(read_fault(&error)),
            Either::Right(Either::Right(())) => return Err(UpstreamFault::Drained),
            Either::Right(Either::Left(())) => {
                if goes_on_alone(exchange, outbound.agreement.era) {
                    detached::see_out(
                        exchange.worker,
                        exchange.view,
                        Unfinished {
                            stream,
                            buffer,
                            stage: Stage::Head(reader),
                        },
                    );
                }
                return Err(UpstreamFault::ClientGone);
            }
        }
    }
}

/// Whether the request is to be finished although its client has left: a disconnect cancels nothing before 2026-07-28.
pub(super) fn goes_on_alone(exchange: &Exchange<'_>, era: Era) -> bool {
    era == Era::Legacy && exchange.head.method != HttpMethod::Get
}

/// Reads the head of an answer as it comes, past interim ones.
pub(super) struct HeadReader {
    method: HttpMethod,
    index: HeadIndex,
    scanned: usize,
    interim: usize,
}

impl HeadReader {
    const LIMITS: HeadLimits = HeadLimits {
        head_bytes_max: UPSTREAM_HEAD_BYTES_MAX,
        request_line_bytes_max: UPSTREAM_HEAD_BYTES_MAX,
        headers_max: UPSTREAM_HEADERS_MAX,
    };

    pub(super) fn new(method: HttpMethod, index: HeadIndex) -> Self {
        Self {
            method,
            index,
            scanned: 0,
            interim: 0,
        }
    }

    /// The head at the front of `buffer`, once it is whole.
    pub(super) fn next(
        &mut self,
        buffer: &mut Buffer,
    ) -> Result<Option<ResponseHead>, UpstreamFault> {
        while buffer.len() > self.scanned {
            let progress = parse_response(
                buffer,
                self.scanned,
                self.method,
                &Self::LIMITS,
                &mut self.index,
            );
            match progress.map_err(|_| UpstreamFault::BadHead("malformed or ambiguous head"))? {
                ResponseProgress::Complete(head) => return Ok(Some(head)),
                ResponseProgress::Partial => self.scanned = buffer.len(),
                ResponseProgress::Interim { head_len, .. } => {
                    self.interim += 1;
                    if self.interim > INTERIM_RESPONSES_MAX {
                        return Err(UpstreamFault::BadHead("too many interim answers"));
                    }
                    buffer.consume_front(head_len);
                    self.scanned = 0;
                }
            }
        }
        Ok(None)
    }
}

pub(super) fn read_fault(error: &io::Error) -> UpstreamFault {
    match error.kind() {
        ErrorKind::TimedOut => UpstreamFault::Timeout,
        _ => UpstreamFault::Ended,
    }
}
