//! TLS on the workers' sockets, and the material for it.
//!
//! [`ServerTls`] proves a listener, [`ClientTls`] a client of an upstream; both are immutable, cheap to clone and shared by
//! threads. A [`Stream`](crate::Stream) becomes one under TLS by [`accept_tls`](crate::Stream::accept_tls) or
//! [`connect_tls`](crate::Stream::connect_tls), and then reads and writes as before. Sources: RFC 8446, RFC 5246, RFC 6066.
//!
//! **Invariant:** nothing here reads files; an idle connection holds no buffer for records.

mod bounded;
mod client;
mod der;
mod failure;
pub(crate) mod handshake;
mod material;
mod names;
mod records;
mod server;
mod session;
mod step;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

pub use client::{ClientTls, ClientTlsSpec};
pub use failure::{HandshakeFailure, TlsError};
pub use material::{KeyPair, Trust};
pub use rustls::pki_types::{CertificateDer, ServerName};
pub use server::{ClientAuth, MinVersion, ServerTls, ServerTlsSpec};

pub(crate) use session::Session;

/// The protocol that is offered and accepted (RFC 7301): the workers speak no other.
const ALPN_HTTP1: &[u8] = b"http/1.1";

/// Accepted too, of clients that offer nothing else: the workers answer them in their version.
const ALPN_HTTP1_0: &[u8] = b"http/1.0";

/// The cryptography: aws-lc, as for tokens.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// What a handshake found out about the peer, beside its certificates ([`Stream::with_certificates`](crate::Stream::with_certificates)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsPeer {
    /// The name that the client asked for (SNI), lower case; `None` where it named none, or on a client's side.
    pub server_name: Option<Box<str>>,
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// Whether an earlier session was resumed.
    pub is_resumed: bool,
}
