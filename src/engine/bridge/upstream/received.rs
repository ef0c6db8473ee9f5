//! What a server sent: which kind of message each is, and whose request a response answers.
//!
//! Answers are read leniently where no decision hangs on it: they are passed on as they came. Only the members of the message
//! itself are looked at, and none of them may occur twice.

use std::borrow::Cow;
use std::fmt;

use crate::engine::mcp::json::{Reader, Syntax, TEXT_BYTES_MAX, decoded};
use crate::engine::mcp::limits::{ANSWER_DEPTH_MAX, BATCH_MEMBERS_DEFAULT, TOKEN_BYTES_MAX};
use crate::engine::span::Span;

/// One message of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// The whole object.
    pub span: Span,
    /// What it is.
    pub kind: ReceivedKind,
    /// Its id as written; absent where it has none or says `null`.
    pub id: Option<Span>,
    /// `result.protocolVersion`, quotes included, where it is a string.
    version: Option<Span>,
    /// Where a member can be put in.
    inside: usize,
    /// The whole `null` of an id that says so.
    null_id: Option<Span>,
}

/// The kinds of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceivedKind {
    /// A request of the server to its client.
    Request,
    /// A notification.
    Notification,
    /// An answer.
    Response {
        /// Whether it carries `error`.
        is_error: bool,
    },
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceivedError {
    /// More bytes than can be read.
    TooLong,
    /// Not UTF-8.
    InvalidUtf8,
    /// Not JSON, or a member of the message twice.
    Syntax(Syntax),
    /// JSON, but neither a message nor a batch of messages.
    NotAMessage,
    /// A batch with more messages than may be.
    BatchTooLong,
}

impl fmt::Display for ReceivedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "message is longer than {TEXT_BYTES_MAX} bytes"),
            Self::InvalidUtf8 => f.write_str("message is not utf-8"),
            Self::Syntax(syntax) => syntax.fmt(f),
            Self::NotAMessage => f.write_str("message is not of JSON-RPC"),
            Self::BatchTooLong => {
                write!(f, "batch has more than {BATCH_MEMBERS_DEFAULT} messages")
            }
        }
    }
}

impl std::error::Error for ReceivedError {}

impl From<Syntax> for ReceivedError {
    fn from(syntax: Syntax) -> Self {
        Self::Syntax(syntax)
    }
}

/// The messages in `bytes`, one or a batch, in order. Errors: see [`ReceivedError`].
pub fn read(bytes: &[u8]) -> Result<Vec<Received>, ReceivedError> {
    if bytes.len() > TEXT_BYTES_MAX {
        return Err(ReceivedError::TooLong);
    }
    let text = simdutf8::basic::from_utf8(bytes).map_err(|_| ReceivedError::InvalidUtf8)?;
    let mut reader = Reader::lenient(text, ANSWER_DEPTH_MAX);
    let mut messages = Vec::new();
    match reader.cursor.token()? {
        b'[' => drop(reader.array(|reader| {
            if messages.len() >= BATCH_MEMBERS_DEFAULT {
                return Err(ReceivedError::BatchTooLong);
            }
            messages.push(read_message(reader)?);
            Ok(())
        })?),
        _ => messages.push(read_message(&mut reader)?),
    }
    reader.cursor.finish()?;
    Ok(messages)
}

/// The members of a message that decide.
#[derive(Default)]
struct Members {
    id: Option<Span>,
    version: Option<Span>,
    has_method: bool,
    has_result: bool,
    has_error: bool,
}

fn read_message(reader: &mut Reader<'_>) -> Result<Received, ReceivedError> {
    if reader.cursor.token()? != b'{' {
        return Err(ReceivedError::NotAMessage);
    }
    let mut members = Members::default();
    let span = reader.object(|reader, key| {
        let name = key.value(reader.text());
        match name.as_deref() {
            Some("id") => members.id = Some(reader.skip()?),
            Some("method") => members.has_method = reader.skip().map(|_| true)?,
            Some("error") => members.has_error = reader.skip().map(|_| true)?,
            Some("result") => {
                members.has_result = true;
                members.version = read_result(reader)?;
            }
            _ => drop(reader.skip()?),
        }
        Ok::<(), ReceivedError>(())
    })?;
    members.into_message(reader.text(), span)
}

/// Reads over a result; returns its `protocolVersion`.
fn read_result(reader: &mut Reader<'_>) -> Result<Option<Span>, ReceivedError> {
    let mut version = None;
    if reader.cursor.token()? != b'{' {
        reader.skip()?;
        return Ok(None);
    }
    reader.object_with_repeats(|reader, key| {
        let is_version = key.value(reader.text()).as_deref() == Some("protocolVersion");
        let value = reader.skip()?;
        if is_version {
            version = Some(value);
        }
        Ok::<(), ReceivedError>(())
    })?;
    Ok(version)
}

impl Members {
    fn into_message(self, text: &str, span: Span) -> Result<Received, ReceivedError> {
        let is_null = |id: &Span| &text[id.range()] == "null";
        let (null_id, id) = match self.id {
            Some(id) if is_null(&id) => (Some(id), None),
            id => (None, id),
        };
        let kind = match (self.has_method, self.has_result, self.has_error) {
            (true, false, false) if id.is_some() => ReceivedKind::Request,
            (true, false, false) if null_id.is_none() => ReceivedKind::Notification,
            (false, true, false) if id.is_some() => ReceivedKind::Response { is_error: false },
            (false, false, true) => ReceivedKind::Response { is_error: true },
            _ => return Err(ReceivedError::NotAMessage),
        };
        Ok(Received {
            span,
            kind,
            id,
            version: self.version,
            inside: span.start() + 1,
            null_id,
        })
    }
}

impl Received {
    /// Whether this is a response to the request with the raw id `asked`, or an error that names no request.
    ///
    /// Ids are the same where their values are: a server may write a string with other escapes than it was asked with.
    #[must_use]
    pub fn answers(&self, bytes: &[u8], asked: &[u8]) -> bool {
        match (self.kind, self.id) {
            (ReceivedKind::Response { .. }, Some(id)) => id_key(id.of(bytes)) == id_key(asked),
            (ReceivedKind::Response { is_error }, None) => is_error,
            _ => false,
        }
    }

    /// The message, on one line, with `asked` for its id: the spelling that the asker used.
    #[must_use]
    pub fn with_id(&self, bytes: &[u8], asked: &[u8]) -> Vec<u8> {
        let (start, end) = (self.span.start(), self.span.end());
        let message = match (self.id, self.null_id) {
            (Some(id), _) | (None, Some(id)) => {
                [&bytes[start..id.start()], asked, &bytes[id.end()..end]].concat()
            }
            (None, None) => {
                let (head, tail) = (&bytes[start..self.inside], &bytes[self.inside..end]);
                [head, b"\"id\":", asked, b",", tail].concat()
            }
        };
        on_one_line(message)
    }

    /// The message as it came, on one line.
    #[must_use]
    pub fn as_sent(&self, bytes: &[u8]) -> Vec<u8> {
        on_one_line(self.span.of(bytes).to_vec())
    }

    /// The version that an answer to `initialize` settles on, where it can stand in a header.
    #[must_use]
    pub fn negotiated_version(&self, bytes: &[u8]) -> Option<Box<str>> {
        let quoted = str::from_utf8(self.version?.of(bytes)).ok()?;
        let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
        let version: String = decoded(inner).collect();
        let is_sound = (1..=TOKEN_BYTES_MAX).contains(&version.len())
            && version.bytes().all(|byte| byte.is_ascii_graphic());
        is_sound.then(|| version.into())
    }
}

/// A value that equal ids share: the token, with any escapes undone.
#[must_use]
pub fn id_key(raw: &[u8]) -> Cow<'_, str> {
    let raw = str::from_utf8(raw).unwrap_or_default();
    match raw.contains('\\') {
        true => Cow::Owned(decoded(raw).collect()),
        false => Cow::Borrowed(raw),
    }
}

/// JSON holds no line break outside white space, where a space is as good.
fn on_one_line(mut message: Vec<u8>) -> Vec<u8> {
    for byte in &mut message {
        if matches!(byte, b'\r' | b'\n') {
            *byte = b' ';
        }
    }
    message
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Received, ReceivedError, ReceivedKind, read};
    use crate::engine::mcp::limits::BATCH_MEMBERS_DEFAULT;

    fn one(text: &str) -> Result<Received, ReceivedError> {
        read(text.as_bytes()).map(|messages| messages[0])
    }

    #[test]
    fn each_kind_is_told_by_its_members() {
        use ReceivedKind::{Notification, Request, Response};
        for (text, kind) in [
            (r#"{"id":1,"method":"ping"}"#, Some(Request)),
            (r#"{"method":"x"}"#, Some(Notification)),
            (
                r#"{"id":1,"result":{}}"#,
                Some(Response { is_error: false }),
            ),
            (
                r#"{"id":1,"result":null}"#,
                Some(Response { is_error: false }),
            ),
            (r#"{"id":1,"error":{}}"#, Some(Response { is_error: true })),
            (
                r#"{"id":null,"error":{}}"#,
                Some(Response { is_error: true }),
            ),
            (r#"{"error":{}}"#, Some(Response { is_error: true })),
            (r#"{"result":{}}"#, None),
            (r#"{"id":null,"method":"x"}"#, None),
            (r#"{"id":1,"result":{},"error":{}}"#, None),
            (r#"{"id":1,"method":"x","result":{}}"#, None),
            (r#"{"id":1,"id":2,"result":{}}"#, None),
            (r#"{"i\u0064":1,"id":2,"result":{}}"#, None),
            ("{}", None),
            ("7", None),
            ("", None),
            (r#"{"id":1,"result":{}} x"#, None),
        ] {
            assert_eq!(one(text).ok().map(|found| found.kind), kind, "{text}");
        }
    }

    #[test]
    fn a_response_answers_the_value_of_an_id_and_gets_its_spelling() {
        for (text, asked, expected) in [
            (
                r#"{"id":1,"result":{}}"#,
                "1",
                Some(r#"{"id":1,"result":{}}"#),
            ),
            (r#"{"id":1,"result":{}}"#, "\"1\"", None),
            (r#"{"id":"1","result":{}}"#, "1", None),
            (r#"{"id":1.0,"result":{}}"#, "1", None),
            (r#"{"id":2,"result":{}}"#, "1", None),
            (
                r#"{"id":"\u00fc","result":{}}"#,
                "\"ü\"",
                Some(r#"{"id":"ü","result":{}}"#),
            ),
            (
                r#"{"id":"a/b","result":{"n":1.0,"big":12345678901234567890}}"#,
                r#""a\/b""#,
                Some(r#"{"id":"a\/b","result":{"n":1.0,"big":12345678901234567890}}"#),
            ),
            (
                r#"{"id":9223372036854775808,"error":{}}"#,
                "9223372036854775808",
                Some(r#"{"id":9223372036854775808,"error":{}}"#),
            ),
            (
                r#"{"id":null,"error":{}}"#,
                "5",
                Some(r#"{"id":5,"error":{}}"#),
            ),
            (r#"{"error":{}}"#, "5", Some(r#"{"id":5,"error":{}}"#)),
            (
                "{\n\"id\":5,\r\n\"result\":{}}",
                "5",
                Some("{ \"id\":5,  \"result\":{}}"),
            ),
            (r#"{"id":5,"method":"x"}"#, "5", None),
        ] {
            let received = one(text).unwrap();
            let answer = received
                .answers(text.as_bytes(), asked.as_bytes())
                .then(|| received.with_id(text.as_bytes(), asked.as_bytes()));
            assert_eq!(
                answer.as_deref(),
                expected.map(str::as_bytes),
                "{text} {asked}"
            );
        }
    }

    #[test]
    fn a_batch_is_taken_apart() {
        let text = r#" [ {"id":1,"result":{}} , {"method":"x"} ] "#;
        let messages: Vec<_> = read(text.as_bytes())
            .unwrap()
            .iter()
            .map(|message| message.as_sent(text.as_bytes()))
            .collect();
        assert_eq!(
            messages,
            [&br#"{"id":1,"result":{}}"#[..], br#"{"method":"x"}"#]
        );
        let batch = |length: usize| format!("[{}]", vec![r#"{"method":"x"}"#; length].join(","));
        assert!(read(batch(BATCH_MEMBERS_DEFAULT).as_bytes()).is_ok());
        assert_eq!(
            read(batch(BATCH_MEMBERS_DEFAULT + 1).as_bytes()),
            Err(ReceivedError::BatchTooLong)
        );
        assert_eq!(read(b"[1]"), Err(ReceivedError::NotAMessage));
        assert_eq!(read(b"\xff"), Err(ReceivedError::InvalidUtf8));
    }

    #[test]
    fn the_version_of_a_handshake_is_found() {
        for (text, version) in [
            (
                r#"{"id":1,"result":{"protocolVersion":"2025-06-18"}}"#,
                Some("2025-06-18"),
            ),
            (
                r#"{"id":1,"result":{"x":{"protocolVersion":"a"},"protocolVersion":"b"}}"#,
                Some("b"),
            ),
            (r#"{"id":1,"result":{"x":{"protocolVersion":"a"}}}"#, None),
            (r#"{"id":1,"result":{"protocolVersion":7}}"#, None),
            (r#"{"id":1,"result":{"protocolVersion":"a\r\nb"}}"#, None),
            (r#"{"id":1,"result":{"protocolVersion":""}}"#, None),
            (r#"{"id":1,"result":[]}"#, None),
        ] {
            let found = one(text).unwrap().negotiated_version(text.as_bytes());
            assert_eq!(found.as_deref(), version, "{text}");
        }
    }
}
