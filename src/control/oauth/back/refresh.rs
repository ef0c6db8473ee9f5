//! A refresh token for the next one and an access token.
//!
//! Strict: a token that was used before ends its grant, whoever presents it (OAuth 2.1 §4.3.1). Who of the two is the thief cannot
//! be told, and a grace for clients that lost an answer would be one for thieves too.

use super::fault::Refused;
use super::grace::{self, Standing};
use super::token::Visit;
use crate::control::oauth::store::{HeldGrant, Rotation};
use crate::engine::oauth::{Client, OAuthCode, OAuthFault, RefreshAsk, TokenRequest};
use crate::mailbox::OAuthReply;

/// Answers `request`, whose client has proven itself.
pub(super) async fn refresh(
    visit: &Visit<'_>,
    request: &TokenRequest,
    ask: &RefreshAsk,
    client: &Client,
) -> Result<OAuthReply, Refused> {
    let grant = own_grant(visit, ask, client).await?.grant;
    let identity = visit.context.identity(&grant.user.id);
    // One at a time: two at once would both be asked of the provider, which may take the second for theft.
    let _turn = visit.context.desk.turn(grant.id).await;
    let refreshed = next(visit, request, ask, client).await;
    refreshed.map_err(|refused| refused.of_user(identity))
}

async fn next(
    visit: &Visit<'_>,
    request: &TokenRequest,
    ask: &RefreshAsk,
    client: &Client,
) -> Result<OAuthReply, Refused> {
    let held = own_grant(visit, ask, client).await?;
    let store = &visit.context.store;
    let grant = &held.grant;
    if held.is_spent {
        visit.refuse(store.revoke(grant.id, visit.now_secs).await?);
        return Err(reused());
    }
    let narrowed = visit
        .context
        .with_offer(|offer| request.narrow(ask, grant, offer, visit.now_secs));
    let mut extent = narrowed?;
    let tokens = match grace::ask(visit, &held, &mut extent).await? {
        Standing::Holds(tokens) => tokens,
        Standing::Ended(why) => {
            let ended = store.revoke(grant.id, visit.now_secs).await?;
            visit
                .context
                .signer
                .refuse(&visit.context.shared, ended, visit.now_secs);
            return Err(Refused::from(ENDED).because(why));
        }
    };
    // Signed before anything is changed: what fails until here costs the client nothing.
    let access = visit.access(grant, &extent)?;
    let next = visit.next_refresh(grant)?;
    let kept = (next.hash, next.until_secs);
    match store
        .rotate(ask.token, kept, tokens, visit.now_secs)
        .await?
    {
        Rotation::Rotated(grant) => {
            let user = &grant.user.id;
            Ok(visit.answer(user, &access, Some(&next), &extent, client, "refresh token"))
        }
        Rotation::Reused(grant) => {
            visit.refuse(grant);
            Err(reused())
        }
        Rotation::Unknown => Err(UNKNOWN.into()),
    }
}

/// The grant of the token, where it is `client`'s. Another client learns nothing of it, and changes nothing.
async fn own_grant(
    visit: &Visit<'_>,
    ask: &RefreshAsk,
    client: &Client,
) -> Result<HeldGrant, Refused> {
    let held = visit
        .context
        .store
        .grant_of(ask.token, visit.now_secs)
        .await?;
    let held = held.ok_or(UNKNOWN)?;
    if held.grant.client_id == client.id {
        return Ok(held);
    }
    let identity = visit.context.identity(&held.grant.user.id);
    let why = "it is another client's";
    Err(Refused::from(UNKNOWN).because(why).of_user(identity))
}

fn reused() -> Refused {
    Refused::from(UNKNOWN).because("it was used before; its grant is revoked")
}

const UNKNOWN: OAuthFault = OAuthFault::new(
    OAuthCode::InvalidGrant,
    "refresh token is not known, was used, or has ended",
);

const ENDED: OAuthFault = OAuthFault::new(
    OAuthCode::InvalidGrant,
    "the user may not use the gateway any more",
);
