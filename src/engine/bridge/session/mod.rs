//! One session of a legacy client over one channel to its server: streams, routing, resumption.
//!
//! [`Session`] is the session of a Streamable HTTP client: POSTs, GETs, what the server says, and the time go in; what is to be
//! forwarded, answered and written to which stream comes out as [`Action`]s. [`SseSession`] is the same for a client of
//! 2024-11-05, which has one stream for everything. Neither knows a socket, a task or a clock.
//!
//! **Invariant:** a response goes to the stream whose request it answers or nowhere; every other message goes to one stream,
//! never to two; what a session holds is bounded, whatever its client and its server do.
//!
//! Read [`Session`] first. Source: 2025-11-25 basic/transports (§Sending, §Listening, §Resumability), 2024-11-05
//! basic/transports (§HTTP with SSE).

mod action;
mod alias;
mod ending;
mod event;
mod flight;
mod heard;
mod hearing;
mod limits;
mod machine;
mod opening;
mod posting;
mod routing;
mod single;
mod store;
mod stream;
mod token;

pub use action::{Action, Opened, Posted, Refused, StreamId};
pub use event::frame;
pub use machine::{Counts, Session, Settings};
pub use single::SseSession;

#[cfg(test)]
mod tests;
