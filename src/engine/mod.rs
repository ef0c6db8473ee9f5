//! The engine: bytes and `now` in, decisions and bytes out.
//!
//! **Invariant:** nothing here opens a socket or a file, reads a clock, starts a thread or knows a runtime.

pub mod admission;
pub mod audit;
pub mod bridge;
pub mod discovery;
pub mod filter;
pub mod identity;
pub mod limits;
pub mod mcp;
pub mod oauth;
pub mod policy;
pub mod quota;
pub mod reply;
pub mod route;
pub mod seal;
pub mod session;
pub mod snapshot;
pub mod span;
