//! The built-in MCP server behind `mcp-guard demo`: four tools, a resource and a prompt, over Streamable HTTP, for clients of
//! every revision from 2025-03-26 to 2026-07-28.
//!
//! It reads messages with the gateway's own strict scanner and answers nothing but loopback. **Invariant:** it touches nothing
//! outside its own memory; `delete_everything` deletes nothing.
//!
//! Read [`DemoServer`] first.

mod catalogue;
mod launch;
mod rpc;
mod server;
mod session;
mod tools;

pub use launch::{Demo, DemoError};
pub use server::DemoServer;
