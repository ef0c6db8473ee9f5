//! The OAuth protocol between the gateway and its clients: what a request asks for, whether it may, and what is answered.
//!
//! Pure: who a user is, is proven by a provider that `control::oauth` asks; what is kept, is kept there. What it never does: send
//! an answer to an address that its client did not register, take a request that two readers could understand in two ways, or
//! let a client say who a user is.
//!
//! Read [`AuthorizationRequest`] first. Sources: OAuth 2.1 (draft-ietf-oauth-v2-1), RFC 7591, 7636, 8414, 8707, 9207, Client ID
//! Metadata Document (draft-ietf-oauth-client-id-metadata-document), MCP 2026-07-28 Authorization.

mod authorize;
mod claims;
mod client;
mod client_auth;
mod endpoint;
mod fault;
mod form;
mod grant;
mod json;
mod metadata;
mod offer;
mod pkce;
mod redirect;
mod revoke;
mod scope;
mod secret;
#[cfg(test)]
mod testing;
mod token;

pub use authorize::{AuthorizationRefusal, AuthorizationRequest, FaultRedirect};
pub use claims::{OwnClaims, Signing};
pub use client::{
    Client, ClientAuthMethod, ClientOrigin, DocumentUrl, MetadataFault, Registered, Registration,
    shown_name,
};
pub use client_auth::ClientCredentials;
pub use endpoint::{OAuthEndpoint, OAuthSurface};
pub use fault::{OAuthCode, OAuthFault};
pub use form::{Form, FormError};
pub use grant::{Code, Consent, Grant, GrantId, User};
pub use metadata::ServerMetadata;
pub use offer::Offer;
pub use pkce::Challenge;
pub use redirect::{RedirectFault, RedirectUri};
pub use revoke::{RevocationRequest, RevokedToken};
pub use secret::{SecretHash, SecretKind, mint};
pub use token::{CodeAsk, Extent, RefreshAsk, TokenAnswer, TokenAsk, TokenRequest};
