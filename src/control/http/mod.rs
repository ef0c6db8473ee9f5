//! A small HTTP/1.1 server and client on tokio, over the gateway's own codec: for the admin listener, the demo server,
//! `check-upstream` and the backs of bridges. The data plane does not use it.
//!
//! **Invariant:** heads, bodies, connections and every wait are bounded ([`Bounds`]); what the codec refuses is answered and
//! the connection closed.
//!
//! Read [`serve`] first.

mod backlog;
mod client;
mod client_error;
mod connection;
mod events;
mod incoming;
mod message;
mod pool;
mod server;
mod tls;

pub use client::{Client, Endpoint, encode_request};
pub use client_error::ClientError;
pub use events::Events;
pub use incoming::{Answer, Incoming};
pub use message::{Body, Request, Response};
pub use pool::Pool;
pub use server::{Accept, Bounds, Handler, serve, serve_connection};
