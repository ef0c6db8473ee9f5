//! Whether a user is still one, where a client asks for more of a grant: the provider is asked, though not each time.

use std::time::Duration;

use tokio::time::timeout;
use zeroize::Zeroizing;

use super::fault::Refused;
use super::token::{OURS, Visit};
use crate::control::oauth::front::granted_scopes;
use crate::control::oauth::provider::{LoggedIn, Provider, ProviderFault, still_named};
use crate::control::oauth::store::HeldGrant;
use crate::engine::limits::{OAUTH_VOUCH_GRACE_SECS, OAUTH_VOUCH_MS_MAX, OAUTH_VOUCH_SECS};
use crate::engine::oauth::{Extent, Grant, OAuthCode, OAuthFault};

const TIME_MAX: Duration = Duration::from_millis(OAUTH_VOUCH_MS_MAX);

/// What came of asking.
pub(super) enum Standing {
    /// The user is still one. What the provider gave is to be kept in the place of what there was; `None`: it was not asked, or
    /// could not be and was a short time ago.
    Holds(Option<Box<[u8]>>),
    /// They are not: the grant is to end.
    Ended(String),
}

/// Asks about the user of `held`, and takes from `extent` what the provider grants no more. Errors: nobody knows, and has not for
/// [`OAUTH_VOUCH_GRACE_SECS`].
pub(super) async fn ask(
    visit: &Visit<'_>,
    held: &HeldGrant,
    extent: &mut Extent,
) -> Result<Standing, Refused> {
    // The operator's own word: it needs no provider, and bears no delay.
    if let Err(why) = still_named(&visit.context.config, &held.grant.user) {
        return Ok(Standing::Ended(why));
    }
    let silent_secs = visit.now_secs.saturating_sub(held.vouched_at_secs);
    if silent_secs < OAUTH_VOUCH_SECS {
        return Ok(Standing::Holds(None));
    }
    let fault = match look(visit, &held.grant).await? {
        Ok(who) if who.user.id != held.grant.user.id => {
            return Ok(Standing::Ended(
                "the provider knows another user by it".to_owned(),
            ));
        }
        Ok(who) => {
            extent.scopes = granted_scopes(&visit.context.config, &extent.scopes, &who);
            return sealed(visit, &held.grant, &who).map(Standing::Holds);
        }
        Err(fault) => fault,
    };
    match fault {
        ProviderFault::Refused(_) | ProviderFault::NotAllowed(_) => {
            Ok(Standing::Ended(fault.to_string()))
        }
        ProviderFault::Unavailable(_)
        | ProviderFault::BadAnswer(_)
        | ProviderFault::ClientRefused(_)
        | ProviderFault::WrongIssuer => {
            if silent_secs < OAUTH_VOUCH_GRACE_SECS {
                return Ok(Standing::Holds(None));
            }
            Err(Refused::from(UNVOUCHED).because(fault.to_string()))
        }
    }
}

/// What the provider says. One that nothing was kept for cannot be asked.
async fn look(
    visit: &Visit<'_>,
    grant: &Grant,
) -> Result<Result<LoggedIn, ProviderFault>, Refused> {
    let Some(sealed) = grant.provider_tokens.as_deref() else {
        let nothing = "nothing was kept of the login".to_owned();
        return Ok(Err(ProviderFault::Unavailable(nothing)));
    };
    let opened = visit.context.vault.open_tokens(grant.id, sealed);
    let tokens: Zeroizing<Vec<u8>> =
        opened.map_err(|error| Refused::from(OURS).because(error.to_string()))?;
    Ok(in_time(visit.context.provider.clone(), tokens, TIME_MAX).await)
}

/// Asks on a task of its own, which goes on where it takes too long: an answer halfway may have cost a refresh token already.
///
/// The bound is below that of whoever waits for the request. They would be told to try again while the token that they have is
/// spent, and do it with that one, which ends the grant.
pub(super) async fn in_time(
    provider: Provider,
    tokens: Zeroizing<Vec<u8>>,
    time_max: Duration,
) -> Result<LoggedIn, ProviderFault> {
    let asking = tokio::spawn(async move { provider.still_holds(&tokens).await });
    let unknown = |why: &str| Err(ProviderFault::Unavailable(why.to_owned()));
    match timeout(time_max, asking).await {
        Ok(Ok(told)) => told,
        Ok(Err(_)) => unknown("asking it has failed"),
        Err(_) => unknown("it takes too long"),
    }
}

fn sealed(visit: &Visit<'_>, grant: &Grant, who: &LoggedIn) -> Result<Option<Box<[u8]>>, Refused> {
    let sealed = visit.context.vault.seal_tokens(grant.id, &who.tokens);
    let failed = |error: crate::control::oauth::store::VaultError| {
        Refused::from(OURS).because(error.to_string())
    };
    sealed.map(Some).map_err(failed)
}

/// Whoever is refused so logs in again, which is what helps where the provider gave no refresh token of its own.
const UNVOUCHED: OAuthFault = OAuthFault::new(
    OAuthCode::InvalidGrant,
    "the provider has not vouched for the user for too long: log in again",
);
