//! Why a body is refused.

use std::fmt;

use super::json::Syntax;
use super::message::Id;

/// Why a body is refused, where, and for which request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanError {
    /// What is wrong.
    pub kind: ScanErrorKind,
    /// Where, in bytes from the start of the body.
    pub at: usize,
    /// The id of the request, where it was read before the fault.
    pub id: Option<Id>,
}

/// What can be wrong with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanErrorKind {
    /// A byte sequence that is not UTF-8.
    InvalidUtf8,
    /// A byte order mark.
    ByteOrderMark,
    /// Not the JSON that is accepted here.
    Syntax(Syntax),
    /// A member that some parser would take for one that decides: other case, width or escapes.
    LookAlikeMember,
    /// An empty batch.
    EmptyBatch,
    /// More messages than a batch may have.
    BatchTooLong {
        /// The bound.
        batch_max: usize,
    },
    /// A message that is not an object.
    NotAnObject,
    /// `jsonrpc` is missing or not `"2.0"`.
    NotJsonRpc,
    /// Neither request, notification nor response, or several at once.
    NotAMessage,
    /// A request's method in a message without id.
    RequestWithoutId,
    /// An id that is neither string nor integer.
    IdInvalid,
    /// `method` is not a string, or holds control characters.
    MethodInvalid,
    /// A method that some server would take for a known one: other case, width or blanks.
    LookAlikeMethod,
    /// `params` is not an object.
    ParamsInvalid,
    /// A value longer than its bound.
    TooLong {
        /// Which value.
        member: &'static str,
        /// The bound, in bytes or entries.
        max: usize,
    },
    /// A member of `params` that the method needs is missing, or a member has a type that it cannot have.
    ParamInvalid {
        /// Which member.
        member: &'static str,
    },
}

impl ScanError {
    /// JSON-RPC code of the answer: -32700 (not JSON), -32600 (not a message) or -32602 (not its parameters).
    #[must_use]
    pub const fn rpc_code(&self) -> i32 {
        self.kind.rpc_code()
    }
}

impl ScanErrorKind {
    /// JSON-RPC code of the answer: -32700 (not JSON), -32600 (not a message) or -32602 (not its parameters).
    #[must_use]
    pub const fn rpc_code(self) -> i32 {
        match self {
            Self::InvalidUtf8 | Self::ByteOrderMark | Self::Syntax(_) => -32700,
            Self::LookAlikeMember
            | Self::EmptyBatch
            | Self::BatchTooLong { .. }
            | Self::NotAnObject
            | Self::NotJsonRpc
            | Self::NotAMessage
            | Self::RequestWithoutId
            | Self::IdInvalid
            | Self::MethodInvalid
            | Self::LookAlikeMethod
            | Self::ParamsInvalid => -32600,
            Self::TooLong { .. } | Self::ParamInvalid { .. } => -32602,
        }
    }
}

impl fmt::Display for ScanError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} at byte {}", self.kind, self.at)
    }
}

impl fmt::Display for ScanErrorKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidUtf8 => out.write_str("body is not utf-8"),
            Self::ByteOrderMark => out.write_str("body begins with a byte order mark"),
            Self::Syntax(syntax) => syntax.fmt(out),
            Self::LookAlikeMember => {
                out.write_str("message has a member that looks like one that decides")
            }
            Self::EmptyBatch => out.write_str("batch is empty"),
            Self::BatchTooLong { batch_max } => {
                write!(out, "batch has more than {batch_max} messages")
            }
            Self::NotAnObject => out.write_str("message is not an object"),
            Self::NotJsonRpc => out.write_str("message has no \"jsonrpc\": \"2.0\""),
            Self::NotAMessage => {
                out.write_str("message is not one of request, notification and response")
            }
            Self::RequestWithoutId => out.write_str("request has no id"),
            Self::IdInvalid => out.write_str("id is neither string nor integer"),
            Self::MethodInvalid => out.write_str("method is not a plain string"),
            Self::LookAlikeMethod => out.write_str("method looks like a known one and is not"),
            Self::ParamsInvalid => out.write_str("params is not an object"),
            Self::TooLong { member, max } => write!(out, "{member} is longer than {max}"),
            Self::ParamInvalid { member } => write!(out, "params has no valid {member}"),
        }
    }
}

impl std::error::Error for ScanError {}
