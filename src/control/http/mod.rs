//! A small HTTP/1.1 server and client on tokio, over the gateway's own codec: for the admin listener, the demo server and
//! `check-upstream`. The data plane does not use it.
//!
//! **Invariant:** heads, bodies, connections and every wait are bounded ([`Bounds`]); what the codec refuses is answered and
//! the connection closed.
//!
//! Read [`serve`] first.

mod client;
mod connection;
mod message;
mod server;

pub use client::{Answer, Client, ClientError, Endpoint};
pub use message::{Body, Request, Response};
pub use server::{Accept, Bounds, Handler, serve, serve_connection};
