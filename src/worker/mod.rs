//! The data plane: drives connections with the decisions of the engine.
//!
//! A request is served start to end on the thread that accepted its connection: `handshake` speaks TLS, `connection` reads heads and keeps the
//! connection alive, `exchange` takes one request through its stages, `admit` its head, `forward` sends it with its permit, `relay`
//! brings the answer back, `account` leaves the record and the counts.
//!
//! **Invariants:** nothing here decides; the engine does. `forward::send` is the one function that writes to an upstream, and
//! it takes a `Permit`. A worker waits for no other thread to answer a request that needs none: one with a token whose key nobody
//! has yet (`key_wait`) or whose issuer must be asked (`vouch_wait`) waits for control, as does one to an endpoint of OAuth (`oauth`),
//! and nobody else does. It takes no lock that another worker holds for longer than a table look-up.
//!
//! Read `exchange` first, beside `docs/lifecycle.md`.

mod account;
mod admit;
mod answer;
mod asking;
mod connection;
mod delivery;
mod detached;
mod exchange;
mod forward;
mod handshake;
mod intake;
mod key_wait;
mod notes;
mod oauth;
mod pages;
mod plane;
mod refusal;
mod relay;
mod request_id;
mod secured;
mod state;
mod streams;
#[cfg(test)]
mod testing;
mod upstreams;
mod vouch_wait;
mod waiters;
mod way;
mod weigh;

pub use plane::bind;
