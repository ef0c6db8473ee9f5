//! The compact serialization of a signed token (RFC 7515 §7.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::TokenFault;
use crate::engine::limits::CREDENTIAL_BYTES_MAX;

/// The parts of a token, decoded. Nothing in it is verified.
pub(super) struct Compact<'t> {
    /// What the signature is over: header and payload as they came, with the dot between them.
    pub(super) signed: &'t [u8],
    /// The JOSE header.
    pub(super) header: String,
    /// The claims.
    pub(super) payload: String,
    pub(super) signature: Vec<u8>,
}

impl<'t> Compact<'t> {
    /// Takes `token` apart: exactly three parts of base64url without padding, each in its one spelling, the first two UTF-8.
    /// An encrypted token has five.
    pub(super) fn parse(token: &'t [u8]) -> Result<Self, TokenFault> {
        if token.len() > CREDENTIAL_BYTES_MAX {
            return Err(TokenFault::Malformed);
        }
        let [header_end, payload_end] = dots(token).ok_or(TokenFault::Malformed)?;
        Ok(Self {
            signed: &token[..payload_end],
            header: text(&token[..header_end])?,
            payload: text(&token[header_end + 1..payload_end])?,
            signature: decode(&token[payload_end + 1..])?,
        })
    }
}

/// Whether `token` has the parts of a signed token, or of an encrypted one (RFC 7516 §7.1), which is never taken.
pub(super) fn is_jose(token: &[u8]) -> bool {
    let dots = memchr::memchr_iter(b'.', token).take(5).count();
    dots == 2 || dots == 4
}

/// Where the dots of `token` are, where there are exactly two.
fn dots(token: &[u8]) -> Option<[usize; 2]> {
    let mut found = memchr::memchr_iter(b'.', token);
    let dots = [found.next()?, found.next()?];
    found.next().is_none().then_some(dots)
}

fn text(part: &[u8]) -> Result<String, TokenFault> {
    String::from_utf8(decode(part)?).map_err(|_| TokenFault::Malformed)
}

/// Refuses padding and bits behind the last byte, so that a token has one spelling.
fn decode(part: &[u8]) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenFault::Malformed)
}
