//! `/oauth/token`: a code or a refresh token for an access token (RFC 6749 §4.1.3, §6).

use std::net::IpAddr;

use zeroize::Zeroizing;

use super::fault::Refused;
use super::refresh;
use crate::config::model::OAuthServer;
use crate::control::oauth::context::Context;
use crate::control::oauth::reply;
use crate::control::oauth::store::{RevokedGrant, TakenCode};
use crate::control::tls::now_secs;
use crate::engine::oauth::{
    Client, ClientCredentials, Code, CodeAsk, Extent, Form, FormError, Grant, OAuthCode,
    OAuthFault, OwnClaims, SecretHash, SecretKind, TokenAnswer, TokenAsk, TokenRequest, mint,
};
use crate::mailbox::{OAuthOutcome, OAuthReply, OAuthRequest, Told};

/// `/oauth/token`.
pub(in crate::control::oauth) async fn token(
    context: &Context,
    request: &OAuthRequest,
) -> OAuthReply {
    let issued = issue(context, request, now_secs()).await;
    issued.unwrap_or_else(|refused| refused.into_reply(request.authorization.is_some()))
}

pub(super) async fn issue(
    context: &Context,
    request: &OAuthRequest,
    now_secs: u64,
) -> Result<OAuthReply, Refused> {
    let server = context.config.server.as_ref().ok_or(NOT_SERVED)?;
    let form = Form::parse(&request.body).map_err(FormError::fault)?;
    let authorization = request.authorization.as_deref().map(Vec::as_slice);
    let peer = request.client;
    let request = TokenRequest::parse(&form, authorization)?;
    let visit = Visit {
        context,
        server,
        now_secs,
    };
    let issued = async {
        let client = proven(context, &request.credentials, peer).await?;
        match &request.asked {
            TokenAsk::Code(ask) => visit.redeem(&request, ask, &client).await,
            TokenAsk::Refresh(ask) => refresh::refresh(&visit, &request, ask, &client).await,
        }
    };
    let issued = issued.await;
    issued.map_err(|refused| refused.of_client(&request.credentials.client_id))
}

pub(super) const NOT_SERVED: OAuthFault =
    OAuthFault::new(OAuthCode::TemporarilyUnavailable, "not configured");

/// The client that `credentials` name, where it proved itself from the address `peer`.
pub(super) async fn proven(
    context: &Context,
    credentials: &ClientCredentials,
    peer: IpAddr,
) -> Result<Client, Refused> {
    let client = context.clients.find(&credentials.client_id, peer).await?;
    credentials.check(&client)?;
    Ok(client)
}

/// One request at one moment.
#[derive(Clone, Copy)]
pub(super) struct Visit<'a> {
    pub(super) context: &'a Context,
    pub(super) server: &'a OAuthServer,
    pub(super) now_secs: u64,
}

impl Visit<'_> {
    /// Takes the code, which is gone then, whatever becomes of the rest.
    async fn redeem(
        &self,
        request: &TokenRequest,
        ask: &CodeAsk,
        client: &Client,
    ) -> Result<OAuthReply, Refused> {
        let code = match self
            .context
            .store
            .take_code(ask.code, self.now_secs)
            .await?
        {
            TakenCode::Fresh(code) => code,
            TakenCode::Replayed(grant) => {
                self.refuse(grant);
                let why = "it was presented twice; the grant that came of it is revoked";
                return Err(Refused::from(UNKNOWN_CODE).because(why));
            }
            TakenCode::Unknown => return Err(UNKNOWN_CODE.into()),
        };
        let identity = self.context.identity(&code.grant.user.id);
        let begun = self.begin(request, ask, client, *code).await;
        begun.map_err(|refused| refused.of_user(identity))
    }

    async fn begin(
        &self,
        request: &TokenRequest,
        ask: &CodeAsk,
        client: &Client,
        code: Code,
    ) -> Result<OAuthReply, Refused> {
        let redeemed = self
            .context
            .with_offer(|offer| request.redeem(ask, &code, offer, self.now_secs));
        let extent = redeemed?;
        let mut grant = code.grant;
        let access = self.access(&grant, &extent)?;
        let refresh = client.refreshes.then(|| self.next_refresh(&grant));
        let refresh = refresh.transpose()?;
        if refresh.is_none() {
            // Nothing comes of it beyond this token.
            grant.expires_at_secs = access.expires_at_secs;
        }
        let kept = refresh.as_ref().map(|next| (next.hash, next.until_secs));
        let user = grant.user.id.clone();
        self.context.store.open(grant, kept).await?;
        Ok(self.answer(&user, &access, refresh.as_ref(), &extent, client, "code"))
    }

    /// A signed token of `grant`, which does not outlive it.
    pub(super) fn access(&self, grant: &Grant, extent: &Extent) -> Result<Access, Refused> {
        let ends_at = self
            .now_secs
            .saturating_add(self.server.access_token_ttl.as_secs());
        let claims = OwnClaims {
            user: &grant.user.id,
            audience: &extent.audience,
            client_id: &grant.client_id,
            scopes: &extent.scopes,
            grant: grant.id,
            expires_at_secs: ends_at.min(grant.expires_at_secs),
        };
        let signed = self
            .context
            .signer
            .sign(&self.context.issuer(), &claims, self.now_secs);
        let token = signed.map_err(|error| Refused::from(OURS).because(error.to_string()))?;
        Ok(Access {
            token: Zeroizing::new(token),
            expires_at_secs: claims.expires_at_secs,
        })
    }

    /// A refresh token that nobody has yet.
    pub(super) fn next_refresh(&self, grant: &Grant) -> Result<NextRefresh, Refused> {
        let minted = mint(SecretKind::Refresh);
        let (token, hash) =
            minted.map_err(|error| Refused::from(OURS).because(error.to_string()))?;
        let ends_at = self
            .now_secs
            .saturating_add(self.server.refresh_token_ttl.as_secs());
        Ok(NextRefresh {
            token,
            hash,
            until_secs: ends_at.min(grant.expires_at_secs),
        })
    }

    /// What the client is told, once everything is kept.
    pub(super) fn answer(
        &self,
        user: &str,
        access: &Access,
        refresh: Option<&NextRefresh>,
        extent: &Extent,
        client: &Client,
        given: &str,
    ) -> OAuthReply {
        let answer = TokenAnswer {
            access_token: &access.token,
            expires_in_secs: access.expires_at_secs.saturating_sub(self.now_secs),
            refresh_token: refresh.map(|refresh| refresh.token.as_str()),
            extent,
        };
        let told = Told {
            outcome: OAuthOutcome::Granted,
            identity: Some(self.context.identity(user)),
            message: Some(format!("client {}: token for a {given}", client.id).into()),
        };
        reply::json(200, &answer.to_json(), told)
    }

    /// Has the workers refuse tokens of `grant` from now on.
    pub(super) fn refuse(&self, grant: RevokedGrant) {
        tracing::warn!(grant = %grant.id, "a code or refresh token was presented twice; its grant is revoked");
        let (signer, shared) = (&self.context.signer, &self.context.shared);
        signer.refuse(shared, grant, self.now_secs);
    }
}

/// An access token.
pub(super) struct Access {
    token: Zeroizing<String>,
    expires_at_secs: u64,
}

/// A refresh token, and what is kept of it.
pub(super) struct NextRefresh {
    token: Zeroizing<String>,
    pub(super) hash: SecretHash,
    pub(super) until_secs: u64,
}

const UNKNOWN_CODE: OAuthFault = OAuthFault::new(
    OAuthCode::InvalidGrant,
    "code is not known, was used, or has ended",
);

/// Something of ours failed.
pub(super) const OURS: OAuthFault =
    OAuthFault::new(OAuthCode::ServerError, "no token can be made at the moment");
