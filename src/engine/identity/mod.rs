//! Credential → principal.
//!
//! What it never does: fall back to a lesser identity when a credential is bad, keep a credential, or reveal which part of
//! one was wrong. **Invariant:** a [`Principal`] can be made only by a check in this folder.
//!
//! Read [`Authenticator`] first. Sources: RFC 6750, RFC 9110 §11, MCP 2026-07-28 Authorization.

mod address;
mod api_key;
mod audience;
mod auth_failure;
mod authenticate;
mod authorization_server;
mod challenge;
mod credential;
mod forwarded;
pub mod jwt;
mod key_hash;
pub mod mtls;
pub mod opaque;
mod principal;
mod proof_cache;
mod record_id;
mod suspicion;
mod ties;

pub use address::{AddressRange, AddressRangeError};
pub use api_key::{ApiKey, ApiKeyError, ApiKeys};
pub use auth_failure::AuthFailure;
pub use authenticate::{AnonymousAccess, Authenticator, AuthenticatorParts, Proving};
pub use authorization_server::AuthorizationServer;
pub use challenge::{ChallengeError, Directions, is_scope_to_ask};
pub use credential::{Credential, CredentialError};
pub use forwarded::client_address;
pub use key_hash::{KEY_PREFIX, KeyHash, KeyHashError, generate_key};
pub use principal::{Granted, Principal, Provider};
pub use proof_cache::{ProofCache, ProofDigest, ProofVersion};
pub use suspicion::Suspicion;
pub use ties::TokenOfGrant;
