//! The control plane: one tokio thread that does everything slow.
//!
//! It loads and publishes configurations, resolves names, probes required upstreams, writes audit records, answers the admin
//! listener, fetches keys of issuers (`control::jwks`), obeys signals, drains, and serves as a bridge (`control::bridge`) to
//! servers that a worker cannot speak to itself. **Invariant:** no other request waits for it, but one whose token needs keys
//! that nobody has, for a bounded time; it meets the workers in [`mailbox`](crate::mailbox) only and imports
//! nothing of them.
//!
//! Read [`run`] first.

mod admin;
pub mod audit;
mod bridge;
mod freshness;
mod gateway;
pub mod http;
mod jwks;
pub mod logging;
mod oauth;
mod outbound;
mod probe;
pub mod process;
mod reload;
mod resolve;
pub mod round_trip;
mod scrape;
mod signals;
mod source;
mod start;
mod status;
#[cfg(test)]
mod testing;
pub mod tls;
mod usage;

pub use scrape::metrics;
pub use source::Source;
pub use start::{Addresses, Run, StartError, run};
