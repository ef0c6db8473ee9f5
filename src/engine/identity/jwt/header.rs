//! The JOSE header of a token (RFC 7515 §4).
//!
//! `jwk`, `jku`, `x5u` and `x5c` would let a token bring its own key; they are passed over like any unknown member.

use super::object::{text_at, values};
use super::{Algorithm, TokenFault};
use crate::engine::limits::KEY_ID_BYTES_MAX;

/// What a token says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    /// Which key it says to be signed with.
    pub(super) kid: Option<Box<str>>,
    /// Whether `typ` says that it is an access token (RFC 9068 §2.1).
    pub(super) is_at_jwt: bool,
}

impl Header {
    /// Reads the header `json`. Errors: `Critical` where there is `crit`, or `b64`, which means nothing without it (RFC 7797
    /// §6); `Algorithm` where `alg` is missing or none that is known; `WrongType` where `typ` is that of another kind of
    /// token (RFC 8725 §3.11); `Malformed`.
    pub(super) fn read(json: &str) -> Result<Self, TokenFault> {
        let [alg, typ, kid, crit, b64] = values(json, ["alg", "typ", "kid", "crit", "b64"])?;
        if crit.is_some() || b64.is_some() {
            return Err(TokenFault::Critical);
        }
        let text = |value| text_at(json, value).ok_or(TokenFault::Malformed);
        let algorithm = alg.map(text).transpose()?;
        let algorithm = algorithm.and_then(|name| Algorithm::named(&name));
        Ok(Self {
            algorithm: algorithm.ok_or(TokenFault::Algorithm)?,
            kid: kid.map(|value| key_id(&text(value)?)).transpose()?,
            is_at_jwt: typ.map(|value| is_at_jwt(&text(value)?)).transpose()? == Some(true),
        })
    }
}

/// A name that no set can have is no reason to fetch the set again.
fn key_id(kid: &str) -> Result<Box<str>, TokenFault> {
    if kid.len() > KEY_ID_BYTES_MAX || kid.chars().any(char::is_control) {
        return Err(TokenFault::Malformed);
    }
    Ok(kid.into())
}

/// Whether `typ` is that of an access token; an error where it is neither that nor `JWT`.
fn is_at_jwt(typ: &str) -> Result<bool, TokenFault> {
    let lower = typ.to_ascii_lowercase();
    match lower.strip_prefix("application/").unwrap_or(&lower) {
        "jwt" => Ok(false),
        "at+jwt" => Ok(true),
        _ => Err(TokenFault::WrongType),
    }
}
