//! `/oauth/revoke` (RFC 7009): the end of a token is the end of its grant.

use super::fault::Refused;
use super::token::proven;
use crate::control::oauth::context::Context;
use crate::control::oauth::reply;
use crate::control::tls::now_secs;
use crate::engine::oauth::{Client, Form, FormError, GrantId, RevocationRequest, RevokedToken};
use crate::mailbox::{OAuthOutcome, OAuthReply, OAuthRequest, Told};

/// `/oauth/revoke`. A token that is not known, or another client's, is as good as revoked: nothing is learnt from the answer.
pub(in crate::control::oauth) async fn revoke(
    context: &Context,
    request: &OAuthRequest,
) -> OAuthReply {
    let revoked = end(context, request, now_secs()).await;
    revoked.unwrap_or_else(|refused| refused.into_reply(request.authorization.is_some()))
}

async fn end(
    context: &Context,
    request: &OAuthRequest,
    now_secs: u64,
) -> Result<OAuthReply, Refused> {
    let form = Form::parse(&request.body).map_err(FormError::fault)?;
    let authorization = request.authorization.as_deref().map(Vec::as_slice);
    let peer = request.client;
    let request = RevocationRequest::parse(&form, authorization)?;
    let ended = async {
        let client = proven(context, &request.credentials, peer).await?;
        let Some(grant) = own_grant(context, &request.token, &client, now_secs).await? else {
            return Ok(done(&client, "there was nothing to revoke", None));
        };
        let ended = context.store.revoke(grant.id, now_secs).await?;
        context.signer.refuse(&context.shared, ended, now_secs);
        let identity = Some(context.identity(&grant.user));
        Ok(done(&client, "its grant is revoked", identity))
    };
    let ended: Result<_, Refused> = ended.await;
    ended.map_err(|refused| refused.of_client(&request.credentials.client_id))
}

/// A grant, and whose it is.
struct Owned {
    id: GrantId,
    user: Box<str>,
}

/// The grant that `token` came of, where it is `client`'s.
async fn own_grant(
    context: &Context,
    token: &RevokedToken,
    client: &Client,
    now_secs: u64,
) -> Result<Option<Owned>, Refused> {
    let found = match token {
        RevokedToken::Refresh(hash) => {
            let held = context.store.grant_of(*hash, now_secs).await?;
            held.map(|held| {
                let grant = held.grant;
                (
                    grant.client_id,
                    Owned {
                        id: grant.id,
                        user: grant.user.id,
                    },
                )
            })
        }
        RevokedToken::Access(token) => context.signer.issued(token).map(|issued| {
            let owned = Owned {
                id: issued.grant,
                user: issued.user,
            };
            (issued.client_id, owned)
        }),
        RevokedToken::Other => None,
    };
    let own = found.filter(|(owner, _)| *owner == client.id);
    Ok(own.map(|(_, owned)| owned))
}

fn done(client: &Client, what: &str, identity: Option<Box<str>>) -> OAuthReply {
    let told = Told {
        outcome: OAuthOutcome::Shown,
        identity,
        message: Some(format!("client {}: {what}", client.id).into()),
    };
    reply::json(200, &serde_json::json!({}), told)
}
