//! Whether headers and body say the same, and which revision and era the body belongs to.
//!
//! Era is decided by how the message opens: `_meta` naming a version, or a version header of 2026-07-28 or later, is modern;
//! everything else is legacy. A modern message is then held to 2026-07-28 (Streamable HTTP, Server Validation), where each
//! mirrored header must equal the body; a legacy one to its version header alone. **Invariant:** a header never widens what a
//! caller may do; it can only make a request refused.

use std::fmt;

use super::headers::{HeaderDigest, Mirror};
use super::message::{Body, Call, Kind, Message};
use super::methods::{Method, NameSource};
use super::revision::{Era, Revision, is_modern_version};
use super::sentinel;
use crate::engine::span::Span;

/// What headers and body agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The revision by whose rules the body was checked. A later version than any known is checked by the newest.
    pub revision: Revision,
    /// Legacy or modern.
    pub era: Era,
    /// Whether the version was named and known, rather than assumed or newer.
    pub is_version_known: bool,
}

/// Why a body is refused beside its headers. The HTTP status is always 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disagreement {
    /// A legacy message under a version that no revision has.
    VersionInvalid,
    /// A modern message without `MCP-Protocol-Version`.
    VersionHeaderMissing,
    /// `MCP-Protocol-Version` and `_meta` name different versions.
    VersionMismatch,
    /// A modern request whose `_meta` names no version.
    MetaVersionMissing,
    /// A modern request whose `_meta` has no client capabilities.
    MetaCapabilitiesMissing,
    /// A modern request without `Mcp-Method`.
    MethodHeaderMissing,
    /// `Mcp-Method` differs from the body or is repeated.
    MethodMismatch,
    /// A modern request without `Mcp-Name` where its method needs one.
    NameHeaderMissing,
    /// `Mcp-Name` differs from the body, is repeated, or cannot be decoded.
    NameMismatch,
    /// Several messages in one body, under a revision that has no batches.
    BatchUnsupported,
    /// `initialize` in a batch.
    BatchInitialize,
    /// Responses beside requests or notifications in one batch.
    BatchMixed,
    /// Two requests of one batch share an id.
    BatchIdRepeated,
    /// A response sent by a client under 2026-07-28, which has no requests from servers.
    ResponseUnsupported,
}

impl Disagreement {
    /// HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        400
    }

    /// JSON-RPC code of the answer: -32020 (headers), -32602 (`_meta`) or -32600.
    #[must_use]
    pub const fn rpc_code(self) -> i32 {
        match self {
            Self::VersionHeaderMissing
            | Self::VersionMismatch
            | Self::MethodHeaderMissing
            | Self::MethodMismatch
            | Self::NameHeaderMissing
            | Self::NameMismatch => -32020,
            Self::MetaVersionMissing | Self::MetaCapabilitiesMissing => -32602,
            Self::VersionInvalid
            | Self::BatchUnsupported
            | Self::BatchInitialize
            | Self::BatchMixed
            | Self::BatchIdRepeated
            | Self::ResponseUnsupported => -32600,
        }
    }

    /// What the client is told. Repeats nothing that it sent.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::VersionInvalid => "unsupported MCP-Protocol-Version header",
            Self::VersionHeaderMissing => "missing MCP-Protocol-Version header",
            Self::VersionMismatch => {
                "MCP-Protocol-Version header does not match the protocol version in _meta"
            }
            Self::MetaVersionMissing => "missing io.modelcontextprotocol/protocolVersion in _meta",
            Self::MetaCapabilitiesMissing => {
                "missing io.modelcontextprotocol/clientCapabilities in _meta"
            }
            Self::MethodHeaderMissing => "missing Mcp-Method header",
            Self::MethodMismatch => "Mcp-Method header does not match the method in the body",
            Self::NameHeaderMissing => "missing Mcp-Name header",
            Self::NameMismatch => "Mcp-Name header does not match the body",
            Self::BatchUnsupported => "batches are not part of this protocol version",
            Self::BatchInitialize => "initialize must not be part of a batch",
            Self::BatchMixed => "a batch must not mix responses with other messages",
            Self::BatchIdRepeated => "the ids in a batch must differ",
            Self::ResponseUnsupported => "responses are not accepted in this protocol version",
        }
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.message())
    }
}

impl std::error::Error for Disagreement {}

/// A head with what was found in it.
#[derive(Clone, Copy)]
struct Head<'a> {
    digest: &'a HeaderDigest,
    bytes: &'a [u8],
}

impl<'a> Head<'a> {
    fn value(self, span: Span) -> &'a [u8] {
        span.of(self.bytes)
    }

    fn version(self) -> Option<&'a [u8]> {
        self.digest.protocol_version.map(|span| self.value(span))
    }
}

/// Checks `body`, scanned from `bytes`, against the headers in `digest`, read from `head`.
///
/// Allocates only to decode an encoded `Mcp-Name` and to compare the ids of a batch. Errors: see [`Disagreement`].
/// Source: 2025-11-25 and 2026-07-28 transports, Protocol Version Header; 2026-07-28 Server Validation.
pub fn agree(
    digest: &HeaderDigest,
    head: &[u8],
    body: &Body,
    bytes: &[u8],
) -> Result<Agreement, Disagreement> {
    let head = Head {
        digest,
        bytes: head,
    };
    let modern = head.version().is_some_and(is_modern_version);
    match body {
        Body::One(message) if modern || opens_modern(message) => agree_modern(head, message, bytes),
        Body::One(_) => agree_legacy(head),
        Body::Batch(_) if modern => Err(Disagreement::BatchUnsupported),
        Body::Batch(messages) => {
            let agreement = agree_legacy(head)?;
            check_batch(agreement.revision, messages, bytes)?;
            Ok(agreement)
        }
    }
}

/// Which revision the head of a request without a body (GET, DELETE) belongs to. Modern revisions have neither method.
pub fn agree_without_body(digest: &HeaderDigest, head: &[u8]) -> Result<Agreement, Disagreement> {
    let head = Head {
        digest,
        bytes: head,
    };
    match head.version() {
        Some(version) if is_modern_version(version) => Ok(modern_agreement(version)),
        _ => agree_legacy(head),
    }
}

fn opens_modern(message: &Message) -> bool {
    message
        .call()
        .is_some_and(|call| call.params.meta.protocol_version.is_some())
}

fn agree_legacy(head: Head<'_>) -> Result<Agreement, Disagreement> {
    let (revision, is_version_known) = match head.version() {
        None => (Revision::R2025_03_26, false),
        Some(version) => (
            Revision::parse(version).ok_or(Disagreement::VersionInvalid)?,
            true,
        ),
    };
    Ok(Agreement {
        revision,
        era: Era::Legacy,
        is_version_known,
    })
}

fn check_batch(revision: Revision, messages: &[Message], bytes: &[u8]) -> Result<(), Disagreement> {
    let responses = messages
        .iter()
        .filter(|message| message.call().is_none())
        .count();
    if !revision.has_batches() || messages.iter().any(opens_modern) {
        Err(Disagreement::BatchUnsupported)
    } else if messages
        .iter()
        .any(|message| message.method() == Some(Method::Initialize))
    {
        Err(Disagreement::BatchInitialize)
    } else if responses != 0 && responses != messages.len() {
        Err(Disagreement::BatchMixed)
    } else if ids_repeat(messages, bytes) {
        Err(Disagreement::BatchIdRepeated)
    } else {
        Ok(())
    }
}

fn ids_repeat(messages: &[Message], bytes: &[u8]) -> bool {
    let ids = messages.iter().filter_map(Message::request_id);
    let mut ids: Vec<_> = ids.map(|id| id.key(bytes)).collect();
    ids.sort_unstable();
    ids.windows(2).any(|pair| pair[0] == pair[1])
}

fn agree_modern(
    head: Head<'_>,
    message: &Message,
    bytes: &[u8],
) -> Result<Agreement, Disagreement> {
    let call = message.call().ok_or(Disagreement::ResponseUnsupported)?;
    let is_request = matches!(message.kind, Kind::Request { .. });
    let version = check_version(head, call, is_request, bytes)?;
    check_method(head, call, is_request, bytes)?;
    check_name(head, call, is_request, bytes)?;
    if is_request && call.params.meta.client_capabilities.is_none() {
        return Err(Disagreement::MetaCapabilitiesMissing);
    }
    Ok(modern_agreement(version))
}

fn modern_agreement(version: &[u8]) -> Agreement {
    let is_version_known =
        Revision::parse(version).is_some_and(|revision| revision.era() == Era::Modern);
    Agreement {
        revision: Revision::R2026_07_28,
        era: Era::Modern,
        is_version_known,
    }
}

/// A notification may leave `_meta` out (2026-07-28 schema, `NotificationMetaObject`); the header it may not.
fn check_version<'a>(
    head: Head<'a>,
    call: &Call,
    is_request: bool,
    bytes: &[u8],
) -> Result<&'a [u8], Disagreement> {
    let header = head.version().ok_or(Disagreement::VersionHeaderMissing)?;
    match &call.params.meta.protocol_version {
        Some(version) if version.as_bytes(bytes) == header => Ok(header),
        Some(_) => Err(Disagreement::VersionMismatch),
        None if is_request => Err(Disagreement::MetaVersionMissing),
        None => Ok(header),
    }
}

/// Clients post notifications without mirrored headers, so those are required on requests only; sent ones must be true.
fn check_method(
    head: Head<'_>,
    call: &Call,
    is_request: bool,
    bytes: &[u8],
) -> Result<(), Disagreement> {
    match head.digest.method {
        Mirror::Absent if is_request => Err(Disagreement::MethodHeaderMissing),
        Mirror::Absent => Ok(()),
        Mirror::Once(value) if head.value(value) == call.method_text.as_bytes(bytes) => Ok(()),
        Mirror::Once(_) | Mirror::Repeated => Err(Disagreement::MethodMismatch),
    }
}

fn check_name(
    head: Head<'_>,
    call: &Call,
    is_request: bool,
    bytes: &[u8],
) -> Result<(), Disagreement> {
    let Some(source) = call.method.name_source() else {
        return Ok(());
    };
    let name = match source {
        NameSource::Name => &call.params.name,
        NameSource::Uri => &call.params.uri,
        NameSource::TaskId => &call.params.task_id,
    };
    let name = name.as_ref().map(|name| name.as_bytes(bytes));
    match head.digest.name {
        Mirror::Absent if is_request => Err(Disagreement::NameHeaderMissing),
        Mirror::Absent => Ok(()),
        Mirror::Once(value)
            if name.is_some_and(|name| sentinel::equals(head.value(value), name)) =>
        {
            Ok(())
        }
        Mirror::Once(_) | Mirror::Repeated => Err(Disagreement::NameMismatch),
    }
}

#[cfg(test)]
mod tests;
