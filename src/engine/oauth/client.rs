//! Clients: programs that act for users.

use super::{RedirectUri, SecretHash};

/// A client, however it came to be known.
#[derive(Clone, Debug)]
pub struct Client {
    /// `client_id`.
    pub id: Box<str>,
    /// What it calls itself. Nobody has checked that: pages say so.
    pub name: Box<str>,
    /// How it is known.
    pub origin: ClientOrigin,
    /// Where its users may be sent back to; at least one.
    pub redirect_uris: Vec<RedirectUri>,
    /// How it proves itself at the token endpoint.
    pub auth_method: ClientAuthMethod,
    /// What is kept of its secret, where it has one.
    pub secret: Option<SecretHash>,
}

/// How a client came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientOrigin {
    /// `[[auth.oauth.server.clients]]`.
    Configured,
    /// A Client ID Metadata Document: its id is the URL of the document.
    Document,
    /// Dynamic registration (RFC 7591).
    Registered {
        /// When, in seconds of Unix time.
        at_secs: u64,
    },
}

/// How a client proves itself at the token endpoint (RFC 7591 §2, `token_endpoint_auth_method`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthMethod {
    /// It has no secret: PKCE alone.
    None,
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
}
