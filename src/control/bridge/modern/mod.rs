//! Modern clients in front of a modern server that is no HTTP server: one child for all, requests remapped.
//!
//! [`ModernFront`] answers HTTP as a server of 2026-07-28 does, over any [`ModernUpstream`](super::ModernUpstream).
//! [`SharedChild`] is one, over a channel; which message is whose decides
//! [`engine::bridge::shared`](crate::engine::bridge::shared). [`CheckedParams`] adds what an HTTP server owes for
//! `Mcp-Param-*` to a server that knows nothing of HTTP. [`probe_modern`] tells a server's era.
//!
//! **Invariant:** a client that reads slowly, or not at all, holds up no other; a client that leaves is told of to the
//! server at once; what the server says of a request that is over is swallowed.
//!
//! Read [`front`] first, then [`driver`].

mod answer;
mod catalogue;
mod driver;
mod front;
mod lane;
mod param_check;
mod probe;
mod restarts;
mod schemas;
mod shared_child;
#[cfg(test)]
mod testing;

pub(super) use catalogue::Lookup;
pub(in crate::control) use front::ModernFront;
pub(in crate::control) use param_check::CheckedParams;
pub(in crate::control) use probe::{Probe, probe_modern};
pub(super) use schemas::Schemas;
pub(in crate::control) use schemas::ToolsEpoch;
pub(in crate::control) use shared_child::{SharedChild, Sharing};
