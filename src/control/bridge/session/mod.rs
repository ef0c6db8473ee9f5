//! Legacy clients in front of a [`Connector`](super::Connector): sessions, streams, resumption.
//!
//! [`SessionFront`] answers clients of Streamable HTTP, [`SseFront`] those of HTTP+SSE (2024-11-05). Each session is a task
//! that owns its link and its state; handlers send it what came and wait for the answer. What a session decides is in
//! [`engine::bridge::session`](crate::engine::bridge::session); this moves its bytes and ends it in time.
//!
//! **Invariant:** a session is reached by its owner alone, at the front that made it; it has a room in [`SessionRooms`] from
//! before its link until after it; a client that does not read delays its own session and holds two messages, no more.
//!
//! Read [`SessionFront`] first.

mod actor;
mod admission;
mod front;
mod inbound;
mod mailbox;
mod readers;
mod reply;
mod rooms;
mod single;
mod sse_front;
mod yielding;

pub(in crate::control) use admission::FrontSettings;
pub(in crate::control) use front::SessionFront;
pub(in crate::control) use rooms::SessionRooms;
pub(in crate::control) use sse_front::SseFront;
pub(in crate::control) use yielding::Yielding;

#[cfg(test)]
mod tests;
