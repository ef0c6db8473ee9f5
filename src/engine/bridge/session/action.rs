//! What a session asks of whoever moves its bytes.

use crate::engine::reply::Failure;

/// One stream of a session: the answer to one POST, or the standalone stream of its GETs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub(super) u64);

impl StreamId {
    /// The stream that a GET without `Last-Event-ID` opens.
    pub const STANDALONE: Self = Self(0);
}

/// One thing to do. Actions are done in the order in which they were given.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Send this message to the server: one line.
    Forward(Vec<u8>),
    /// The server accepted the session: answer its POST with this JSON and the session's id.
    Established {
        /// The POST's stream.
        stream: StreamId,
        /// The response to `initialize`.
        body: Vec<u8>,
    },
    /// Answer the POST that waits with this JSON. Its stream is gone.
    Answer {
        /// The POST's stream.
        stream: StreamId,
        /// HTTP status.
        status: u16,
        /// One JSON-RPC message, or an array of them.
        body: Vec<u8>,
    },
    /// Answer the POST that waits with an event stream that starts with these bytes, which may be none.
    Begin {
        /// The POST's stream.
        stream: StreamId,
        /// Whole events.
        bytes: Vec<u8>,
    },
    /// Write these bytes to the reader of the stream.
    Emit {
        /// The stream.
        stream: StreamId,
        /// Whole events.
        bytes: Vec<u8>,
    },
    /// End the answer that the stream's reader has.
    End {
        /// The stream.
        stream: StreamId,
    },
    /// The session is over: drop the link.
    Over,
}

/// How a POST is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// 202: nothing of it wants a response.
    Accepted,
    /// By an action on this stream, sooner or later.
    Awaits(StreamId),
}

/// How a GET is answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Opened {
    /// With an event stream.
    Stream {
        /// Which one: later actions on it are for this reader.
        stream: StreamId,
        /// What it starts with: whole events, or nothing.
        bytes: Vec<u8>,
        /// Whether that is all of it.
        is_whole: bool,
    },
    /// With 204: the stream is over and the client has seen all of it. Readers of event streams do not come back then.
    NothingLeft,
}

/// A POST or GET that is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub failure: Failure,
    /// The id of the request that is to blame, as written.
    pub id: Option<Box<[u8]>>,
}
