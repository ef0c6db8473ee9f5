//! Addresses that answers may be sent to.

/// A redirect URI that a client may have (RFC 6749 §3.1.2, RFC 8252): `https`, `http` on loopback, or a private-use scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri(Box<str>);

impl RedirectUri {
    /// As registered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
