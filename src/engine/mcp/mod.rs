//! What MCP says on the wire: JSON-RPC messages, their methods and revisions, the headers that mirror them, and SSE framing.
//!
//! **Invariant:** one strict reader decides what a message is ([`scan`](scan::scan)). Everything later (policy, audit, agreement
//! of headers and body, id mapping) works on the [`Message`](message::Message) that it returned, and the bytes that travel
//! upstream are the bytes that it read. Nothing here keeps a copy of a body or changes one.
//!
//! Read [`message`] first. Specification: modelcontextprotocol.io revisions 2024-11-05 to 2026-07-28, JSON-RPC 2.0, RFC 8259.

pub mod agreement;
pub mod forwarding;
pub mod headers;
pub mod json;
pub mod limits;
pub mod message;
pub mod methods;
pub mod param_headers;
pub mod revision;
pub mod scan;
pub mod sse;

pub(crate) mod lookalike;
pub(crate) mod params;
mod scan_error;
pub(crate) mod sentinel;
