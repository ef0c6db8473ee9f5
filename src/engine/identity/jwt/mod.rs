//! Signed tokens (JWT) of configured issuers.
//!
//! The issuer is picked by the token's `iss`, the key by `kid` and by type among that issuer's keys alone, and the algorithm
//! is a property of the key: nothing in a token can choose what it is checked with beyond that. What this never does: fetch
//! (control does), trust `jwk`, `jku`, `x5u` or `x5c`, or look at claims before the signature is good, except `iss`.
//! Sources: RFC 7515, 7517, 7518, 7519, 8037, 8725, 9068.
//!
//! Read [`JwtIssuers`] first.

mod algorithm;
mod check;
mod claims;
mod compact;
mod date;
mod fault;
mod header;
mod issuer;
mod jwk;
mod key_ring;
mod key_set;
mod object;
mod own;
mod revoked;
mod scopes;

pub use algorithm::{Algorithm, BadKey, KeyMaterial, KeyType, Signatures, VerifySignature};
pub(super) use claims::is_user_id;
pub use fault::TokenFault;
pub use issuer::{JwtIssuer, JwtIssuers, JwtIssuersError, KeySource};
pub use key_ring::{KeyRing, KeyState, SourceId};
pub use key_set::{JwksError, KeyMark, KeySet, SkippedKey};
pub use own::OwnTokens;
pub use revoked::RevokedGrants;
pub use scopes::{ScopeGrants, ScopeMap};

#[cfg(test)]
mod tests;
