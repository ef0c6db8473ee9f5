//! Requests of many modern clients over one channel: ids, tokens and subscriptions remapped.
//!
//! Clients choose their ids without knowing of each other, so over one channel each request gets an id of the gateway's own,
//! which is its progress token and its subscription id too. What the server says of it finds its way back by that number and
//! carries the client's spelling again, byte for byte. Nothing else in a message is touched, `requestState` excepted
//! ([`state_seal`](super::state_seal)).
//!
//! **Invariant:** a number is never used twice, so an answer that comes late, twice, or uncalled for reaches nobody.
//!
//! Read [`Channel`] first. Source: 2026-07-28 stdio §Receiving, patterns/cancellation, progress, subscriptions.

mod channel;
mod discover;
mod ghosts;
mod listen;
mod notices;
mod outcome;
mod peek;
mod server_message;
mod splice;

pub use channel::Channel;
pub use discover::{DISCOVER_REQUEST, DiscoverAnswer, discover_answer};
pub use outcome::{
    Delivery, EVENT_BYTES_MAX, Ignored, OWNER_REQUESTS_MAX, OpenError, Opened, REQUESTS_MAX,
    Received, RequestKey,
};
pub use peek::{Peeked, peek};
