//! Who people log in with: the gateway as a client of GitHub, Google, Okta or another provider.
//!
//! What it never does: take a token that was not issued to this gateway's client, or a user whose `allowed_users`, organizations
//! or claims do not let them in.

use std::fmt;

use zeroize::Zeroizing;

use crate::engine::identity::opaque::Verdict;
use crate::engine::oauth::User;

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
            Self::NotAllowed(why) => write!(f, "user may not log in: {why}"),
            Self::BadAnswer(why) => write!(f, "provider's answer cannot be used: {why}"),
            Self::Unavailable(why) => write!(f, "provider cannot be asked: {why}"),
        }
    }
}

impl std::error::Error for ProviderFault {}

/// The provider of one configuration.
#[derive(Debug)]
pub(super) struct Provider(());

impl Provider {
    /// Where the browser is to be sent: the authorization endpoint with the gateway's client, `scopes` of the configuration, state,
    /// nonce and S256 challenge.
    pub(super) async fn authorization_url(
        &self,
        secrets: &LoginSecrets,
    ) -> Result<String, ProviderFault> {
        let _ = secrets;
        Err(ProviderFault::Unavailable("it is not there".into()))
    }

    /// Holds `iss` of an answer (RFC 9207), good or bad, against the provider's issuer.
    pub(super) fn check_issuer(&self, iss: Option<&str>) -> Result<(), ProviderFault> {
        let _ = iss;
        Err(ProviderFault::WrongIssuer)
    }

    /// Redeems `code` and finds out who has logged in, and that they may.
    pub(super) async fn redeem(
        &self,
        code: &str,
        secrets: &LoginSecrets,
    ) -> Result<LoggedIn, ProviderFault> {
        let _ = (code, secrets);
        Err(ProviderFault::Unavailable("it is not there".into()))
    }

    /// Whether the user behind `tokens` is still one who may use the gateway; with what to keep in their place.
    pub(super) async fn still_holds(&self, tokens: &[u8]) -> Result<LoggedIn, ProviderFault> {
        let _ = tokens;
        Err(ProviderFault::Unavailable("it is not there".into()))
    }

    /// What the provider says of an opaque `token` at `now_secs` (Unix time), and that it is for this gateway.
    pub(super) async fn vouch(&self, token: &str, now_secs: u64) -> Verdict {
        let _ = (token, now_secs);
        Verdict::Unavailable
    }
}
