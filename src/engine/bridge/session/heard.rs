//! What a server says, read as far as it decides where it goes.
//!
//! Read by the grammar alone below the members that decide: a server's text is not judged here, and a result is passed as it
//! is. What names one of those members twice is refused, since readers differ in which one they take.

use crate::engine::mcp::json::{Reader, Str, Syntax, TEXT_BYTES_MAX};
use crate::engine::mcp::limits::{ANSWER_DEPTH_MAX, BATCH_MEMBERS_DEFAULT};
use crate::engine::mcp::methods::Method;
use crate::engine::span::Span;

/// One message of a server. Spans count from the first byte that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    /// The whole object.
    pub(super) span: Span,
    pub(super) kind: HeardKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeardKind {
    Request {
        id: Span,
    },
    Notification {
        method: Method,
        progress_token: Option<Span>,
        request_id: Option<Span>,
    },
    Response {
        id: Span,
        is_error: bool,
    },
}

/// It is no JSON-RPC message that can be told where to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl From<Syntax> for Unreadable {
    fn from(_: Syntax) -> Self {
        Self
    }
}

/// Reads a message, or the messages of a batch in order.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Heard>, Unreadable> {
    if bytes.len() > TEXT_BYTES_MAX {
        return Err(Unreadable);
    }
    let text = simdutf8::basic::from_utf8(bytes).map_err(|_| Unreadable)?;
    let mut reader = Reader::lenient(text, ANSWER_DEPTH_MAX);
    let mut heard = Vec::with_capacity(1);
    match reader.cursor.token()? {
        b'[' => {
            reader.array(|reader| {
                let has_room = heard.len() < BATCH_MEMBERS_DEFAULT;
                heard.push(read_message(reader)?);
                if has_room { Ok(()) } else { Err(Unreadable) }
            })?;
        }
        _ => heard.push(read_message(&mut reader)?),
    }
    reader.cursor.finish()?;
    Ok(heard)
}

/// The members of a message that decide.
#[derive(Default)]
struct Members {
    id: Option<Span>,
    method: Option<Method>,
    has_result: bool,
    has_error: bool,
    progress_token: Option<Span>,
    request_id: Option<Span>,
}

fn read_message(reader: &mut Reader<'_>) -> Result<Heard, Unreadable> {
    if reader.cursor.token()? != b'{' {
        return Err(Unreadable);
    }
    let mut members = Members::default();
    let span = reader.object(|reader, key| read_member(reader, key, &mut members))?;
    let kind = members.into_kind().ok_or(Unreadable)?;
    Ok(Heard { span, kind })
}

fn read_member(reader: &mut Reader<'_>, key: Str, members: &mut Members) -> Result<(), Unreadable> {
    match key.value(reader.text()).as_deref() {
        Some("id") => members.id = read_token(reader)?,
        Some("method") => members.method = Some(read_method(reader)?),
        Some("params") if reader.cursor.token()? == b'{' => {
            reader.object(|reader, key| read_param(reader, key, members))?;
        }
        Some("result") => members.has_result = reader.skip().map(|_| true)?,
        Some("error") => members.has_error = reader.skip().map(|_| true)?,
        _ => reader.skip().map(drop)?,
    }
    Ok(())
}

fn read_param(reader: &mut Reader<'_>, key: Str, members: &mut Members) -> Result<(), Unreadable> {
    match key.value(reader.text()).as_deref() {
        Some("progressToken") => members.progress_token = read_token(reader)?,
        Some("requestId") => members.request_id = read_token(reader)?,
        _ => reader.skip().map(drop)?,
    }
    Ok(())
}

/// A string or a number; `None` for any other value.
fn read_token(reader: &mut Reader<'_>) -> Result<Option<Span>, Unreadable> {
    let is_token = matches!(reader.cursor.token()?, b'"' | b'-' | b'0'..=b'9');
    let span = reader.skip()?;
    Ok(is_token.then_some(span))
}

fn read_method(reader: &mut Reader<'_>) -> Result<Method, Unreadable> {
    if reader.cursor.token()? != b'"' {
        return Err(Unreadable);
    }
    let method = reader.cursor.string()?.value(reader.text());
    Ok(Method::parse(&method.ok_or(Unreadable)?))
}

impl Members {
    fn into_kind(self) -> Option<HeardKind> {
        match (self.method, self.id, self.has_result, self.has_error) {
            (Some(_), Some(id), false, false) => Some(HeardKind::Request { id }),
            (Some(method), None, false, false) => Some(HeardKind::Notification {
                method,
                progress_token: self.progress_token,
                request_id: self.request_id,
            }),
            (None, Some(id), has_result, is_error) if has_result != is_error => {
                Some(HeardKind::Response { id, is_error })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{HeardKind, Method, read};

    fn describe(text: &str) -> Vec<String> {
        let Ok(heard) = read(text.as_bytes()) else {
            return vec!["unreadable".into()];
        };
        let raw = |span: crate::engine::span::Span| text[span.range()].to_owned();
        let kind = |kind| match kind {
            HeardKind::Request { id } => format!("request {}", raw(id)),
            HeardKind::Response { id, is_error } => format!("response {} {is_error}", raw(id)),
            HeardKind::Notification {
                method,
                progress_token,
                request_id,
            } => format!(
                "{} {:?} {:?}",
                method.as_str(),
                progress_token.map(raw),
                request_id.map(raw)
            ),
        };
        heard.iter().map(|heard| kind(heard.kind)).collect()
    }

    #[test]
    fn messages_are_told_apart_by_what_decides() {
        let check = |text: &str, expected: &[&str]| assert_eq!(describe(text), expected, "{text}");
        check(
            r#"{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}"#,
            &["response 1 false"],
        );
        check(r#" {"error":{},"id":"x"} "#, &["response \"x\" true"]);
        check(r#"{"id":1.5e3,"method":"roots/list"}"#, &["request 1.5e3"]);
        check(
            r#"{"method":"notifications/progress","params":{"x":[],"progressToken":"a\/b"}}"#,
            &[r#"notifications/progress Some("\"a\\/b\"") None"#],
        );
        check(
            r#"{"\u006dethod":"notifications/cancelled","params":{"requestId":-7}}"#,
            &[r#"notifications/cancelled None Some("-7")"#],
        );
        check(r#"{"method":"x","params":[1]}"#, &["other None None"]);
        check(
            r#"[{"id":1,"result":{}},{"id":2,"error":{}}]"#,
            &["response 1 false", "response 2 true"],
        );
        for bad in [
            "",
            "x",
            "{}",
            "[1]",
            r#"{"id":null,"error":{}}"#,
            r#"{"id":1}"#,
            r#"{"id":1,"id":2,"result":{}}"#,
            r#"{"id":1,"result":{},"error":{}}"#,
            r#"{"id":1,"method":"x","result":{}}"#,
            r#"{"method":7}"#,
            r#"{"id":1,"result":{}} x"#,
        ] {
            check(bad, &["unreadable"]);
        }
    }

    #[test]
    fn what_is_not_utf8_or_nests_without_end_is_unreadable() {
        assert!(read(b"{\"id\":1,\"result\":\"\xff\"}").is_err());
        let deep = format!("{{\"id\":1,\"result\":{}", "[".repeat(100_000));
        assert!(read(deep.as_bytes()).is_err());
        assert_eq!(Method::parse("tools/list"), Method::ToolsList);
    }
}
