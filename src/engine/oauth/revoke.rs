//! The revocation request (RFC 7009).

use zeroize::Zeroizing;

use super::fault::{OAuthCode, OAuthFault};
use super::{ClientCredentials, Form, SecretHash, SecretKind};

/// A request to end a token. `Debug` does not show it.
#[derive(Debug)]
pub struct RevocationRequest {
    /// Who asks.
    pub credentials: ClientCredentials,
    /// For the end of what.
    pub token: RevokedToken,
}

/// What is to end. The token says itself what it is: `token_type_hint` is left alone (RFC 7009 §2.1).
pub enum RevokedToken {
    /// A refresh token.
    Refresh(SecretHash),
    /// Something in the form of an access token.
    Access(Zeroizing<Box<str>>),
    /// Nothing that the gateway gives out: there is nothing to end, which is what was asked for.
    Other,
}

impl std::fmt::Debug for RevokedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Refresh(_) => "Refresh(..)",
            Self::Access(_) => "Access(..)",
            Self::Other => "Other",
        })
    }
}

impl RevocationRequest {
    /// Reads `form` and the Authorization header. Errors: those of [`ClientCredentials::parse`], and `invalid_request` without
    /// `token`.
    pub fn parse(form: &Form<'_>, authorization: Option<&[u8]>) -> Result<Self, OAuthFault> {
        let credentials = ClientCredentials::parse(form, authorization)?;
        let token = form.value("token").ok_or(OAuthFault::new(
            OAuthCode::InvalidRequest,
            "token is required",
        ))?;
        let token = if token.starts_with(SecretKind::Refresh.prefix()) {
            RevokedToken::Refresh(SecretHash::of(token.as_bytes()))
        } else if token.bytes().filter(|byte| *byte == b'.').count() == 2 {
            RevokedToken::Access(Zeroizing::new(token.into()))
        } else {
            RevokedToken::Other
        };
        Ok(Self { credentials, token })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Form, OAuthCode, RevocationRequest};

    #[test]
    fn a_token_says_what_it_is() {
        for (token, shown) in [
            ("mcpg_refresh_abc", "Refresh(..)"),
            ("a.b.c", "Access(..)"),
            ("mcpg_code_abc", "Other"),
            ("a.b", "Other"),
            ("gho_abc", "Other"),
        ] {
            let text = format!("client_id=c&token_type_hint=nonsense&token={token}");
            let form = Form::parse(text.as_bytes()).unwrap();
            let request = RevocationRequest::parse(&form, None).unwrap();
            assert_eq!(format!("{:?}", request.token), shown);
            assert!(!format!("{request:?}").contains(token), "{token}");
        }
    }

    #[test]
    fn without_a_token_or_a_client_nothing_ends() {
        for text in ["client_id=c", "client_id=c&token=", "token=a.b.c"] {
            let form = Form::parse(text.as_bytes()).unwrap();
            let fault = RevocationRequest::parse(&form, None).unwrap_err();
            assert_eq!(fault.code, OAuthCode::InvalidRequest, "{text}");
        }
    }
}
