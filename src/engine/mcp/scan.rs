//! The strict reader of JSON-RPC bodies: one pass, zero copy, and the only one whose reading decides.
//!
//! What it accepts, every JSON parser reads alike, so the original bytes can go upstream behind a decision made here: valid
//! UTF-8, one document, no duplicate member at any depth, and at the inspected levels (the message, `params`,
//! `params._meta`, `params.ref`, `params.notifications`) no member that some parser would take for one that decides. It never
//! guesses: anything else is a [`ScanError`].
//!
//! Source: RFC 8259, RFC 7493 (I-JSON §2.3), JSON-RPC 2.0, MCP basic/index §Requests.

use super::json::{Number, Reader, Str, Syntax, TEXT_BYTES_MAX};
use super::limits::{
    BATCH_MEMBERS_DEFAULT, ID_BYTES_MAX, JSON_DEPTH_CAP, JSON_DEPTH_DEFAULT, METHOD_BYTES_MAX,
};
use super::lookalike::{Names, Reading, looks_like, names};
use super::message::{Body, Call, Id, Kind, Message, Params, Text};
use super::methods::Method;
use super::params;
pub use super::scan_error::{ScanError, ScanErrorKind};
use crate::engine::span::Span;

/// What an operator may bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanLimits {
    /// Nesting of objects and arrays, in levels; at most [`JSON_DEPTH_CAP`].
    pub depth_max: usize,
    /// Messages of one batch.
    pub batch_max: usize,
}

impl Default for ScanLimits {
    fn default() -> Self {
        Self {
            depth_max: JSON_DEPTH_DEFAULT,
            batch_max: BATCH_MEMBERS_DEFAULT,
        }
    }
}

names! {
    /// Members of a message that decide.
    MessageName {
        JsonRpc "jsonrpc",
        Id "id",
        Method "method",
        Params "params",
        Result "result",
        Error "error",
    }
}

/// Reads `body` strictly.
///
/// Spans in the result count from the first byte of `body`. Allocates nothing for a single message whose strings that decide
/// hold no escapes and which has few members; O(n log n). Errors: see [`ScanErrorKind`].
pub fn scan(body: &[u8], limits: &ScanLimits) -> Result<Body, ScanError> {
    let text = read_text(body)?;
    let mut scanner = Scanner {
        reader: Reader::strict(text, limits.depth_max.min(JSON_DEPTH_CAP)),
        id: None,
    };
    scanner.body(limits.batch_max).map_err(|kind| ScanError {
        kind,
        at: scanner.reader.cursor.at(),
        id: scanner.id,
    })
}

fn read_text(body: &[u8]) -> Result<&str, ScanError> {
    let refuse = |kind, at| Err(ScanError { kind, at, id: None });
    if body.starts_with(b"\xEF\xBB\xBF") {
        return refuse(ScanErrorKind::ByteOrderMark, 0);
    }
    if body.len() > TEXT_BYTES_MAX {
        return refuse(
            ScanErrorKind::TooLong {
                member: "body",
                max: TEXT_BYTES_MAX,
            },
            TEXT_BYTES_MAX,
        );
    }
    simdutf8::basic::from_utf8(body)
        .or_else(|_| simdutf8::compat::from_utf8(body))
        .or_else(|error| refuse(ScanErrorKind::InvalidUtf8, error.valid_up_to()))
}

struct Scanner<'a> {
    reader: Reader<'a>,
    /// The id of the message being read, once it was read.
    id: Option<Id>,
}

/// The members of a message, before they are known to be one.
#[derive(Default)]
struct Members {
    is_jsonrpc: bool,
    has_result: bool,
    has_error: bool,
    method: Option<Text>,
    params: Params,
}

impl Scanner<'_> {
    fn body(&mut self, batch_max: usize) -> Result<Body, ScanErrorKind> {
        let body = match self.reader.cursor.token()? {
            b'[' => Body::Batch(self.batch(batch_max)?),
            _ => Body::One(self.message()?),
        };
        self.reader.cursor.finish()?;
        Ok(body)
    }

    fn batch(&mut self, batch_max: usize) -> Result<Vec<Message>, ScanErrorKind> {
        let mut messages = Vec::new();
        let Self { reader, id } = self;
        reader.array(|reader| {
            if messages.len() >= batch_max {
                return Err(ScanErrorKind::BatchTooLong { batch_max });
            }
            messages.push(read_message(reader, id)?);
            Ok(())
        })?;
        if messages.is_empty() {
            Err(ScanErrorKind::EmptyBatch)
        } else {
            Ok(messages)
        }
    }

    fn message(&mut self) -> Result<Message, ScanErrorKind> {
        read_message(&mut self.reader, &mut self.id)
    }
}

fn read_message(reader: &mut Reader<'_>, id: &mut Option<Id>) -> Result<Message, ScanErrorKind> {
    *id = None;
    if reader.cursor.token()? != b'{' {
        reader.value()?;
        return Err(ScanErrorKind::NotAnObject);
    }
    let mut members = Members::default();
    let span = reader.object(|reader, key| read_member(reader, key, id, &mut members))?;
    let kind = members.into_kind(reader.text(), *id)?;
    Ok(Message { span, kind })
}

fn read_member(
    reader: &mut Reader<'_>,
    key: Str,
    id: &mut Option<Id>,
    members: &mut Members,
) -> Result<(), ScanErrorKind> {
    match MessageName::read(reader.text(), key) {
        Reading::LookAlike => return Err(ScanErrorKind::LookAlikeMember),
        Reading::Exact(MessageName::JsonRpc) => members.is_jsonrpc = read_version(reader)?,
        Reading::Exact(MessageName::Id) => {
            *id = Some(read_id(reader)?.ok_or(ScanErrorKind::IdInvalid)?)
        }
        Reading::Exact(MessageName::Method) => members.method = Some(read_method(reader)?),
        Reading::Exact(MessageName::Params) => params::read(reader, &mut members.params)?,
        Reading::Exact(MessageName::Result) => members.has_result = reader.value().map(|_| true)?,
        Reading::Exact(MessageName::Error) => members.has_error = reader.value().map(|_| true)?,
        Reading::Unknown => reader.value().map(drop)?,
    }
    Ok(())
}

fn read_version(reader: &mut Reader<'_>) -> Result<bool, ScanErrorKind> {
    let token = reader.value()?;
    Ok(&reader.text()[token.range()] == "\"2.0\"")
}

fn read_method(reader: &mut Reader<'_>) -> Result<Text, ScanErrorKind> {
    params::read_text(reader, "method", METHOD_BYTES_MAX)?.ok_or(ScanErrorKind::MethodInvalid)
}

/// Reads an id or token: a string or an integer, as written. `None` for any other value.
///
/// `1.0`, `1e0` and `-0` are refused with it: parsers differ in whether they are the integer, and the answer must carry the
/// id that was asked with.
pub(super) fn read_id(reader: &mut Reader<'_>) -> Result<Option<Id>, ScanErrorKind> {
    let token = match reader.cursor.token()? {
        b'"' => reader.cursor.string()?.quoted(),
        b'-' | b'0'..=b'9' => {
            let start = reader.cursor.at();
            if reader.cursor.number()? != Number::Integer {
                return Ok(None);
            }
            Span::new(start, reader.cursor.at())
        }
        _ => return reader.value().map(|_| None).map_err(Into::into),
    };
    if token.len() > ID_BYTES_MAX {
        return Err(ScanErrorKind::TooLong {
            member: "id",
            max: ID_BYTES_MAX,
        });
    }
    Ok(Some(Id::new(token)))
}

impl Members {
    fn into_kind(self, text: &str, id: Option<Id>) -> Result<Kind, ScanErrorKind> {
        if !self.is_jsonrpc {
            return Err(ScanErrorKind::NotJsonRpc);
        }
        match (self.method, id, self.has_result, self.has_error) {
            (Some(method), id, false, false) => read_call(text, method, self.params, id),
            (None, Some(id), true, false) => Ok(Kind::Response {
                id: Some(id),
                is_error: false,
            }),
            (None, id, false, true) => Ok(Kind::Response { id, is_error: true }),
            _ => Err(ScanErrorKind::NotAMessage),
        }
    }
}

fn read_call(
    text: &str,
    method_text: Text,
    params: Params,
    id: Option<Id>,
) -> Result<Kind, ScanErrorKind> {
    let name = method_text.as_str(text.as_bytes());
    let method = Method::parse(name);
    if method == Method::Other && looks_like(name, Method::NAMES) {
        return Err(ScanErrorKind::LookAlikeMethod);
    }
    let call = Call {
        method,
        method_text,
        params,
    };
    let Some(id) = id else {
        return notification(call);
    };
    params::check(&call)?;
    Ok(Kind::Request { id, call })
}

/// A request without id would be done and never answered: it must not pass as a notification, which policy lets through.
fn notification(call: Call) -> Result<Kind, ScanErrorKind> {
    if call.method != Method::Other && !call.method.is_notification() {
        return Err(ScanErrorKind::RequestWithoutId);
    }
    Ok(Kind::Notification { call })
}

impl From<Syntax> for ScanErrorKind {
    fn from(syntax: Syntax) -> Self {
        Self::Syntax(syntax)
    }
}

#[cfg(test)]
mod tests;
