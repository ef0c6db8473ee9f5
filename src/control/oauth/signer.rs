//! The gateway's own keys: signs its tokens, publishes what verifies them.

use std::fmt;

/// What a token of the gateway's own says, beside `iss`, `iat` and `jti`.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnClaims<'a> {
    /// `sub`: the user's id at the provider.
    pub(super) user: &'a str,
    /// `aud`.
    pub(super) audience: &'a str,
    /// `client_id`.
    pub(super) client_id: &'a str,
    /// `scope`.
    pub(super) scopes: &'a [Box<str>],
    /// Which grant it came of.
    pub(super) grant: crate::engine::oauth::GrantId,
    /// `exp`, in seconds of Unix time.
    pub(super) expires_at_secs: u64,
}

/// Signs with the newest key; older ones verify until the last token under them has ended.
pub(super) struct Signer(());

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(..)")
    }
}

impl Signer {
    /// A signed token of `issuer` (RFC 9068: `typ` is `at+jwt`). Errors: the library cannot sign.
    pub(super) fn sign(
        &self,
        issuer: &str,
        claims: &OwnClaims<'_>,
        now_secs: u64,
    ) -> Result<String, SignError> {
        let _ = (issuer, claims, now_secs);
        Err(SignError)
    }

    /// The public keys, as a JWK Set.
    pub(super) fn jwks(&self) -> Vec<u8> {
        b"{\"keys\":[]}".to_vec()
    }
}

/// The library cannot sign, or the system has no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SignError;

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("token cannot be signed")
    }
}

impl std::error::Error for SignError {}
