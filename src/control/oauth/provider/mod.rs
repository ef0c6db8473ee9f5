//! Who people log in with: the gateway as a client of GitHub, Google, Okta or another provider.
//!
//! What it never does: take a token that was not issued to this gateway's client, or a user whose `allowed_users`, organizations
//! or claims do not let them in.

mod allow;
mod ask;
mod claims;
mod discovery;
mod endpoints;
mod github;
mod google;
mod id_token;
mod introspection;
mod json;
mod login;
mod remote;
#[cfg(test)]
mod scripted;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;
mod token;
mod tokens;
mod trouble;

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use zeroize::Zeroizing;

use crate::config::model::OAuth;
use crate::engine::identity::opaque::Vouched;
use crate::engine::oauth::User;
use crate::metrics::OAuthCells;
pub(super) use ask::result_of;
pub(super) use json::is_json;
use remote::Remote;
#[cfg(test)]
pub(super) use scripted::Scripted;

/// A login on its way: what the provider's answer is held against.
#[derive(Clone)]
pub(super) struct LoginSecrets {
    /// `state`, single-use.
    pub(super) state: Zeroizing<String>,
    /// The PKCE verifier.
    pub(super) verifier: Zeroizing<String>,
    /// `nonce` of the ID token.
    pub(super) nonce: Zeroizing<String>,
}

impl fmt::Debug for LoginSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginSecrets(..)")
    }
}

/// Somebody who has logged in and may use the gateway.
pub(super) struct LoggedIn {
    /// Who.
    pub(super) user: User,
    /// What the provider granted. Scopes that were not asked of the provider are not here.
    pub(super) scopes: Vec<Box<str>>,
    /// Access and refresh token, as [`Provider::still_holds`] reads them. To be sealed before they are kept.
    pub(super) tokens: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for LoggedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoggedIn")
            .field("user", &self.user.id)
            .finish_non_exhaustive()
    }
}

/// Why nobody has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ProviderFault {
    /// The answer is of another issuer than was asked (RFC 9207), or says so too late.
    WrongIssuer,
    /// The provider refused: its `error`, where that is one of the registered codes.
    Refused(&'static str),
    /// The provider's token endpoint refused the gateway's own client: its `error`. Nobody can log in until an operator mends that.
    ClientRefused(&'static str),
    /// The user is who they say, and may not use the gateway; the sentence says by which rule, for operators.
    NotAllowed(String),
    /// The provider's answer cannot be used; the sentence says why, for operators.
    BadAnswer(String),
    /// The provider cannot be reached, or not in time.
    Unavailable(String),
}

impl fmt::Display for ProviderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongIssuer => f.write_str("answer is of another issuer"),
            Self::Refused(code) => write!(f, "provider refused: {code}"),
            Self::ClientRefused(code) => write!(
                f,
                "provider refused client_id or client_secret ({code}); check auth.oauth.client_secret"
            ),
            Self::NotAllowed(why) => write!(f, "user may not log in: {why}"),
            Self::BadAnswer(why) => write!(f, "provider's answer cannot be used: {why}"),
            Self::Unavailable(why) => write!(f, "provider cannot be asked: {why}"),
        }
    }
}

impl std::error::Error for ProviderFault {}

/// Why nobody vouches for an opaque token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum VouchFault {
    /// It is worth nothing, or not for this gateway; the words say why, for operators.
    Inactive(&'static str),
    /// It is good, and its user may not use the gateway; the sentence says by which rule.
    NotAllowed(String),
    /// Nothing can be said of it; the sentence says why.
    Unavailable(String),
}

impl fmt::Display for VouchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inactive(why) => write!(f, "token is not vouched for: {why}"),
            Self::NotAllowed(why) => write!(f, "user may not come in: {why}"),
            Self::Unavailable(why) => write!(f, "provider cannot be asked: {why}"),
        }
    }
}

impl std::error::Error for VouchFault {}

/// The provider of one configuration. Clones are the same provider.
#[derive(Clone, Debug)]
pub(super) struct Provider(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Remote(Arc<Remote>),
    #[cfg(test)]
    Scripted(Arc<Scripted>),
}

impl Provider {
    /// The provider that `config` names. Nothing is asked of it yet.
    pub(super) fn new(config: &OAuth, cells: Arc<OAuthCells>) -> Self {
        Self(Kind::Remote(Arc::new(Remote::new(config.clone(), cells))))
    }

    /// One that answers as it was told.
    #[cfg(test)]
    pub(super) fn scripted(script: impl Into<Arc<Scripted>>) -> Self {
        Self(Kind::Scripted(script.into()))
    }

    /// Where the browser is to be sent: the authorization endpoint with the gateway's client, `scopes` of the configuration, state,
    /// nonce and S256 challenge.
    pub(super) async fn authorization_url(
        &self,
        secrets: &LoginSecrets,
    ) -> Result<String, ProviderFault> {
        match &self.0 {
            Kind::Remote(remote) => {
                let outcome = remote.authorization_url(secrets).await;
                remote.trouble.sent(&outcome);
                outcome
            }
            #[cfg(test)]
            Kind::Scripted(script) => script.authorization_url(secrets),
        }
    }

    /// Holds `iss` of an answer (RFC 9207), good or bad, against the provider's issuer.
    pub(super) fn check_issuer(&self, iss: Option<&str>) -> Result<(), ProviderFault> {
        match &self.0 {
            Kind::Remote(remote) => remote.check_issuer(iss),
            #[cfg(test)]
            Kind::Scripted(script) => script.check_issuer(iss),
        }
    }

    /// Redeems `code` and finds out who has logged in, and that they may.
    pub(super) async fn redeem(
        &self,
        code: &str,
        secrets: &LoginSecrets,
    ) -> Result<LoggedIn, ProviderFault> {
        match &self.0 {
            Kind::Remote(remote) => {
                let outcome = remote.redeem(code, secrets, now_secs()).await;
                remote.trouble.redeemed(&outcome);
                outcome
            }
            #[cfg(test)]
            Kind::Scripted(script) => script.redeem(code),
        }
    }

    /// Whether the user behind `tokens` is still one who may use the gateway; with what to keep in their place.
    ///
    /// Errors: [`ProviderFault::Refused`] and [`ProviderFault::NotAllowed`] where they are not; whatever else went wrong is
    /// [`ProviderFault::Unavailable`], and says nothing about the user.
    pub(super) async fn still_holds(&self, tokens: &[u8]) -> Result<LoggedIn, ProviderFault> {
        match &self.0 {
            Kind::Remote(remote) => remote.still_holds(tokens, now_secs()).await,
            #[cfg(test)]
            Kind::Scripted(script) => script.still_holds().await,
        }
    }

    /// What the provider says of an opaque `token`, held against who may come in.
    pub(super) async fn vouch(&self, token: &str) -> Result<Vouched, VouchFault> {
        match &self.0 {
            Kind::Remote(remote) => remote.vouch(token, now_secs()).await,
            #[cfg(test)]
            Kind::Scripted(script) => script.vouch(token).await,
        }
    }
}

/// Whether `allowed_users` of `config` names a user who logged in before; nobody is asked. Errors: it does not; the sentence is for
/// operators.
pub(super) fn still_named(config: &OAuth, user: &User) -> Result<(), String> {
    allow::AllowRules::new(config).judge_name(user)
}

/// Seconds of Unix time.
fn now_secs() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
