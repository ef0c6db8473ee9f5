//! Clients: programs that act for users.

mod document;
mod metadata;
mod name;
mod registration;

use super::{RedirectUri, SecretHash};

pub use document::DocumentUrl;
pub use metadata::MetadataFault;
pub use name::shown_name;
pub use registration::{Registered, Registration};

/// A client, however it came to be known.
#[derive(Clone, Debug)]
pub struct Client {
    /// `client_id`.
    pub id: Box<str>,
    /// What it calls itself, fit to be shown: [`shown_name`]. Nobody has checked that: pages say so.
    pub name: Box<str>,
    /// How it is known.
    pub origin: ClientOrigin,
    /// Where its users may be sent back to; at least one.
    pub redirect_uris: Vec<RedirectUri>,
    /// How it proves itself at the token endpoint.
    pub auth_method: ClientAuthMethod,
    /// What is kept of its secret, where it has one.
    pub secret: Option<SecretHash>,
    /// Whether it gets refresh tokens: it did not say that it uses none (`grant_types`).
    pub refreshes: bool,
}

impl Client {
    /// Whether one of its redirect URIs covers `presented` ([`RedirectUri::matches`]).
    #[must_use]
    pub fn covers(&self, presented: &RedirectUri) -> bool {
        let mut registered = self.redirect_uris.iter();
        registered.any(|registered| registered.matches(presented))
    }
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

impl ClientAuthMethod {
    /// Every method, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::None, Self::Basic, Self::Post];

    /// As registered.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
        }
    }

    /// The method called `name`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}

#[cfg(test)]
mod tests;
