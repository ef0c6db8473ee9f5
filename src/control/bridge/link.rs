//! What fronts and backs of a bridge have in common: a legacy session as a pair of channels, a modern request as one.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use tokio::sync::mpsc;

use crate::engine::limits::STREAM_BUFFER_BYTES_MAX;
use crate::engine::session::Owner;

/// A future that is boxed so that traits with one stay usable as objects.
pub(in crate::control) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Messages that may wait in one direction of a link. A full queue makes its writer wait: back-pressure, not memory.
pub(in crate::control) const LINK_MESSAGES_MAX: usize = 16;

/// One legacy session's channel to its server. Dropping it ends the session there: a child is stopped, an HTTP session
/// deleted, in the background and within bounds.
#[derive(Debug)]
pub(in crate::control) struct Link {
    /// To the server: one JSON-RPC message each, UTF-8, without CR or LF.
    pub(in crate::control) to_server: mpsc::Sender<Vec<u8>>,
    /// From the server, in its order; [`FromServer::Ended`] is the last.
    pub(in crate::control) from_server: mpsc::Receiver<FromServer>,
}

/// What a server says.
#[derive(Debug)]
pub(in crate::control) enum FromServer {
    /// One JSON-RPC message as it came, not yet looked at.
    Message {
        /// Its bytes.
        bytes: Vec<u8>,
        /// The raw id of the client's request on whose stream it came, where the transport tells (HTTP does, stdio does not).
        during: Option<Box<[u8]>>,
    },
    /// Nothing more will come, and nothing that was sent is sure to have been answered.
    Ended(LinkEnd),
}

/// Queues `message` of `bytes` bytes, a large one only when nothing else waits: a queue holds a stream's buffer for each of its
/// places, and one message beside. Returns whether there is a reader.
pub(in crate::control) async fn queue<T>(to: &mpsc::Sender<T>, bytes: usize, message: T) -> bool {
    let is_large = bytes > STREAM_BUFFER_BYTES_MAX;
    let places = if is_large { to.max_capacity() } else { 1 };
    match to.reserve_many(places).await {
        Ok(mut free) => free.next().map(|place| place.send(message)).is_some(),
        Err(_) => false,
    }
}

/// Why a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control) enum LinkEnd {
    /// The child exited or closed its output.
    Exited,
    /// A message exceeded `limits.line_bytes`.
    TooLarge,
    /// The connection to the server broke.
    Broke,
    /// The server says that it does not know the session any more.
    SessionLost,
}

impl fmt::Display for LinkEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exited => "server process ended",
            Self::TooLarge => "server sent a message larger than limits.line_bytes",
            Self::Broke => "connection to the server broke",
            Self::SessionLost => "server has ended the session",
        })
    }
}

/// Why there is no link, or no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::control) enum ConnectError {
    /// A bound is reached. Ending an idle session of that scope makes room.
    Full(FullScope),
    /// It failed too often lately and is not tried again before the back-off ends.
    BackingOff,
    /// It cannot be started or reached. The text is for the log.
    Unreachable(Box<str>),
    /// It does not speak the era.
    WrongEra,
}

/// Whose bound is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control) enum FullScope {
    /// The owner has as many as one may have.
    Owner,
    /// The server has (`upstream.max_children`).
    Server,
    /// The process has.
    Process,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(FullScope::Owner) => {
                f.write_str("the identity has as many sessions as it may have")
            }
            Self::Full(FullScope::Server) => f.write_str(
                "the server has as many children as it may have (upstream.max_children)",
            ),
            Self::Full(FullScope::Process) => {
                f.write_str("the gateway has as many sessions as it may have (server.limits)")
            }
            Self::BackingOff => {
                f.write_str("the server failed lately and is not started again yet")
            }
            Self::Unreachable(why) => f.write_str(why),
            Self::WrongEra => f.write_str("the server does not speak this era"),
        }
    }
}

impl std::error::Error for ConnectError {}

/// Opens legacy sessions to one server. The session begins when the client's `initialize` goes over the link.
pub(in crate::control) trait Connector: Send + Sync + 'static {
    /// A new session's link, charged to `owner`.
    fn connect(&self, owner: Owner) -> BoxFuture<'_, Result<Link, ConnectError>>;
}

/// One modern request with what it needs on its way.
#[derive(Clone, Debug)]
pub(in crate::control) struct Ask {
    /// Who asks.
    pub(in crate::control) owner: Owner,
    /// The request: one JSON-RPC message with its id and `_meta`, strictly scanned before.
    pub(in crate::control) message: Vec<u8>,
    /// `Mcp-Param-*`, `traceparent` and `tracestate` of the client's request, for an upstream that speaks HTTP.
    pub(in crate::control) fields: Vec<(Box<str>, Box<[u8]>)>,
}

/// The messages that answer one modern request: notifications of its stream, then its response, each with the id that the
/// asker used. An end without a response: the server broke off. Dropping it cancels the request.
pub(in crate::control) type Answers = mpsc::Receiver<Vec<u8>>;

/// A server of the modern era: every request stands for itself.
pub(in crate::control) trait ModernUpstream: Send + Sync + 'static {
    /// Sends `ask`.
    fn ask(&self, ask: Ask) -> BoxFuture<'_, Result<Answers, ConnectError>>;
}
