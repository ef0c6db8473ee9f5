//! A person's own token.

use super::pages::{self, Failure, TokenPage};
use super::{scopes, sending};
use crate::control::oauth::context::Context;
use crate::control::oauth::provider::LoggedIn;
use crate::control::tls::now_secs;
use crate::engine::oauth::{Grant, GrantId, OwnClaims};
use crate::engine::policy::reaches;
use crate::engine::snapshot::Server;
use crate::mailbox::{OAuthOutcome, OAuthReply, Told};

/// The `client_id` of tokens that people fetch themselves.
const PERSON_CLIENT_ID: &str = "browser";

/// Servers that the lines to paste have at most; each repeats the token.
const PASTED_SERVERS_MAX: usize = 8;

/// Makes a token for `who`, for every resource of the gateway, and shows it once.
pub(super) async fn token_page(context: &Context, who: &LoggedIn) -> OAuthReply {
    let identity = context.identity(&who.user.id);
    match make(context, who).await {
        Ok(made) => {
            let page = TokenPage {
                base: &context.base,
                token: &made.token,
                user: sending::shown(who),
                identity: &identity,
                scopes: &made.scopes,
                servers: &servers(context, &who.user.id, &made.scopes),
                ends_at: &pages::in_words(made.ends_at_secs),
            };
            let told = Told {
                outcome: OAuthOutcome::Granted,
                identity: Some(identity.clone()),
                message: Some("a person's own token".into()),
            };
            pages::token(&page, told)
        }
        Err(why) => {
            tracing::error!(why, "a person's token cannot be issued");
            pages::failure_of_person(&context.base, Failure::Internal, why)
        }
    }
}

/// The servers that a token of `user` with `scopes` reaches, by name and path, for lines to paste; `/mcp` where there is one alone.
fn servers(context: &Context, user: &str, scopes: &[Box<str>]) -> Vec<(Box<str>, String)> {
    let live = context.shared.live.load();
    let snapshot = &live.snapshot;
    let scopes: Vec<&str> = scopes.iter().map(|scope| &**scope).collect();
    let principal = snapshot
        .identity
        .explain_token(&context.config.realm, user, &scopes);
    let reached = |server: &&Server| principal.as_ref().is_some_and(|one| reaches(one, server));
    let mut servers: Vec<_> = snapshot
        .servers()
        .iter()
        .filter(|_| snapshot.servers().len() > 1)
        .filter(reached)
        .map(|server| (server.name.clone(), format!("/mcp/{}", server.name)))
        .take(PASTED_SERVERS_MAX)
        .collect();
    if servers.is_empty() {
        servers.push(("gateway".into(), "/mcp".to_owned()));
    }
    servers
}

struct Made {
    token: zeroize::Zeroizing<String>,
    scopes: Vec<Box<str>>,
    ends_at_secs: u64,
}

/// The grant is kept before the token is shown: what nobody could revoke is not given out.
async fn make(context: &Context, who: &LoggedIn) -> Result<Made, String> {
    let (issuer, now_secs) = (context.issuer(), now_secs());
    let id = GrantId::random().map_err(|error| error.to_string())?;
    let ends_at_secs = now_secs + context.config.login_token_ttl.as_secs();
    let scopes = scopes::granted(&context.config, &scopes::all(&context.config), who);
    let grant = Grant {
        id,
        user: who.user.clone(),
        client_id: PERSON_CLIENT_ID.into(),
        audience: issuer.as_str().into(),
        scopes: scopes.clone(),
        created_at_secs: now_secs,
        expires_at_secs: ends_at_secs,
        provider_tokens: None,
    };
    context
        .store
        .open(grant, None)
        .await
        .map_err(|error| error.to_string())?;
    let claims = OwnClaims {
        user: &who.user.id,
        audience: &issuer,
        client_id: PERSON_CLIENT_ID,
        scopes: &scopes,
        grant: id,
        expires_at_secs: ends_at_secs,
    };
    let token = context
        .signer
        .sign(&issuer, &claims, now_secs)
        .map_err(|error| error.to_string())?;
    Ok(Made {
        token: token.into(),
        scopes,
        ends_at_secs,
    })
}
