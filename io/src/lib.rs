//! guard-io: the mechanism under mcp-guard.
//!
//! Pinned workers, listeners, timers, buffers, an HTTP/1.1 codec and connection pools.
//!
//! **Invariant:** nothing here knows MCP, policy or configuration files; nothing outside this package names `monoio`.

pub mod http1;
