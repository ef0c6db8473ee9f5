//! Children over stdio: started clean, read line by line, stopped with their whole process group, always reaped.
//!
//! [`StdioConnector`] starts one child for each session and hands out its [`Link`](super::Link); [`ChildRooms`] counts all
//! children of the process. The task behind a link is `attendant`: it moves lines between pipes and channels, watches for the
//! child's end, and ends it when the link is dropped.
//!
//! **Invariant:** a child's command line comes from the configuration alone; what it writes is a whole JSON object or array
//! before it reaches a front; a room is taken from before a child starts until nothing of its group is left.
//!
//! Source: MCP 2026-07-28 and 2025-11-25, stdio transport and shutdown.

mod attendant;
mod backoff;
mod chatter;
mod command;
mod connector;
mod exit;
mod input;
mod launcher;
mod lines;
mod output;
mod probe;
mod rooms;
#[cfg(test)]
pub(in crate::control) mod testing;
#[cfg(test)]
mod tests;

pub(super) use backoff::Backoff;
pub(in crate::control) use connector::StdioConnector;
pub(in crate::control) use probe::probe_child;
pub(in crate::control) use rooms::ChildRooms;
