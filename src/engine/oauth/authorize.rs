//! The authorization request.

use super::fault::{OAuthCode, OAuthFault};
use super::{Challenge, Client, ClientOrigin, Form, Offer, RedirectUri};
use crate::engine::limits::OAUTH_STATE_BYTES_MAX;

/// What a client asks of its user, with everything that does not depend on who the user is checked: the client is known, the
/// redirect URI is one of its own, PKCE is there, scopes and resource exist.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// `client_id`.
    pub client_id: Box<str>,
    /// Where the answer goes, as the client sent it.
    pub redirect_uri: RedirectUri,
    /// `state`, returned as it came.
    pub state: Option<Box<str>>,
    /// `code_challenge`.
    pub challenge: Challenge,
    /// What the token is to be for: the URL of a resource, or the public base URL where the client names none.
    pub audience: Box<str>,
    /// Scopes that are asked for and exist, each once. Without any in the request, none.
    pub scopes: Vec<Box<str>>,
}

/// Why a request is not followed, and whom that is told.
#[derive(Clone, Debug)]
pub enum AuthorizationRefusal {
    /// The user, on a page: it is not certain that the redirect URI is the client's (RFC 6749 §4.1.2.1), or nobody but the client
    /// vouches for where it leads.
    ///
    /// Whoever can register a client can make a request that is refused, and would have a link to this gateway that leads wherever
    /// they like (RFC 9700 §4.11.2). So only a client of the configuration, or one on the user's own machine, is told by itself.
    Page(OAuthFault),
    /// The client, by way of the user's browser.
    Redirect(FaultRedirect),
}

impl AuthorizationRefusal {
    /// What is wrong.
    #[must_use]
    pub const fn fault(&self) -> OAuthFault {
        match self {
            Self::Page(fault) => *fault,
            Self::Redirect(redirect) => redirect.fault,
        }
    }
}

/// A fault that a client may be told at its redirect URI.
#[derive(Clone, Debug)]
pub struct FaultRedirect {
    /// Where to.
    pub redirect_uri: RedirectUri,
    /// `state`, returned as it came.
    pub state: Option<Box<str>>,
    /// What is wrong.
    pub fault: OAuthFault,
}

impl FaultRedirect {
    /// Where the browser is sent. `issuer` is the gateway's (RFC 9207).
    #[must_use]
    pub fn location(&self, issuer: &str) -> String {
        fault_location(
            &self.redirect_uri,
            self.state.as_deref(),
            self.fault,
            issuer,
        )
    }
}

impl AuthorizationRequest {
    /// Reads the parameters of a request by `client`, whose id they name. `prompt`, `login_hint`, `nonce` and what else is not
    /// known are left alone.
    ///
    /// Errors: a page where client or redirect URI are in doubt; a page or, where the address is trusted, a redirect with
    /// `invalid_request`, `unsupported_response_type`, `invalid_scope`, `invalid_target`.
    pub fn parse(
        form: &Form<'_>,
        client: &Client,
        offer: &Offer<'_>,
    ) -> Result<Self, AuthorizationRefusal> {
        let redirect_uri = redirect_uri(form, client).map_err(AuthorizationRefusal::Page)?;
        let state: Option<Box<str>> = state(form)
            .map_err(AuthorizationRefusal::Page)?
            .map(Into::into);
        let asked = match Asked::parse(form, offer) {
            Ok(asked) => asked,
            Err(fault) if is_trusted(client, &redirect_uri) => {
                return Err(AuthorizationRefusal::Redirect(FaultRedirect {
                    redirect_uri,
                    state,
                    fault,
                }));
            }
            Err(fault) => return Err(AuthorizationRefusal::Page(fault)),
        };
        Ok(Self {
            client_id: client.id.clone(),
            redirect_uri,
            state,
            challenge: asked.challenge,
            audience: asked.audience,
            scopes: asked.scopes,
        })
    }

    /// Where the browser takes `code`. `issuer` is the gateway's (RFC 9207). The URL is a secret until the code is taken.
    #[must_use]
    pub fn success_location(&self, code: &str, issuer: &str) -> String {
        let mut answer = vec![("code", code)];
        answer.extend(self.state.as_deref().map(|state| ("state", state)));
        answer.push(("iss", issuer));
        self.redirect_uri.with_answer(&answer)
    }

    /// Where the browser is sent to tell `fault`. `issuer` is the gateway's (RFC 9207).
    #[must_use]
    pub fn fault_location(&self, fault: OAuthFault, issuer: &str) -> String {
        fault_location(&self.redirect_uri, self.state.as_deref(), fault, issuer)
    }
}

/// Whether a browser may be sent to `uri` without its user having seen where that is.
fn is_trusted(client: &Client, uri: &RedirectUri) -> bool {
    client.origin == ClientOrigin::Configured || uri.is_loopback()
}

/// The part of a request that its client is told about at its redirect URI.
struct Asked {
    challenge: Challenge,
    audience: Box<str>,
    scopes: Vec<Box<str>>,
}

impl Asked {
    fn parse(form: &Form<'_>, offer: &Offer<'_>) -> Result<Self, OAuthFault> {
        check_types(form)?;
        Ok(Self {
            challenge: Challenge::of_request(form)?,
            audience: offer.audience_of(form.values("resource"))?,
            scopes: offer.scopes_of(form.value("scope"))?,
        })
    }
}

/// Code flow, answered in the query, from these parameters alone.
fn check_types(form: &Form<'_>) -> Result<(), OAuthFault> {
    if form.value("request").is_some() || form.value("request_uri").is_some() {
        return Err(invalid("request objects are not supported"));
    }
    match form.value("response_type") {
        Some("code") => {}
        Some(_) => {
            return Err(OAuthFault::new(
                OAuthCode::UnsupportedResponseType,
                "response_type must be code",
            ));
        }
        None => return Err(invalid("response_type is required")),
    }
    match form.value("response_mode") {
        None | Some("query") => Ok(()),
        Some(_) => Err(invalid("response_mode must be query")),
    }
}

/// The redirect URI of the request, one of `client`'s; its only one where none is written and it leaves nothing open.
fn redirect_uri(form: &Form<'_>, client: &Client) -> Result<RedirectUri, OAuthFault> {
    if form.value("client_id") != Some(&*client.id) {
        return Err(OAuthFault::new(
            OAuthCode::InvalidClient,
            "client_id is not that of the client",
        ));
    }
    let Some(text) = form.value("redirect_uri") else {
        return match &*client.redirect_uris {
            [only] => Ok(only.clone()),
            _ => Err(invalid("redirect_uri is required")),
        };
    };
    let presented = RedirectUri::parse(text).ok();
    let presented = presented.filter(|presented| client.covers(presented));
    presented.ok_or(invalid("redirect_uri is none of the client's"))
}

fn state<'f>(form: &'f Form<'_>) -> Result<Option<&'f str>, OAuthFault> {
    let state = form.value("state");
    if state.is_some_and(|state| state.len() > OAUTH_STATE_BYTES_MAX) {
        return Err(invalid("state is too long"));
    }
    Ok(state)
}

fn fault_location(
    redirect_uri: &RedirectUri,
    state: Option<&str>,
    fault: OAuthFault,
    issuer: &str,
) -> String {
    let mut answer = vec![
        ("error", fault.code.as_str()),
        ("error_description", fault.description),
    ];
    answer.extend(state.map(|state| ("state", state)));
    answer.push(("iss", issuer));
    redirect_uri.with_answer(&answer)
}

const fn invalid(description: &'static str) -> OAuthFault {
    OAuthFault::new(OAuthCode::InvalidRequest, description)
}

#[cfg(test)]
#[path = "authorize/tests.rs"]
mod tests;
