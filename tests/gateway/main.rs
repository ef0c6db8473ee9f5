//! The gateway as its users meet it: the real binary over loopback, judged by what reached the upstream and what left to the
//! client.
//!
//! `MCP_GUARD_TEST_IO=epoll` (or `uring`) forces the IO driver for the whole run, so that both stay alive.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod harness;

mod authentication;
mod batches;
mod children;
mod eras;
mod faults;
mod framing;
mod hostile;
mod hostile_keys;
mod hostile_tls;
mod hostile_tokens;
mod jwt;
mod legacy_sse;
mod lifecycle;
mod many_servers;
mod modern;
mod mtls;
mod oauth_surface;
mod origin;
mod policy;
mod quota;
mod sessions;
mod step_up;
mod streams;
mod surface;
mod tls;
