//! What a modern server says, described by spans into it.

use crate::engine::mcp::json::{Reader, Syntax, TEXT_BYTES_MAX, members, string_at};
use crate::engine::mcp::limits::ANSWER_DEPTH_MAX;
use crate::engine::mcp::methods::Method;
use crate::engine::span::Span;

/// `_meta` member that names the listen request which a message belongs to.
pub(super) const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// One message.
#[derive(Debug)]
pub(super) enum ServerMessage {
    /// Something that this era does not have.
    Request {
        /// Its id as written.
        id: Span,
    },
    /// A notification.
    Notice(Notice),
    /// A response.
    Response(Response),
}

/// A notification, as far as it decides where it goes.
#[derive(Debug)]
pub(super) struct Notice {
    /// What it tells.
    pub(super) method: Method,
    /// The whole message, braces included.
    pub(super) message: Span,
    /// `params`, whatever its type.
    pub(super) params: Option<Span>,
    /// `params._meta`, whatever its type.
    pub(super) meta: Option<Span>,
    /// The subscription that it belongs to.
    pub(super) subscription_id: Option<Span>,
    /// `params.progressToken`.
    pub(super) progress_token: Option<Span>,
    /// `params.requestId`.
    pub(super) request_id: Option<Span>,
    /// `params.uri`, decoded.
    pub(super) uri: Option<Box<str>>,
    /// `params.taskId`, decoded.
    pub(super) task_id: Option<Box<str>>,
}

/// A response, as far as the gateway changes it.
#[derive(Debug)]
pub(super) struct Response {
    /// The id as written; absent where it is `null` or left out.
    pub(super) id: Option<Span>,
    /// What the result says, or why it cannot be read.
    pub(super) result: Result<ResultParts, Syntax>,
}

/// Parts of a result that are put into the client's terms.
#[derive(Debug, Default)]
pub(super) struct ResultParts {
    /// The subscription that ended.
    pub(super) subscription_id: Option<Span>,
    /// `requestState`, whatever its type.
    pub(super) request_state: Option<Span>,
}

/// Members of a message.
#[derive(Default)]
struct Top {
    id: Option<Span>,
    method: Option<Span>,
    params: Option<Span>,
    result: Option<Span>,
    error: Option<Span>,
}

impl ServerMessage {
    /// Reads `bytes`; `None` where they are no JSON-RPC message that every reader takes for the same.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let text = text_of(bytes)?;
        let (message, top) = read_top(text)?;
        let id = top.id.filter(|id| id.of(bytes) != b"null");
        match (top.method, top.result, top.error) {
            (Some(_), None, None) if id.is_some() => id.map(|id| Self::Request { id }),
            (Some(method), None, None) => read_notice(text, message, method, top.params),
            (None, result, error) if result.is_some() != error.is_some() => {
                Some(Self::Response(Response {
                    id,
                    result: result
                        .map_or(Ok(ResultParts::default()), |span| read_result(text, span)),
                }))
            }
            _ => None,
        }
    }
}

fn text_of(bytes: &[u8]) -> Option<&str> {
    if bytes.len() > TEXT_BYTES_MAX {
        return None;
    }
    simdutf8::basic::from_utf8(bytes).ok()
}

fn read_top(text: &str) -> Option<(Span, Top)> {
    let mut reader = Reader::lenient(text, ANSWER_DEPTH_MAX);
    if reader.cursor.token().ok()? != b'{' {
        return None;
    }
    let message = Span::new(reader.cursor.at(), text.trim_ascii_end().len());
    let mut top = Top::default();
    members(text, message, |name, value| match name {
        "id" => top.id = Some(value),
        "method" => top.method = Some(value),
        "params" => top.params = Some(value),
        "result" => top.result = Some(value),
        "error" => top.error = Some(value),
        _ => {}
    })
    .ok()?;
    Some((message, top))
}

fn read_notice(
    text: &str,
    message: Span,
    method: Span,
    params: Option<Span>,
) -> Option<ServerMessage> {
    let mut notice = Notice {
        method: Method::parse(&string_at(text, method)?),
        message,
        params,
        meta: None,
        subscription_id: None,
        progress_token: None,
        request_id: None,
        uri: None,
        task_id: None,
    };
    if let Some(params) = params.filter(|params| is_object(text, *params)) {
        members(text, params, |name, value| match name {
            "_meta" => notice.meta = Some(value),
            "progressToken" => notice.progress_token = Some(value),
            "requestId" => notice.request_id = Some(value),
            "uri" => notice.uri = string_at(text, value).map(Into::into),
            "taskId" => notice.task_id = string_at(text, value).map(Into::into),
            _ => {}
        })
        .ok()?;
    }
    if let Some(meta) = notice.meta {
        notice.subscription_id = subscription_id(text, meta).ok()?;
    }
    Some(ServerMessage::Notice(notice))
}

fn read_result(text: &str, result: Span) -> Result<ResultParts, Syntax> {
    let mut parts = ResultParts::default();
    if !is_object(text, result) {
        return Ok(parts);
    }
    let mut meta = None;
    members(text, result, |name, value| match name {
        "_meta" => meta = Some(value),
        "requestState" => parts.request_state = Some(value),
        _ => {}
    })?;
    if let Some(meta) = meta {
        parts.subscription_id = subscription_id(text, meta)?;
    }
    Ok(parts)
}

fn subscription_id(text: &str, meta: Span) -> Result<Option<Span>, Syntax> {
    let mut found = None;
    if is_object(text, meta) {
        members(text, meta, |name, value| {
            if name == SUBSCRIPTION_ID {
                found = Some(value);
            }
        })?;
    }
    Ok(found)
}

fn is_object(text: &str, value: Span) -> bool {
    is_object_at(text.as_bytes(), value)
}

/// Whether the value at `value` in `message` is an object.
pub(super) fn is_object_at(message: &[u8], value: Span) -> bool {
    value.of(message).first() == Some(&b'{')
}
