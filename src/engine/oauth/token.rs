//! The token request (RFC 6749 §4.1.3, §6), and what it gets.

use serde_json::{Value, json};

use super::fault::{OAuthCode, OAuthFault};
use super::offer::scope_list;
use super::scope::{join, known_scopes};
use super::{Challenge, ClientCredentials, Code, Form, Grant, Offer, SecretHash};

/// A token request, well-formed. No secret is in it, only hashes of those that were sent.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// Who asks.
    pub credentials: ClientCredentials,
    /// For what.
    pub asked: TokenAsk,
    /// `resource`, as it was sent.
    pub resource: Option<Box<str>>,
}

/// What is given for a token.
#[derive(Clone, Debug)]
pub enum TokenAsk {
    /// `grant_type=authorization_code`.
    Code(CodeAsk),
    /// `grant_type=refresh_token`.
    Refresh(RefreshAsk),
}

/// An authorization code, and the proof that it was this client's request which it answers.
#[derive(Clone, Debug)]
pub struct CodeAsk {
    /// Of the code.
    pub code: SecretHash,
    /// `redirect_uri`, where it was sent.
    pub redirect_uri: Option<Box<str>>,
    /// The challenge that `code_verifier` meets.
    pub proof: Challenge,
}

/// A refresh token, and how much of its grant is wanted.
#[derive(Clone, Debug)]
pub struct RefreshAsk {
    /// Of the token.
    pub token: SecretHash,
    /// `scope`, where it was sent: a list of scopes.
    pub scope: Option<Box<str>>,
}

/// What an access token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// `aud`.
    pub audience: Box<str>,
    /// `scope`.
    pub scopes: Vec<Box<str>>,
}

impl TokenRequest {
    /// Reads `form` and the Authorization header. Errors: `invalid_client` and `invalid_request` of [`ClientCredentials::parse`],
    /// `unsupported_grant_type`, `invalid_request` where a parameter is missing, `invalid_grant` where `code_verifier` can be none,
    /// `invalid_scope`, `invalid_target` where several resources are named.
    pub fn parse(form: &Form<'_>, authorization: Option<&[u8]>) -> Result<Self, OAuthFault> {
        let credentials = ClientCredentials::parse(form, authorization)?;
        let asked = match form.value("grant_type") {
            Some("authorization_code") => TokenAsk::Code(CodeAsk::parse(form)?),
            Some("refresh_token") => TokenAsk::Refresh(RefreshAsk::parse(form)?),
            Some(_) => {
                return Err(OAuthFault::new(
                    OAuthCode::UnsupportedGrantType,
                    "grant_type must be authorization_code or refresh_token",
                ));
            }
            None => return Err(missing("grant_type is required")),
        };
        Ok(Self {
            credentials,
            asked,
            resource: resource(form)?,
        })
    }

    /// What the client gets for `code`, which must be the one that it names ([`CodeAsk::code`]).
    ///
    /// The code must be this client's, not ended at `now_secs`, answered at the redirect URI that is named, and proven by its
    /// verifier. A redirect URI need not be named: the verifier proves more (OAuth 2.1 §10.2).
    /// Errors: `invalid_grant`, and `invalid_target` where another resource is named than the user allowed.
    pub fn redeem(
        &self,
        ask: &CodeAsk,
        code: &Code,
        offer: &Offer<'_>,
        now_secs: u64,
    ) -> Result<Extent, OAuthFault> {
        if code.grant.client_id != self.credentials.client_id {
            return Err(refused("code is another client's"));
        }
        if now_secs >= code.expires_at_secs || now_secs >= code.grant.expires_at_secs {
            return Err(refused("code has ended"));
        }
        let is_same_place = ask
            .redirect_uri
            .as_ref()
            .is_none_or(|uri| *uri == code.redirect_uri);
        if !is_same_place {
            return Err(refused(
                "redirect_uri is not the one that the code was sent to",
            ));
        }
        if !code.challenge.equals(&ask.proof) {
            return Err(refused("code_verifier does not meet the challenge"));
        }
        Ok(Extent {
            audience: self.audience(&code.grant, offer)?,
            scopes: code.grant.scopes.clone(),
        })
    }

    /// What the client gets of `grant`, which must be the one of the refresh token that it names ([`RefreshAsk::token`]): all, or
    /// the part that it asks for. Scopes that were not granted are left out: it is never more (RFC 6749 §6).
    ///
    /// Errors: `invalid_grant` where the grant is another client's or has ended, `invalid_target`.
    pub fn narrow(
        &self,
        ask: &RefreshAsk,
        grant: &Grant,
        offer: &Offer<'_>,
        now_secs: u64,
    ) -> Result<Extent, OAuthFault> {
        if grant.client_id != self.credentials.client_id {
            return Err(refused("refresh token is another client's"));
        }
        if now_secs >= grant.expires_at_secs {
            return Err(refused("grant has ended"));
        }
        let is_granted = |scope: &str| grant.scopes.iter().any(|granted| **granted == *scope);
        let scopes = match ask.scope.as_deref() {
            None => grant.scopes.clone(),
            Some(list) => known_scopes(list, is_granted),
        };
        Ok(Extent {
            audience: self.audience(grant, offer)?,
            scopes,
        })
    }

    /// The resource that is named, where the grant is for it or for every one; else what the grant is for.
    fn audience(&self, grant: &Grant, offer: &Offer<'_>) -> Result<Box<str>, OAuthFault> {
        let Some(resource) = self.resource.as_deref() else {
            return Ok(grant.audience.clone());
        };
        let audience = offer.audience(Some(resource))?;
        if audience == grant.audience || grant.audience == offer.audience(None)? {
            return Ok(audience);
        }
        Err(OAuthFault::new(
            OAuthCode::InvalidTarget,
            "resource is not the one that the user allowed",
        ))
    }
}

impl CodeAsk {
    fn parse(form: &Form<'_>) -> Result<Self, OAuthFault> {
        let code = form.value("code").ok_or(missing("code is required"))?;
        let verifier = form
            .value("code_verifier")
            .ok_or(missing("code_verifier is required"))?;
        Ok(Self {
            code: SecretHash::of(code.as_bytes()),
            redirect_uri: form.value("redirect_uri").map(Into::into),
            proof: Challenge::of_verifier(verifier)
                .ok_or(refused("code_verifier is none: 43 to 128 characters"))?,
        })
    }
}

impl RefreshAsk {
    fn parse(form: &Form<'_>) -> Result<Self, OAuthFault> {
        let token = form
            .value("refresh_token")
            .ok_or(missing("refresh_token is required"))?;
        Ok(Self {
            token: SecretHash::of(token.as_bytes()),
            scope: scope_list(form.value("scope"))?.map(Into::into),
        })
    }
}

/// A token that was issued, as its client is told (RFC 6749 §5.1).
#[derive(Clone, Copy)]
pub struct TokenAnswer<'a> {
    /// The access token.
    pub access_token: &'a str,
    /// For how long it is good.
    pub expires_in_secs: u64,
    /// The next refresh token, where there is one.
    pub refresh_token: Option<&'a str>,
    /// What it may do.
    pub extent: &'a Extent,
}

impl TokenAnswer<'_> {
    /// The answer, to be kept by nobody. `scope` is always said, since it may be less than was asked for.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut answer = json!({
            "access_token": self.access_token,
            "token_type": "Bearer",
            "expires_in": self.expires_in_secs,
            "scope": join(&self.extent.scopes),
        });
        if let Some(refresh) = self.refresh_token {
            answer["refresh_token"] = refresh.into();
        }
        answer
    }
}

/// Several resources in one token are never granted.
fn resource(form: &Form<'_>) -> Result<Option<Box<str>>, OAuthFault> {
    let mut resources = form.values("resource");
    let first = resources.next();
    if resources.next().is_some() {
        return Err(OAuthFault::new(
            OAuthCode::InvalidTarget,
            "one resource at most can be asked for",
        ));
    }
    Ok(first.map(Into::into))
}

const fn refused(description: &'static str) -> OAuthFault {
    OAuthFault::new(OAuthCode::InvalidGrant, description)
}

const fn missing(description: &'static str) -> OAuthFault {
    OAuthFault::new(OAuthCode::InvalidRequest, description)
}

#[cfg(test)]
#[path = "token/tests.rs"]
mod tests;
