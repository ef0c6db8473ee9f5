//! What the scanner found: one message or a batch, described by spans into the body.
//!
//! Nothing borrows the body, so a [`Message`] outlives an `await` beside the buffer that it describes. Each span counts from
//! the first byte of the body handed to [`scan`](super::scan::scan), for the members of a batch too.

use std::borrow::Cow;

use super::json::decoded;
use super::methods::{Judged, Method, NOTIFICATION_PREFIX};
use super::revision::Revision;
use crate::engine::span::Span;

/// A body that the scanner accepted.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one message is the common case and must not be allocated"
)]
pub enum Body {
    /// A single message.
    One(Message),
    /// An array of messages, in order, at least one.
    Batch(Vec<Message>),
}

impl Body {
    /// The messages of the body, in order.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        match self {
            Self::One(message) => std::slice::from_ref(message),
            Self::Batch(messages) => messages,
        }
    }
}

/// One JSON-RPC message.
#[derive(Debug)]
pub struct Message {
    /// The whole object, braces included.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// The three things that a message can be.
#[derive(Debug)]
pub enum Kind {
    /// A call that expects an answer.
    Request {
        /// Its id.
        id: Id,
        /// What it asks for.
        call: Call,
    },
    /// A call that expects none.
    Notification {
        /// What it tells.
        call: Call,
    },
    /// An answer to a request of the other side.
    Response {
        /// The id that it answers. Absent only on an error that answers nothing in particular.
        id: Option<Id>,
        /// Whether it carries `error` rather than `result`.
        is_error: bool,
    },
}

/// A request id or progress token exactly as written: quotes and escapes included, so that an answer echoes it byte for byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(Span);

impl Id {
    pub(super) const fn new(token: Span) -> Self {
        Self(token)
    }

    /// Where the token lies in the body.
    #[must_use]
    pub const fn span(self) -> Span {
        self.0
    }

    /// A value that equal ids share: the token, with any escapes undone.
    pub(super) fn key(self, body: &[u8]) -> Cow<'_, str> {
        let raw = str::from_utf8(self.raw(body)).unwrap_or_default();
        match raw.contains('\\') {
            true => Cow::Owned(decoded(raw).collect()),
            false => Cow::Borrowed(raw),
        }
    }

    /// The raw token: a JSON string with its quotes, or an integer.
    #[must_use]
    pub fn raw(self, body: &[u8]) -> &[u8] {
        self.0.of(body)
    }
}

/// The decoded value of a JSON string: in place where it holds no escape, else decoded once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// The bytes between the quotes, which are the value.
    Raw(Span),
    /// The value of a string that was written with escapes.
    Decoded(Box<str>),
}

impl Text {
    /// The value. `body` must be the body that was scanned; panics where it is not UTF-8 at the span, which the scanner proved.
    #[must_use]
    pub fn as_str<'a>(&'a self, body: &'a [u8]) -> &'a str {
        match self {
            Self::Raw(span) => str::from_utf8(span.of(body))
                .expect("the scanner validated UTF-8 and cut at ASCII quotes"),
            Self::Decoded(text) => text,
        }
    }

    /// The value as bytes, without looking at it again.
    #[must_use]
    pub fn as_bytes<'a>(&'a self, body: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Raw(span) => span.of(body),
            Self::Decoded(text) => text.as_bytes(),
        }
    }
}

/// A method with its parameters.
#[derive(Debug)]
pub struct Call {
    /// The method out of the closed set.
    pub method: Method,
    /// The method as sent.
    pub method_text: Text,
    /// What of the parameters the gateway needs.
    pub params: Params,
}

/// What of `params` the gateway looks at. A field is present only with the JSON type that its name calls for; where the
/// method needs it, the scanner has refused every other type.
#[derive(Debug, Default)]
pub struct Params {
    /// The whole object, braces included.
    pub span: Option<Span>,
    /// `name`: tool or prompt.
    pub name: Option<Text>,
    /// `uri`: resource.
    pub uri: Option<Text>,
    /// `taskId`.
    pub task_id: Option<Text>,
    /// `cursor`: the string with its quotes, opaque.
    pub cursor: Option<Span>,
    /// `ref` of `completion/complete`.
    pub reference: Option<Reference>,
    /// `arguments`, whatever its type.
    pub arguments: Option<Span>,
    /// `requestId` of `notifications/cancelled`.
    pub request_id: Option<Id>,
    /// `progressToken` of `notifications/progress` (a request's own is in [`Meta`]).
    pub progress_token: Option<Id>,
    /// `protocolVersion` of `initialize`.
    pub protocol_version: Option<Text>,
    /// `level` of `logging/setLevel`.
    pub level: Option<Text>,
    /// `task`: the caller asks for task augmentation.
    pub task: Option<Span>,
    /// `requestState`: the string with its quotes, opaque.
    pub request_state: Option<Span>,
    /// `inputResponses`, whatever its type.
    pub input_responses: Option<Span>,
    /// `notifications` of `subscriptions/listen`.
    pub subscriptions: Option<Subscriptions>,
    /// `_meta`.
    pub meta: Meta,
}

/// `params.ref`: what a completion completes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `ref/prompt` with its `name`.
    Prompt(Text),
    /// `ref/resource` with its `uri`, often a template.
    Resource(Text),
}

/// `params.notifications` of `subscriptions/listen`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscriptions {
    /// `resourceSubscriptions`, each URI in order.
    pub uris: Vec<Text>,
    /// `taskIds` of the tasks extension, each in order.
    pub task_ids: Vec<Text>,
}

/// What of `params._meta` the gateway looks at.
#[derive(Debug, Default)]
pub struct Meta {
    /// The whole object, braces included.
    pub span: Option<Span>,
    /// `io.modelcontextprotocol/protocolVersion`: its presence opens a modern message.
    pub protocol_version: Option<Text>,
    /// `io.modelcontextprotocol/clientCapabilities`, an object.
    pub client_capabilities: Option<Span>,
    /// `io.modelcontextprotocol/clientInfo`, whatever its type: self-reported, for logs only.
    pub client_info: Option<Span>,
    /// `io.modelcontextprotocol/logLevel`.
    pub log_level: Option<Text>,
    /// `progressToken`.
    pub progress_token: Option<Id>,
    /// `traceparent`: the string's value.
    pub traceparent: Option<Text>,
    /// `tracestate`: the string's value.
    pub tracestate: Option<Text>,
}

/// What policy is asked about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// Every authenticated caller may send it.
    AlwaysAllowed,
    /// The tool of a call.
    Tool(&'a str),
    /// The prompt of a get, or of a completion.
    Prompt(&'a str),
    /// The resource of a read or subscription, or (a template) of a completion.
    Resource(&'a str),
    /// The resources and tasks that a stream would tell about: each must be allowed.
    Subscriptions(&'a Subscriptions),
    /// A task, which the caller must have created.
    Task(&'a str),
    /// Any other method, by name.
    Method(&'a str),
}

impl Message {
    /// Its id, where it is a request.
    #[must_use]
    pub fn request_id(&self) -> Option<Id> {
        match self.kind {
            Kind::Request { id, .. } => Some(id),
            _ => None,
        }
    }

    /// What it asks or tells; `None` for a response.
    #[must_use]
    pub fn call(&self) -> Option<&Call> {
        match &self.kind {
            Kind::Request { call, .. } | Kind::Notification { call } => Some(call),
            Kind::Response { .. } => None,
        }
    }

    /// Its method; `None` for a response.
    #[must_use]
    pub fn method(&self) -> Option<Method> {
        self.call().map(|call| call.method)
    }

    /// What policy judges this message by. Allocates nothing.
    #[must_use]
    pub fn subject<'a>(&'a self, body: &'a [u8]) -> Subject<'a> {
        match &self.kind {
            Kind::Request { call, .. } => call.request_subject(body),
            Kind::Notification { call } => call.notification_subject(body),
            Kind::Response { .. } => Subject::AlwaysAllowed,
        }
    }
}

impl Call {
    /// Whether this is a request of 2026-07-28 for a method that only earlier revisions have.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        let is_known = self.method != Method::Other && !self.method.is_notification();
        let opens_modern = self.params.meta.protocol_version.is_some();
        is_known && opens_modern && !self.method.exists_in(Revision::R2026_07_28)
    }

    /// A field that the method needs is there, or the scanner would have refused; the fallback judges by method name, which
    /// no entry for tools, prompts or resources allows.
    fn request_subject<'a>(&'a self, body: &'a [u8]) -> Subject<'a> {
        let params = &self.params;
        let named = |text: &'a Option<Text>, subject: fn(&'a str) -> Subject<'a>| {
            text.as_ref().map(|text| subject(text.as_str(body)))
        };
        let subject = match self.method.judged() {
            Judged::Never if self.method.is_notification() => None,
            Judged::Never => Some(Subject::AlwaysAllowed),
            Judged::ByTool => named(&params.name, Subject::Tool),
            Judged::ByPrompt => named(&params.name, Subject::Prompt),
            Judged::ByResource => named(&params.uri, Subject::Resource),
            Judged::ByTask => named(&params.task_id, Subject::Task),
            Judged::ByReference => params
                .reference
                .as_ref()
                .map(|reference| reference.subject(body)),
            Judged::BySubscriptions => params.subscriptions.as_ref().map(Subject::Subscriptions),
            Judged::ByMethod => None,
        };
        subject.unwrap_or_else(|| self.method_subject(body))
    }

    fn notification_subject<'a>(&'a self, body: &'a [u8]) -> Subject<'a> {
        if self
            .method_text
            .as_bytes(body)
            .starts_with(NOTIFICATION_PREFIX.as_bytes())
        {
            Subject::AlwaysAllowed
        } else {
            self.method_subject(body)
        }
    }

    fn method_subject<'a>(&'a self, body: &'a [u8]) -> Subject<'a> {
        Subject::Method(self.method_text.as_str(body))
    }
}

impl Reference {
    fn subject<'a>(&'a self, body: &'a [u8]) -> Subject<'a> {
        match self {
            Self::Prompt(name) => Subject::Prompt(name.as_str(body)),
            Self::Resource(uri) => Subject::Resource(uri.as_str(body)),
        }
    }
}
