//! Servers that the workers cannot speak to themselves: children over stdio, HTTP+SSE servers of 2024-11-05, and servers of
//! another era than the client's.
//!
//! A worker reaches a bridge over a socket pair and speaks Streamable HTTP on it, so a bridge is a *front* that answers HTTP
//! and a *back* that moves messages:
//!
//! | Front | for | over |
//! |---|---|---|
//! | [`session::SessionFront`] | legacy clients, Streamable HTTP | a [`Connector`] |
//! | [`session::SseFront`] | legacy clients, HTTP+SSE | a [`Connector`] |
//! | [`modern::ModernFront`] | modern clients | a [`ModernUpstream`] |
//!
//! | Back | speaks | is a |
//! |---|---|---|
//! | [`child::StdioConnector`] | a child for each session | [`Connector`] |
//! | [`modern::SharedChild`] | one child for all | [`ModernUpstream`] |
//! | [`upstream::SseConnector`] | HTTP+SSE | [`Connector`] |
//! | [`upstream::HttpConnector`] | Streamable HTTP, legacy | [`Connector`] |
//! | [`upstream::ModernHttp`] | Streamable HTTP, modern | [`ModernUpstream`] |
//! | [`translate::AsModern`] | a legacy session as a modern server | [`ModernUpstream`] over a [`Connector`] |
//! | [`translate::AsLegacy`] | a modern server as a legacy session | [`Connector`] over a [`ModernUpstream`] |
//!
//! **Invariant:** what a client sent reaches a bridge only under a worker's permit; an answer goes to the exchange that asked
//! for it or nowhere; everything a bridge holds is bounded and ends with its session.
//!
//! Read [`link`] first.

mod backs;
mod bridges;
mod child;
mod fallback;
mod link;
mod modern;
mod server;
mod session;
mod switch;
mod translate;
mod upstream;

pub(in crate::control) use bridges::Bridges;
pub(in crate::control) use child::probe_child;
pub(in crate::control) use link::{
    Answers, Ask, BoxFuture, ConnectError, Connector, FromServer, FullScope, Link, LinkEnd,
    ModernUpstream,
};

#[cfg(test)]
pub(in crate::control) use child::testing as child_testing;
// What `check-upstream` speaks through as well.
pub(in crate::control) use child::{ChildRooms, StdioConnector};
pub(in crate::control) use upstream::{HttpServer, SseConnector};
