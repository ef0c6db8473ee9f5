//! Failures as HTTP answers of a front.

use crate::control::bridge::LinkEnd;
use crate::control::http::Response;
use crate::engine::bridge::session::Refused;
use crate::engine::mcp::scan::ScanError;
use crate::engine::reply::{Failure, ReplyId, VersionData};

/// The answer that tells `failure`, for the request with raw id `id`.
pub(super) fn refusal(failure: Failure, id: Option<&[u8]>) -> Response {
    refusal_with(failure, id, &VersionData::NONE)
}

/// The same with the versions that the failure names.
pub(super) fn refusal_with(
    failure: Failure,
    id: Option<&[u8]>,
    versions: &VersionData<'_>,
) -> Response {
    let mut body = Vec::new();
    let id = id.map_or(ReplyId::Null, ReplyId::Known);
    failure.encode_with(id, "", versions, &mut body);
    let response = Response::json(failure.status(), body);
    match failure.retry_after_secs() {
        Some(secs) => response.with("Retry-After", secs.to_string()),
        None => response,
    }
}

/// The answer to a POST or GET that a session refused.
pub(super) fn refused(refused: &Refused) -> Response {
    refusal(refused.failure, refused.id.as_deref())
}

/// The answer to a body that cannot be read. A worker has read it before, so this is a worker's defect or a changed bound.
pub(super) fn unread(error: &ScanError, body: &[u8]) -> Response {
    let failure = match error.rpc_code() {
        -32700 => Failure::NotJson {
            detail: "body is not JSON",
        },
        _ => Failure::NotAMessage {
            detail: "body is no JSON-RPC message",
        },
    };
    refusal(failure, error.id.map(|id| id.raw(body)))
}

/// What clients are told of a link's end.
pub(super) fn failure_of(end: LinkEnd) -> Failure {
    match end {
        LinkEnd::Exited | LinkEnd::Broke => Failure::UpstreamBroke,
        LinkEnd::TooLarge => Failure::UpstreamBadAnswer,
        LinkEnd::SessionLost => Failure::SessionUnknown,
    }
}
