//! Translation between the eras: a legacy session as a modern server, and a modern server as a legacy session.
//!
//! | Idea | File |
//! |---|---|
//! | a JSON object whose members nobody re-spells | [`object`] |
//! | what a message is, and messages of the gateway's own | [`wire`] |
//! | requests from era to era | [`request`] |
//! | results and errors from era to era | [`answer`] |
//! | `initialize` against `server/discover`, capabilities | [`hello`] |
//! | what a server asks of a client | [`input`] |
//! | `requestState` of a parked call | [`state`] |
//! | one form of equal JSON | [`canonical`] |
//! | a legacy session that answers modern requests | [`as_modern`] |
//! | a modern server that answers a legacy session | [`as_legacy`] |
//!
//! **Invariant:** a call is sent to its server once, whatever the server asks meanwhile; what a server asks reaches the client
//! of the call that it asked for, or nobody. Ids, tokens, numbers and unknown members keep their spelling.
//!
//! Specification: 2025-11-25 against 2026-07-28 (basic/patterns/mrtr, basic/patterns/subscriptions, server/discover,
//! server/utilities/caching, server/utilities/logging, basic/versioning).

pub mod answer;
pub mod as_legacy;
pub mod as_modern;
pub mod canonical;
pub mod hello;
pub mod input;
pub mod level;
pub mod object;
pub mod request;
pub mod state;
pub mod wire;

pub use object::Object;
