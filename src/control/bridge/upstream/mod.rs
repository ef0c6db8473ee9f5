//! Servers over HTTP as a bridge speaks to them: HTTP+SSE, Streamable HTTP of either era.
//!
//! **Invariant:** no redirect is followed, no encoded answer is read, nothing of a client's credentials is sent: a server gets
//! the fields that its configuration injects and those that the protocol asks for. A request that a server may have received
//! is never sent again; an answer goes on under the id of the request on whose exchange it came.
//!
//! Read [`HttpServer`] first. Specification: 2024-11-05, 2025-11-25 and 2026-07-28 basic/transports.

mod eras;
mod failed;
mod http;
mod listen;
mod modern;
mod outlet;
mod peer;
mod relay;
mod server;
mod sse;

pub(in crate::control) use {
    eras::{ProbedEra, probe_eras, probe_legacy, probe_modern},
    failed::HttpFailed,
    http::HttpConnector,
    modern::{ModernHttp, ParamFields},
    server::{HttpCall, HttpServer, Sent},
    sse::SseConnector,
};

#[cfg(test)]
mod tests;
