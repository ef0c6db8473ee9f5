//! How a client says who it is where it asks for tokens (RFC 6749 §2.3.1).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::fault::{OAuthCode, OAuthFault};
use super::form::decode;
use super::{Client, Form, SecretHash};
use crate::engine::limits::{CREDENTIAL_BYTES_MAX, OAUTH_CLIENT_ID_BYTES_MAX};

/// Which client asks, and what it showed for that. Nothing of its secret is kept but the hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCredentials {
    /// `client_id`, unverified.
    pub client_id: Box<str>,
    secret: Option<SecretHash>,
}

const REFUSED: OAuthFault = OAuthFault::new(
    OAuthCode::InvalidClient,
    "client is not known, or did not prove itself",
);

impl ClientCredentials {
    /// Reads them from the Authorization header or from the form, never from both. An empty secret is none: some libraries send
    /// Basic for clients without one.
    ///
    /// Errors: `invalid_client` where a header is there that is not Basic of text, `invalid_request` where two methods are used at
    /// once, the two name different clients, or none is named.
    pub fn parse(form: &Form<'_>, authorization: Option<&[u8]>) -> Result<Self, OAuthFault> {
        let named = form.value("client_id");
        if form.value("client_assertion").is_some() {
            return Err(OAuthFault::new(
                OAuthCode::InvalidClient,
                "client assertions are not supported",
            ));
        }
        let Some(header) = authorization else {
            let id = named.ok_or(invalid("client_id is required"))?;
            return Self::new(id, form.value("client_secret"));
        };
        let basic = Basic::parse(header).ok_or(OAuthFault::new(
            OAuthCode::InvalidClient,
            "Authorization must be Basic with client_id and client_secret",
        ))?;
        if form.value("client_secret").is_some() {
            return Err(invalid("client proves itself in two ways at once"));
        }
        let (id, secret) = basic.parts()?;
        if named.is_some_and(|named| named != id) {
            return Err(invalid("two clients are named"));
        }
        Self::new(
            &id,
            Some(secret.as_str()).filter(|secret| !secret.is_empty()),
        )
    }

    /// Whether this is `client`. A client with a secret must show it, in the header or in the form, whichever it registered; one
    /// without must show none. Takes as long for a wrong secret as for the right one.
    /// Errors: `invalid_client`.
    pub fn check(&self, client: &Client) -> Result<(), OAuthFault> {
        let is_proven = match (&client.secret, &self.secret) {
            (Some(kept), Some(shown)) => kept == shown,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if is_proven && self.client_id == client.id {
            Ok(())
        } else {
            Err(REFUSED)
        }
    }

    /// What is answered where the client is not known: the same as where it did not prove itself.
    #[must_use]
    pub const fn refused() -> OAuthFault {
        REFUSED
    }

    fn new(id: &str, secret: Option<&str>) -> Result<Self, OAuthFault> {
        if id.is_empty() || id.len() > OAUTH_CLIENT_ID_BYTES_MAX {
            return Err(REFUSED);
        }
        Ok(Self {
            client_id: id.into(),
            secret: secret.map(|secret| SecretHash::of(secret.as_bytes())),
        })
    }
}

/// `Basic` credentials: id and secret, each form-encoded, a colon between, in base64.
struct Basic(Zeroizing<String>);

impl Basic {
    fn parse(header: &[u8]) -> Option<Self> {
        if header.len() > CREDENTIAL_BYTES_MAX {
            return None;
        }
        let (scheme, rest) = header.split_at_checked("Basic".len())?;
        let token = rest.strip_prefix(b" ")?.trim_ascii_start();
        if !scheme.eq_ignore_ascii_case(b"Basic") {
            return None;
        }
        let bytes = STANDARD.decode(token).ok()?;
        let text = String::from_utf8(bytes).ok().map(Zeroizing::new)?;
        text.contains(':').then_some(Self(text))
    }

    fn parts(&self) -> Result<(Cow<'_, str>, Zeroizing<String>), OAuthFault> {
        let (id, secret) = self.0.split_once(':').ok_or(REFUSED)?;
        let text = |part| decode(part).map_err(|_| REFUSED);
        Ok((text(id)?, Zeroizing::new(text(secret)?.into_owned())))
    }
}

const fn invalid(description: &'static str) -> OAuthFault {
    OAuthFault::new(OAuthCode::InvalidRequest, description)
}

#[cfg(test)]
#[path = "client_auth/tests.rs"]
mod tests;
