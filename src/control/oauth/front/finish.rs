//! Somebody has logged in: what comes of it.

use std::time::Instant;

use zeroize::Zeroizing;

use super::pages::{self, Failure};
use super::pending::{Agreed, ClientErrand, Errand, Returned, Visitor};
use super::sending::{self, After};
use super::{browser, person, remembered, scopes};
use crate::control::oauth::context::Context;
use crate::control::oauth::provider::LoggedIn;
use crate::control::tls::now_secs;
use crate::engine::limits::CODE_SECS_MAX;
use crate::engine::oauth::{Code, Grant, GrantId, OAuthCode, OAuthFault, SecretKind, mint};
use crate::mailbox::{OAuthOutcome, OAuthReply, OAuthRequest, Told};

/// Gives the client its code, or the person their token; the browser remembers who logged in.
pub(super) async fn finish(
    context: &Context,
    request: &OAuthRequest,
    returned: Returned,
    who: LoggedIn,
) -> OAuthReply {
    let user = (context.config.realm.as_str(), &*who.user.id);
    let cookie = browser::remember_user(&context.base, context.sealer(), user, now_secs());
    let mut reply = match returned.errand {
        Errand::Person => person::token_page(context, &who).await,
        Errand::Client(errand) if is_agreed(context, &errand, &returned.agreed, &who).await => {
            issue_code(context, &errand, who, After::Link).await
        }
        Errand::Client(errand) => ask_after(context, request, errand, who),
    };
    reply.fields.extend(cookie);
    reply
}

/// Whether the one who logged in is one who agreed: whoever sits before the browser, where the page was shown, or a user who allowed
/// as much before. Somebody else than expected may have logged in.
async fn is_agreed(
    context: &Context,
    errand: &ClientErrand,
    agreed: &Agreed,
    who: &LoggedIn,
) -> bool {
    match agreed {
        Agreed::Now => true,
        Agreed::Before(user) if **user == *who.user.id => true,
        Agreed::Before(_) => remembered::has_agreed(context, &who.user.id, errand).await,
    }
}

fn ask_after(
    context: &Context,
    request: &OAuthRequest,
    errand: Box<ClientErrand>,
    who: LoggedIn,
) -> OAuthReply {
    // The browser brought it with the state, or nobody would be here.
    let Some(browser) = browser::browser(&context.base, request) else {
        return pages::failure(&context.base, Failure::LoginOver, "browser has no cookie");
    };
    let visitor = Visitor {
        browser,
        address: request.client,
    };
    let user = sending::shown(&who).to_owned();
    let (now, pending) = (Instant::now(), errand.clone());
    match context
        .pendings
        .ask_after(now, visitor, pending, Box::new(who))
    {
        Ok(ticket) => sending::consent_page(context, &errand, Some(&user), &ticket),
        Err(_) => pages::failure(
            &context.base,
            Failure::Internal,
            "the system has no random bytes",
        ),
    }
}

/// Sends the client a code for what `who` allows it.
pub(super) async fn issue_code(
    context: &Context,
    errand: &ClientErrand,
    who: LoggedIn,
    after: After,
) -> OAuthReply {
    let identity = context.identity(&who.user.id);
    remembered::remember(context, &who.user.id, errand).await;
    let message = format!("client {}", errand.request.client_id);
    match code(context, errand, who).await {
        Ok(code) => {
            let url = errand.request.success_location(&code, &context.issuer());
            let told = Told {
                outcome: OAuthOutcome::Granted,
                identity: Some(identity),
                message: Some(message.into()),
            };
            sending::to_client(context, errand, &url, after, told)
        }
        Err(why) => {
            tracing::error!(why, "authorization code cannot be issued");
            let fault = OAuthFault::new(OAuthCode::ServerError, "the login cannot be kept");
            let told = Told {
                outcome: OAuthOutcome::Failed,
                identity: Some(identity),
                message: Some(format!("{message}: {why}").into()),
            };
            sending::fault_to_client(context, errand, fault, after, told)
        }
    }
}

/// A code that is kept. Errors: why not, for operators.
async fn code(
    context: &Context,
    errand: &ClientErrand,
    who: LoggedIn,
) -> Result<Zeroizing<String>, String> {
    let request = &errand.request;
    let server = context.config.server.as_ref();
    let grant_ttl = server.map_or(0, |server| server.grant_ttl.as_secs());
    let (secret, hash) = mint(SecretKind::Code).map_err(|error| error.to_string())?;
    let id = GrantId::random().map_err(|error| error.to_string())?;
    let sealed = context
        .vault
        .seal_tokens(id, &who.tokens)
        .map_err(|error| error.to_string())?;
    let now_secs = now_secs();
    let grant = Grant {
        id,
        scopes: scopes::granted(&context.config, &request.scopes, &who),
        user: who.user,
        client_id: request.client_id.clone(),
        audience: request.audience.clone(),
        created_at_secs: now_secs,
        expires_at_secs: now_secs + grant_ttl,
        provider_tokens: Some(sealed),
    };
    let code = Code {
        hash,
        grant,
        redirect_uri: request.redirect_uri.as_str().into(),
        challenge: request.challenge,
        expires_at_secs: now_secs + CODE_SECS_MAX,
    };
    context
        .store
        .put_code(code)
        .await
        .map_err(|error| error.to_string())?;
    Ok(secret)
}
