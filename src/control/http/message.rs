//! Requests and responses as handlers see them.

use guard_io::http1::{Fields, HeadIndex, Method, RequestHead};
use tokio::sync::mpsc;

/// One whole request.
#[derive(Debug)]
pub struct Request {
    pub(super) bytes: Vec<u8>,
    pub(super) head: RequestHead,
    pub(super) index: HeadIndex,
    /// The decoded body.
    pub body: Vec<u8>,
}

impl Request {
    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.head.method
    }

    /// The method as received.
    #[must_use]
    pub fn method_name(&self) -> &[u8] {
        self.head.method.name(&self.bytes)
    }

    /// The path as received, without the query.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        self.head.target.path(&self.bytes)
    }

    /// The head as received; the fields lie within it.
    #[must_use]
    pub fn head_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Every field, as `(name, value)`.
    pub fn fields(&self) -> Fields<'_> {
        self.index.headers(&self.bytes)
    }

    /// Host, in the form `name[:port]`.
    #[must_use]
    pub fn authority(&self) -> Option<&[u8]> {
        self.head.authority.map(|span| span.of(&self.bytes))
    }

    /// The value of the only field called `name`, case-insensitively; `None` where there is none or more than one.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let mut values = self.values(name);
        let first = values.next()?;
        values.next().is_none().then_some(first)
    }

    /// Whether any field is called `name`.
    #[must_use]
    pub fn has_header(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    fn values<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        let fields = self.index.headers(&self.bytes);
        fields
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }
}

/// What is answered.
#[derive(Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Fields beside those of framing and connection.
    pub fields: Vec<(&'static str, String)>,
    /// What follows the head.
    pub body: Body,
}

/// The body of a response.
#[derive(Debug)]
pub enum Body {
    /// All of it.
    Full(Vec<u8>),
    /// Pieces as they come, until the sender is dropped. The receiver is dropped as soon as the client is gone.
    Stream(mpsc::Receiver<Vec<u8>>),
}

impl Response {
    /// An answer without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            fields: Vec::new(),
            body: Body::Full(Vec::new()),
        }
    }

    /// An answer of `content_type`.
    #[must_use]
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let fields = vec![("Content-Type", content_type.to_owned())];
        Self {
            status,
            fields,
            body: Body::Full(body.into()),
        }
    }

    /// A JSON answer.
    #[must_use]
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, "application/json", body)
    }

    /// `{"error": message}`.
    #[must_use]
    pub fn error(status: u16, message: &str) -> Self {
        Self::json(status, serde_json::json!({ "error": message }).to_string())
    }

    /// An event stream fed by the other end of `events`.
    #[must_use]
    pub fn events(events: mpsc::Receiver<Vec<u8>>) -> Self {
        let fields = vec![
            ("Content-Type", "text/event-stream".to_owned()),
            ("Cache-Control", "no-store".to_owned()),
            ("X-Accel-Buffering", "no".to_owned()),
        ];
        Self {
            status: 200,
            fields,
            body: Body::Stream(events),
        }
    }

    /// The same with one more field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }
}
