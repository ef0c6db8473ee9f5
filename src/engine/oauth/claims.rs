//! What the gateway's own tokens say (RFC 9068).

use serde_json::json;

use super::GrantId;
use super::scope::join;

/// What a token of the gateway's own says, beside `iss`, `iat` and `jti`.
#[derive(Clone, Copy, Debug)]
pub struct OwnClaims<'a> {
    /// `sub`: the user's id at the provider.
    pub user: &'a str,
    /// `aud`.
    pub audience: &'a str,
    /// `client_id`.
    pub client_id: &'a str,
    /// `scope`.
    pub scopes: &'a [Box<str>],
    /// Which grant it came of: `gid`.
    pub grant: GrantId,
    /// `exp`, in seconds of Unix time.
    pub expires_at_secs: u64,
}

/// What makes one signing of claims differ from another.
#[derive(Clone, Copy, Debug)]
pub struct Signing<'a> {
    /// `iss`: the public base URL.
    pub issuer: &'a str,
    /// `jti`: unique, of random bytes.
    pub token_id: &'a str,
    /// `iat`, in seconds of Unix time.
    pub now_secs: u64,
}

impl OwnClaims<'_> {
    /// The payload of the token, in JSON.
    #[must_use]
    pub fn payload(&self, signing: &Signing<'_>) -> Vec<u8> {
        let mut payload = json!({
            "iss": signing.issuer,
            "sub": self.user,
            "aud": self.audience,
            "client_id": self.client_id,
            "jti": signing.token_id,
            "gid": self.grant.to_string(),
            "iat": signing.now_secs,
            "exp": self.expires_at_secs,
        });
        if !self.scopes.is_empty() {
            payload["scope"] = join(self.scopes).into();
        }
        payload.to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{GrantId, OwnClaims, Signing};

    #[test]
    fn a_payload_has_the_claims_of_an_access_token() {
        let scopes = ["read".into(), "write".into()];
        let claims = OwnClaims {
            user: "a\"b\u{202e}",
            audience: "https://gw.example/mcp",
            client_id: "c",
            scopes: &scopes,
            grant: GrantId([7; 16]),
            expires_at_secs: 1_700_000_900,
        };
        let signing = Signing {
            issuer: "https://gw.example",
            token_id: "t",
            now_secs: 1_700_000_000,
        };
        let payload: serde_json::Value = serde_json::from_slice(&claims.payload(&signing)).unwrap();
        let expected = serde_json::json!({
            "iss": "https://gw.example",
            "sub": "a\"b\u{202e}",
            "aud": "https://gw.example/mcp",
            "client_id": "c",
            "scope": "read write",
            "jti": "t",
            "gid": "07".repeat(16),
            "iat": 1_700_000_000,
            "exp": 1_700_000_900,
        });
        assert_eq!(payload, expected);
        let none = OwnClaims {
            scopes: &[],
            ..claims
        };
        let payload = String::from_utf8(none.payload(&signing)).unwrap();
        assert!(!payload.contains("scope"), "{payload}");
    }
}
