//! What becomes of messages on a channel, in both directions.

use std::fmt;

use crate::engine::bridge::state_seal::StateError;
use crate::engine::mcp::json::Syntax;

/// Requests that may be open over one channel at once.
pub const REQUESTS_MAX: usize = 8_192;

/// Requests of one owner that may be open over one channel at once: nobody can use up the channel alone.
pub const OWNER_REQUESTS_MAX: usize = 4_096;

const _: () = assert!(OWNER_REQUESTS_MAX < REQUESTS_MAX);

/// Longest notification that is copied to every subscription that asked for it, in bytes. They are a line each.
pub const EVENT_BYTES_MAX: usize = 16 * 1_024;

/// A request's number on the channel: its id, progress token and subscription id there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey(pub(super) u64);

impl RequestKey {
    /// The first that a channel gives.
    pub const FIRST: Self = Self(1);
}

/// A request that may go to the server.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened {
    /// Under which its answers come.
    pub key: RequestKey,
    /// What the server gets: one line.
    pub message: Vec<u8>,
}

/// Why a request does not go to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// As many are open as may be.
    Full,
    /// As many of this owner are open as one may have.
    OwnerFull,
    /// The message is no single request.
    NotARequest,
    /// Its method is one that only earlier revisions have. A server of both eras would take `initialize` for the beginning of
    /// a legacy session of the whole process.
    Gone,
    /// What it listens to cannot be read.
    Listen(Syntax),
    /// Its `requestState` is not one of this call.
    State(StateError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => write!(
                f,
                "the shared server has {REQUESTS_MAX} requests open; limit is {REQUESTS_MAX}"
            ),
            Self::OwnerFull => write!(
                f,
                "the identity has {OWNER_REQUESTS_MAX} requests open at the shared server; limit is {OWNER_REQUESTS_MAX}"
            ),
            Self::NotARequest => f.write_str("message is not a single request"),
            Self::Gone => f.write_str("method is not part of 2026-07-28"),
            Self::Listen(syntax) => write!(f, "listen filter cannot be read: {syntax}"),
            Self::State(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

/// A message for one client.
#[derive(Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Whose.
    pub key: RequestKey,
    /// The message in the client's terms.
    pub message: Vec<u8>,
    /// Whether the request is over with it.
    pub is_last: bool,
    /// Whether a client that reads slowly may do without it: progress and logs.
    pub is_lossy: bool,
}

/// What follows from a message of the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// It goes to these clients, at least one.
    Deliver(Vec<Delivery>),
    /// It goes to nobody, and the server gets this answer.
    Refuse(Vec<u8>),
    /// It goes to nobody.
    Ignore(Ignored),
}

/// Why a message goes to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// It is no JSON-RPC message.
    NotAMessage,
    /// It answers or concerns a request that is over.
    Late,
    /// It names a request that never was, or none.
    Foreign,
    /// Nobody asked for it.
    Unasked,
    /// It came on a subscription that the server has not acknowledged.
    BeforeAcknowledgement,
    /// Several requests, or none, may be what it belongs to.
    Ambiguous,
    /// It is for every subscription and longer than [`EVENT_BYTES_MAX`].
    TooLarge,
}

impl Ignored {
    /// In a word, for the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAMessage => "not a JSON-RPC message",
            Self::Late => "its request is over",
            Self::Foreign => "it names no request of the gateway",
            Self::Unasked => "nobody asked for it",
            Self::BeforeAcknowledgement => "its subscription is not acknowledged",
            Self::Ambiguous => "it belongs to no one request",
            Self::TooLarge => "it is for every subscription and longer than 16384 bytes",
        }
    }
}

/// What a delivery means for its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// More may come, and this one may be lost.
    Lossy,
    /// More may come.
    More,
    /// Nothing more comes.
    Last,
}

pub(super) fn deliver(number: u64, message: Vec<u8>, end: End) -> Received {
    Received::Deliver(vec![Delivery {
        key: RequestKey(number),
        message,
        is_last: end == End::Last,
        is_lossy: end == End::Lossy,
    }])
}
