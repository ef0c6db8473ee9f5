//! mcp-guard: a security gateway in front of any MCP server.
//!
//! Two layers live here. [`engine`] and [`config`] are pure: bytes, a configuration and the time go in, decisions and bytes
//! come out. Everything that touches a socket, a file, a clock or a thread sits behind the `gateway` feature: the workers
//! (data plane), the control thread (control plane) and the command line.
//!
//! **Invariant:** `cargo build --lib --no-default-features` builds the pure layer alone, so the compiler keeps the boundary.

pub mod config;
pub mod engine;
pub mod signatures;

#[cfg(feature = "gateway")]
pub mod cli;
#[cfg(feature = "gateway")]
pub mod control;
#[cfg(feature = "gateway")]
pub mod demo;
#[cfg(feature = "gateway")]
pub mod mailbox;
#[cfg(feature = "gateway")]
pub mod metrics;
#[cfg(feature = "gateway")]
pub mod worker;
