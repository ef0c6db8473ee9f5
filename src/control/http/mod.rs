//! A small HTTP/1.1 server and client on tokio, over the gateway's own codec: for the admin listener, the demo server,
//! `check-upstream` and the backs of bridges. The data plane does not use it.
//!
//! **Invariant:** heads, bodies, connections and every wait are bounded ([`Bounds`]); what the codec refuses is answered and
//! the connection closed.
//!
//! Read [`serve`] first.

mod backlog;
mod client;
mod connection;
mod events;
mod message;
mod pool;
mod server;
mod tls;

pub use client::{Answer, Client, ClientError, Endpoint, Incoming, encode_request};
pub use events::Events;
pub use message::{Body, Request, Response};
pub use pool::Pool;
pub use server::{Accept, Bounds, Handler, serve, serve_connection};
