//! The authorization request.

use super::{Challenge, RedirectUri};

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
