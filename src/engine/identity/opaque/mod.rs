//! Opaque tokens: what somebody else says of them, turned into a principal.
//!
//! Whoever issued a token is asked by control (`control::oauth`); here is what the answer means. What it never does: send anything
//! anywhere, or take the word of an issuer for a token that is for somebody else.
//!
//! Read [`OpaqueTokens`] first. Sources: RFC 7662, MCP 2026-07-28 Authorization (Token Handling).

mod check;
mod fault;
#[cfg(test)]
mod tests;
mod users;

pub use fault::OpaqueFault;
pub(super) use users::{Further, UserToken};
pub use users::{UserAccess, UserRule, UserRules};

use std::sync::Arc;

use super::jwt::ScopeMap;
use crate::engine::route::PublicBase;

/// How opaque tokens are taken: `[auth.oauth]` with `opaque_tokens`.
#[derive(Clone, Debug)]
pub struct OpaqueTokens {
    /// Who vouches for them; part of the identity, so that a user is one whether they log in or bring a token.
    pub realm: Box<str>,
    /// `auth.oauth.client_id`: a token that was issued to it is for this gateway.
    pub client_id: Box<str>,
    /// `aud` values that mean this gateway, beside its URLs and its `client_id`.
    pub audiences: Vec<Box<str>>,
    /// What the URLs of the gateway's resources begin with, where they are known: `server.public_url`.
    pub base: Option<PublicBase>,
    /// What each scope allows.
    pub scopes: Arc<ScopeMap>,
    /// What each user may do.
    pub users: Arc<UserRules>,
}

/// What the issuer of an opaque token says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// The claim that names the user.
    pub user: Box<str>,
    /// Its scopes.
    pub scopes: Vec<Box<str>>,
    /// Its audiences.
    pub audiences: Vec<Box<str>>,
    /// Which client it was issued to, where the issuer proved that.
    pub client_id: Option<Box<str>>,
    /// First second at which it is worth nothing, in Unix time.
    pub expires_at_secs: Option<u64>,
    /// First second at which the issuer is to be asked again: never beyond `expires_at_secs`.
    pub ask_again_at_secs: u64,
}

/// The issuer's verdict on an opaque token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is good.
    Active(Arc<Vouched>),
    /// It is not, or not for this gateway.
    Inactive,
    /// The issuer cannot be asked. Nothing can be said of the token.
    Unavailable,
}
