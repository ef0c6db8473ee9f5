//! The Authorization header.

use std::fmt;

use crate::engine::limits::CREDENTIAL_BYTES_MAX;

/// A credential as presented: a bearer token, unverified. `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credential<'a>(&'a [u8]);

impl<'a> Credential<'a> {
    /// Parses the value of an Authorization header: the scheme `Bearer` in any case, spaces, one token68, nothing else.
    ///
    /// Errors: each variant of [`CredentialError`] but `Repeated`. Source: RFC 6750 §2.1, RFC 9110 §11.2.
    pub fn parse(header: &'a [u8]) -> Result<Self, CredentialError> {
        let scheme_end = header
            .iter()
            .position(|&byte| byte == b' ')
            .unwrap_or(header.len());
        let (scheme, rest) = header.split_at(scheme_end);
        if !scheme.eq_ignore_ascii_case(b"Bearer") {
            return Err(CredentialError::OtherScheme);
        }
        let token = rest.trim_ascii_start();
        match token {
            [] => Err(CredentialError::NoToken),
            _ if token.len() > CREDENTIAL_BYTES_MAX => Err(CredentialError::TooLong),
            _ if is_token68(token) => Ok(Self(token)),
            _ => Err(CredentialError::NotToken68),
        }
    }

    /// The token.
    #[must_use]
    pub const fn token(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}

/// Letters, digits and `-._~+/`, then any number of `=`. Signed tokens are long and come with every request, so the bytes are
/// looked up, and all of them before the answer is looked at.
fn is_token68(token: &[u8]) -> bool {
    let padding = token.iter().rev().take_while(|&&byte| byte == b'=').count();
    let (body, _) = token.split_at(token.len() - padding);
    let outside = body.iter().fold(0, |outside, &byte| {
        outside | OUTSIDE_TOKEN68[usize::from(byte)]
    });
    !body.is_empty() && outside == 0
}

/// 0 for the bytes that a token68 is made of, padding aside.
static OUTSIDE_TOKEN68: [u8; 256] = {
    let mut table = [1; 256];
    let mut byte = 0;
    while byte < table.len() {
        let inside = (byte as u8).is_ascii_alphanumeric()
            || matches!(byte as u8, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
        table[byte] = !inside as u8;
        byte += 1;
    }
    table
};

/// Why an Authorization header is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialError {
    /// A scheme other than Bearer.
    OtherScheme,
    /// Bearer without a token.
    NoToken,
    /// Characters outside token68, or more than one token.
    NotToken68,
    /// Longer than [`CREDENTIAL_BYTES_MAX`].
    TooLong,
    /// More than one Authorization header.
    Repeated,
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherScheme => f.write_str("authorization scheme is not Bearer"),
            Self::NoToken => f.write_str("bearer token is missing"),
            Self::NotToken68 => f.write_str("bearer token is not one token68"),
            Self::TooLong => write!(
                f,
                "bearer token is too long; limit is {CREDENTIAL_BYTES_MAX} bytes"
            ),
            Self::Repeated => f.write_str("authorization header is repeated"),
        }
    }
}

impl std::error::Error for CredentialError {}
