//! What stands between a client and a server that do not speak the same transport or era, as far as bytes decide it.
//!
//! A session over a channel that has no sessions, several clients over one channel, and the translation between eras. Like
//! all of the engine it is pure: messages and the time go in, messages come out; `control::bridge` moves them.

pub mod session;
pub mod shared;
pub mod state_seal;
pub mod translate;
pub mod upstream;
