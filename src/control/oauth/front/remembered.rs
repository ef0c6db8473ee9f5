//! What users allowed before, so that they are not asked again.
//!
//! Only for clients whose answers nobody else can catch: those that the operator set up, and those whose answers go to a web site of
//! their own. Any program on the user's device can take a client's id and listen on loopback or claim a scheme, so there the page is
//! shown each time (RFC 8252 §8.6).

use super::browser;
use super::pending::ClientErrand;
use crate::control::oauth::context::Context;
use crate::control::tls::now_secs;
use crate::engine::oauth::{AuthorizationRequest, ClientOrigin, Consent, RedirectUri};
use crate::mailbox::OAuthRequest;

/// The user who logged in last with this browser, where they have allowed as much before.
pub(super) async fn agreed_before(
    context: &Context,
    request: &OAuthRequest,
    errand: &ClientErrand,
) -> Option<String> {
    let realm = &context.config.realm;
    let user = browser::user(&context.base, context.sealer(), realm, request, now_secs())?;
    has_agreed(context, &user, errand).await.then_some(user)
}

/// Whether `user` has allowed as much before. A store that cannot be read has nothing to say: the page is shown.
pub(super) async fn has_agreed(context: &Context, user: &str, errand: &ClientErrand) -> bool {
    if !may_be_remembered(errand) {
        return false;
    }
    let user = owner(context, user);
    match context
        .store
        .consents(&user, &errand.request.client_id)
        .await
    {
        Ok(consents) => consents
            .iter()
            .any(|consent| covers(consent, &errand.request)),
        Err(error) => {
            tracing::warn!(%error, "consents cannot be read");
            false
        }
    }
}

/// Keeps what `user` allowed, where it may be remembered. That it cannot be kept is no reason to refuse: they will be asked again.
pub(super) async fn remember(context: &Context, user: &str, errand: &ClientErrand) {
    if !may_be_remembered(errand) {
        return;
    }
    let request = &errand.request;
    let consent = Consent {
        redirect_uri: request.redirect_uri.as_str().into(),
        audience: request.audience.clone(),
        scopes: request.scopes.clone(),
        given_at_secs: now_secs(),
    };
    let user = owner(context, user);
    if let Err(error) = context
        .store
        .remember(&user, &request.client_id, consent)
        .await
    {
        tracing::warn!(%error, "consent cannot be kept");
    }
}

fn may_be_remembered(errand: &ClientErrand) -> bool {
    let uri = &errand.request.redirect_uri;
    errand.origin == ClientOrigin::Configured || !(uri.is_loopback() || uri.is_app())
}

/// Users of another provider may have the same ids.
fn owner(context: &Context, user: &str) -> String {
    format!("{} {user}", context.config.realm)
}

/// Whether what was allowed is as much as is asked for now. The port of a loopback address changes each time.
fn covers(consent: &Consent, asked: &AuthorizationRequest) -> bool {
    let allowed = RedirectUri::parse(&consent.redirect_uri);
    allowed.is_ok_and(|allowed| allowed.matches(&asked.redirect_uri))
        && consent.audience == asked.audience
        && asked
            .scopes
            .iter()
            .all(|scope| consent.scopes.contains(scope))
}

#[cfg(test)]
#[path = "remembered/tests.rs"]
mod tests;
