//! Answers that the gateway makes itself, and the fields that each of its answers carries.

use std::io;
use std::time::Duration;

use guard_io::http1::{BodyFraming, HeadWriter, Version};
use guard_io::{Buffer, Stream};

use super::request_id::RequestId;
use super::state::Worker;
use crate::engine::identity::Principal;
use crate::engine::policy::reaches;
use crate::engine::quota::Standing;
use crate::engine::reply::{Failure, ReplyId};
use crate::engine::route::Cors;
use crate::engine::snapshot::Snapshot;
use crate::metrics::Bound;

const JSON: &str = "application/json";

/// What belongs to every answer of one exchange.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) request_id: RequestId,
    pub(super) version: Version,
    /// Whether the request was HEAD: the answer has the head alone.
    pub(super) is_head: bool,
    /// Whether the connection goes on after the answer.
    pub(super) keeps_alive: bool,
    /// The request's origin, where CORS answers it.
    pub(super) cors_origin: Option<Box<[u8]>>,
    /// What is left of the caller's quota.
    pub(super) standing: Option<Standing>,
    /// The WWW-Authenticate value of a 401 or 403 that says more than the failure alone.
    pub(super) challenge: Option<Box<str>>,
}

impl Envelope {
    /// Writes the fields that belong to every answer. A field that cannot be written is left out: each is the gateway's own
    /// or was accepted by a strict parser, so none is.
    pub(super) fn write(&self, head: &mut HeadWriter<'_>) {
        let _ = head.field(b"x-request-id", self.request_id.as_bytes());
        if let Some(standing) = &self.standing {
            let _ = head.number(b"x-ratelimit-limit", standing.limit.into());
            let _ = head.number(b"x-ratelimit-remaining", standing.remaining.into());
            let _ = head.number(b"x-ratelimit-reset", standing.reset_after_secs());
        }
        if let Some(origin) = &self.cors_origin {
            let _ = head.field(b"access-control-allow-origin", origin);
            let _ = head.field(
                b"access-control-expose-headers",
                Cors::EXPOSE_HEADERS.as_bytes(),
            );
            let _ = head.field(b"vary", b"origin");
        }
        match (self.keeps_alive, self.version) {
            (false, _) => drop(head.close()),
            (true, Version::Http10) => drop(head.keep_alive()),
            (true, Version::Http11) => {}
        }
    }
}

/// Writes `out` to the client within the bound on stalled writes, and takes the bound away again.
pub(super) async fn send(stream: &Stream, out: &[u8], write_stall_ms: u64) -> io::Result<()> {
    send_pair(stream, out, &[], write_stall_ms).await
}

/// As [`send`], with a body that lies elsewhere.
pub(super) async fn send_pair(
    stream: &Stream,
    out: &[u8],
    body: &[u8],
    write_stall_ms: u64,
) -> io::Result<()> {
    stream.set_deadline(Some(Duration::from_millis(write_stall_ms)));
    let sent = stream.write_all_pair(out, body).await;
    stream.set_deadline(None);
    sent
}

/// A whole JSON answer, appended to `out`.
pub(super) fn write_answer(out: &mut Buffer, envelope: &Envelope, status: u16, body: &[u8]) {
    write_typed(out, envelope, status, JSON, body);
}

/// A whole answer with `body` of `content_type`, appended to `out`.
pub(super) fn write_typed(
    out: &mut Buffer,
    envelope: &Envelope,
    status: u16,
    content_type: &str,
    body: &[u8],
) {
    let fields = [
        ("content-type", content_type),
        ("cache-control", "no-store"),
    ];
    write_whole(out, envelope, status, &fields, body);
}

/// A document in JSON that anybody may keep for a while, appended to `out`.
pub(super) fn write_document(
    out: &mut Buffer,
    envelope: &Envelope,
    max_age_secs: u32,
    body: &[u8],
) {
    let cache_control = format!("public, max-age={max_age_secs}");
    let fields = [("content-type", JSON), ("cache-control", &cache_control)];
    write_whole(out, envelope, 200, &fields, body);
}

fn write_whole(
    out: &mut Buffer,
    envelope: &Envelope,
    status: u16,
    fields: &[(&str, &str)],
    body: &[u8],
) {
    let mut head = HeadWriter::response(out.as_mut_vec(), status);
    for (name, value) in fields {
        let _ = head.field(name.as_bytes(), value.as_bytes());
    }
    envelope.write(&mut head);
    head.finish(BodyFraming::Length(body.len() as u64));
    append_body(out, envelope, body);
}

/// HEAD announces a body and has none.
fn append_body(out: &mut Buffer, envelope: &Envelope, body: &[u8]) {
    if !envelope.is_head {
        out.extend_from_slice(body);
    }
}

/// The answer to a failure, appended to `out`. Returns its status and the length of its body.
pub(super) fn write_failure(
    out: &mut Buffer,
    envelope: &Envelope,
    failure: &Failure,
    id: ReplyId<'_>,
) -> (u16, usize) {
    let mut body = Vec::with_capacity(256);
    failure.encode(id, envelope.request_id.as_str(), &mut body);
    write_error(out, envelope, failure, &body)
}

/// As [`write_failure`], with a body that is made already: a batch has an error for each of its requests.
pub(super) fn write_error(
    out: &mut Buffer,
    envelope: &Envelope,
    failure: &Failure,
    body: &[u8],
) -> (u16, usize) {
    let mut head = HeadWriter::response(out.as_mut_vec(), failure.status());
    failure.each_header(envelope.challenge.as_deref(), |name, value| {
        let _ = head.field(name.as_bytes(), value.as_bytes());
    });
    envelope.write(&mut head);
    head.finish(BodyFraming::Length(body.len() as u64));
    append_body(out, envelope, body);
    (failure.status(), body.len())
}

/// 204 to a preflight.
pub(super) fn write_preflight(out: &mut Buffer, envelope: &Envelope, cors: &Cors) {
    let mut head = HeadWriter::response(out.as_mut_vec(), 204);
    let _ = head.field(
        b"access-control-allow-methods",
        cors.allow_methods.as_bytes(),
    );
    let _ = head.field(
        b"access-control-allow-headers",
        cors.allow_headers.as_bytes(),
    );
    let _ = head.number(b"access-control-max-age", cors.max_age_secs.into());
    envelope.write(&mut head);
    head.finish(BodyFraming::Unsaid);
}

/// The body of `/routes`: the servers that `principal` reaches, by name and path. Upstream addresses are not told.
pub(super) fn routes_body(snapshot: &Snapshot, principal: &Principal) -> Vec<u8> {
    let servers: Vec<serde_json::Value> = snapshot
        .servers()
        .iter()
        .filter(|server| reaches(principal, server))
        .map(|server| {
            let is_default = snapshot.routes().default_server() == server.index();
            let own = format!("/mcp/{}", server.name);
            let paths = is_default
                .then_some("/mcp")
                .into_iter()
                .chain([&*own])
                .chain(server.path_prefix.as_deref());
            serde_json::json!({ "name": &*server.name, "paths": paths.collect::<Vec<_>>() })
        })
        .collect();
    serde_json::json!({ "servers": servers })
        .to_string()
        .into_bytes()
}

/// Counts the bound that `failure` tells of, if it tells of one.
pub(super) fn count_bound(worker: &Worker, failure: &Failure) {
    let bound = match failure {
        Failure::HeadTooLarge => Bound::Head,
        Failure::HeadTimeout => Bound::HeadTime,
        Failure::BodyTooLarge { .. } => Bound::Body,
        Failure::BodyTimeout => Bound::BodyTime,
        Failure::TooManyStreams => Bound::Streams,
        Failure::AuditFull => Bound::AuditLane,
        Failure::AuthRateLimited { .. } => Bound::AuthFailures,
        _ => return,
    };
    worker.metrics().bound(bound);
}
