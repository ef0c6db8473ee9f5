//! What an exchange remembers of its messages: for its records, and for the ids of error answers.

use guard_io::http1::Method as HttpMethod;

use super::account::{Described, Kept};
use super::exchange::Exchange;
use crate::engine::admission::Understood;
use crate::engine::mcp::methods::Method;
use crate::engine::oauth::OAuthEndpoint;
use crate::engine::policy::Rule;
use crate::metrics::OAuthResult;

/// What the record will say of the messages.
#[expect(
    clippy::large_enum_variant,
    reason = "a message that was read is the common case and must not be allocated"
)]
pub(super) enum Notes {
    /// There is none to speak of: a page of the gateway's own.
    Nothing,
    /// A request to an endpoint of OAuth.
    OAuth(Box<OAuthNote>),
    /// There is no message; the HTTP method stands for it.
    Bare(Option<Rule>),
    /// The messages of the body, which is still in the connection's buffer, and the rules that decided.
    Read(Understood, Rules),
    /// The same, kept apart because the buffer was let go.
    Kept(Vec<Kept>),
}

/// What is remembered of a request to an endpoint of OAuth.
pub(super) struct OAuthNote {
    pub(super) endpoint: OAuthEndpoint,
    pub(super) result: OAuthResult,
    /// Whose it was, as identities are written.
    pub(super) identity: Option<Box<str>>,
}

/// The rule for each message of a body.
pub(super) enum Rules {
    /// Of a single message.
    One(Rule),
    /// Of each member of a batch.
    Each(Vec<Rule>),
}

impl Rules {
    fn of(&self, index: usize) -> Option<Rule> {
        match self {
            Self::One(rule) => Some(*rule),
            Self::Each(rules) => rules.get(index).copied(),
        }
    }
}

impl Exchange<'_> {
    /// Lets the request's buffer go before a long answer, keeping what the record needs.
    pub(super) fn release_request(&mut self) {
        let mut kept = Vec::with_capacity(1);
        self.each_described(|described| kept.push(Kept::of(described)));
        self.notes = Notes::Kept(kept);
        self.consume();
        if self.connection.buffer.is_empty() {
            self.connection.buffer.release();
        }
    }

    pub(super) fn consume(&mut self) {
        let length = self.head.head_len + self.body_len.unwrap_or(0);
        self.connection.buffer.consume_front(length);
        self.head.head_len = 0;
        self.body_len = None;
    }

    /// Shows each message of the exchange to `see`, for records and error answers.
    pub(super) fn each_described(&self, mut see: impl FnMut(&Described<'_>)) {
        match &self.notes {
            Notes::Nothing | Notes::OAuth(_) => {}
            Notes::Bare(rule) => see(&Described::bare(http_method(self.head.method), *rule)),
            Notes::Kept(kept) => kept.iter().for_each(|kept| see(&kept.describe())),
            Notes::Read(understood, rules) => {
                for (index, message) in understood.body.messages().iter().enumerate() {
                    see(&Described::of(message, self.body_bytes(), rules.of(index)));
                }
            }
        }
    }

    /// Whether some message of the exchange is a call of `method`.
    pub(super) fn has_method(&self, method: Method) -> bool {
        let mut found = false;
        self.each_described(|described| found |= described.method == method);
        found
    }

    /// The id that an answer to the whole exchange carries: that of its only request.
    pub(super) fn only_id(&self) -> Option<Vec<u8>> {
        let (mut id, mut messages) = (None, 0);
        self.each_described(|described| {
            messages += 1;
            id = described.id.map(<[u8]>::to_vec);
        });
        id.filter(|_| messages == 1)
    }
}

const fn http_method(method: HttpMethod) -> &'static [u8] {
    match method {
        HttpMethod::Get => b"GET",
        HttpMethod::Head => b"HEAD",
        HttpMethod::Post => b"POST",
        HttpMethod::Delete => b"DELETE",
        HttpMethod::Options => b"OPTIONS",
        HttpMethod::Other(_) => b"other",
    }
}
