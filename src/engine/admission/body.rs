//! The body: what it says, whether the headers agree, and whether policy allows it.

use crate::engine::identity::Principal;
use crate::engine::limits::Limits;
use crate::engine::mcp::agreement::{Agreement, Disagreement, agree, agree_without_body};
use crate::engine::mcp::headers::HeaderDigest;
use crate::engine::mcp::message::{Body, Call, Id, Message, Subject as Asked};
use crate::engine::mcp::revision::Era;
use crate::engine::mcp::scan::{ScanError, ScanLimits, scan};
use crate::engine::policy::{Action, Denial, Permit, Subject, decide_all};
use crate::engine::reply::Failure;
use crate::engine::snapshot::Server;

/// A body that was read, with the revision that its headers agree on.
#[derive(Debug)]
pub struct Understood {
    /// The message or messages.
    pub body: Body,
    /// Revision and era.
    pub agreement: Agreement,
}

/// Why a body is refused, with the id that the answer repeats where one was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyRefusal {
    /// What the client is told.
    pub failure: Failure,
    /// The id of the request.
    pub id: Option<Id>,
    /// What the scanner found, for the record.
    pub detail: Option<ScanError>,
}

/// Reads `bytes` once and holds it against the head. Errors: what the scanner or the agreement refuses.
pub fn read_body(
    limits: &Limits,
    digest: &HeaderDigest,
    head: &[u8],
    bytes: &[u8],
) -> Result<Understood, BodyRefusal> {
    let scan_limits = ScanLimits {
        depth_max: limits.json_depth,
        ..ScanLimits::default()
    };
    let body = scan(bytes, &scan_limits).map_err(|error| BodyRefusal {
        failure: unread(error),
        id: error.id,
        detail: Some(error),
    })?;
    let refuse = |failure| BodyRefusal {
        failure,
        id: only_id(&body),
        detail: None,
    };
    let agreement = agree(digest, head, &body, bytes).map_err(|error| refuse(disagreed(error)))?;
    if agreement.is_version_known && body.messages().iter().any(is_gone) {
        return Err(refuse(Failure::UnknownMethod));
    }
    Ok(Understood { body, agreement })
}

/// Reads the head of a GET or DELETE. Modern revisions have neither: 405 (2026-07-28 Streamable HTTP).
pub fn read_bodiless(digest: &HeaderDigest, head: &[u8]) -> Result<Agreement, Failure> {
    let agreement = agree_without_body(digest, head).map_err(disagreed)?;
    match agreement.era {
        Era::Legacy => Ok(agreement),
        Era::Modern => Err(Failure::MethodNotAllowed { allow: "POST" }),
    }
}

/// Methods that a revision has dropped are told from missing endpoints by this body (2026-07-28 Streamable HTTP, Protocol
/// Version Header), whoever may call what.
fn is_gone(message: &Message) -> bool {
    message.request_id().is_some() && message.call().is_some_and(Call::is_gone)
}

/// The id of the one request that `body` is.
#[must_use]
pub fn only_id(body: &Body) -> Option<Id> {
    match body {
        Body::One(message) => message.request_id(),
        Body::Batch(_) => None,
    }
}

fn unread(error: ScanError) -> Failure {
    match error.rpc_code() {
        -32700 => Failure::NotJson {
            detail: "body is not strict JSON",
        },
        -32602 => Failure::BadParams {
            detail: "params are not those of the method",
        },
        _ => Failure::NotAMessage {
            detail: "body is not a JSON-RPC message",
        },
    }
}

fn disagreed(disagreement: Disagreement) -> Failure {
    let detail = disagreement.message();
    match disagreement {
        Disagreement::VersionInvalid => Failure::UnknownLegacyVersion,
        _ if disagreement.rpc_code() == -32020 => Failure::HeaderMismatch { detail },
        _ if disagreement.rpc_code() == -32602 => Failure::MetaMissing { detail },
        _ => Failure::NotAMessage { detail },
    }
}

/// What policy says of each message of a body.
#[derive(Debug)]
pub enum Judgement {
    /// A single message, permitted or denied.
    One(Result<Permit, Denial>),
    /// A batch: the permit of the whole, or, message by message, who was denied.
    Batch(Result<Permit, Vec<Option<Denial>>>),
}

impl Judgement {
    /// The permit of the whole body.
    #[must_use]
    pub const fn permit(&self) -> Option<Permit> {
        match self {
            Self::One(Ok(permit)) | Self::Batch(Ok(permit)) => Some(*permit),
            Self::One(Err(_)) | Self::Batch(Err(_)) => None,
        }
    }
}

/// Decides whether `principal` may send `body` to `server`. A batch is permitted only when each member is (invariant 1).
#[must_use]
pub fn judge(principal: &Principal, server: &Server, body: &Body, bytes: &[u8]) -> Judgement {
    let decide_one = |message: &Message| decide_all(principal, server, actions(message, bytes));
    match body {
        Body::One(message) => Judgement::One(decide_one(message)),
        Body::Batch(messages) => {
            let whole = decide_all(
                principal,
                server,
                messages.iter().flat_map(|message| actions(message, bytes)),
            );
            Judgement::Batch(whole.map_err(|_| {
                messages
                    .iter()
                    .map(|message| decide_one(message).err())
                    .collect()
            }))
        }
    }
}

/// What `message` asks of policy; at least one action.
///
/// No task is known to be the caller's: until task ids are followed through answers, each is somebody else's.
pub fn actions<'a>(message: &'a Message, bytes: &'a [u8]) -> impl Iterator<Item = Action<'a>> {
    let (first, listened) = match message.subject(bytes) {
        Asked::AlwaysAllowed => (Action::AlwaysAllowed, None),
        Asked::Tool(name) => (Action::Use(Subject::tool(name)), None),
        Asked::Prompt(name) => (Action::Use(Subject::prompt(name)), None),
        Asked::Resource(uri) => (Action::Use(Subject::resource(uri)), None),
        Asked::Method(name) => (Action::Use(Subject::method(name)), None),
        Asked::Task(_) => (Action::ForeignTask, None),
        Asked::Subscriptions(subscriptions) => (Action::AlwaysAllowed, Some(subscriptions)),
    };
    let listened = listened.into_iter().flat_map(|subscriptions| {
        let uris = subscriptions
            .uris
            .iter()
            .map(|uri| Action::Use(Subject::resource(uri.as_str(bytes))));
        uris.chain(subscriptions.task_ids.iter().map(|_| Action::ForeignTask))
    });
    std::iter::once(first).chain(listened)
}
