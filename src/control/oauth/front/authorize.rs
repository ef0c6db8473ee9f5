//! `/oauth/authorize`: a client sends its user, or a person comes by themselves.

use std::time::Instant;

use zeroize::Zeroizing;

use super::browser::{self, Cookie};
use super::pages::{self, Failure};
use super::pending::{ClientErrand, Errand, Visitor};
use super::random::random;
use super::{remembered, sending};
use crate::control::oauth::context::Context;
use crate::control::oauth::directory::ClientFault;
use crate::control::oauth::reply;
use crate::engine::oauth::{AuthorizationRefusal, AuthorizationRequest, Client, Form, SecretHash};
use crate::mailbox::{OAuthOutcome, OAuthReply, OAuthRequest, Told};

/// `/oauth/authorize`.
pub(in crate::control::oauth) async fn authorize(
    context: &Context,
    request: &OAuthRequest,
) -> OAuthReply {
    let base = &context.base;
    let form = match Form::parse(&request.query) {
        Ok(form) => form,
        Err(error) => return pages::failure(base, Failure::BadRequest, error.to_string()),
    };
    if form.is_empty() {
        return welcome(context, request);
    }
    if context.config.server.is_none() {
        return pages::failure(base, Failure::NoServer, "auth.oauth.server is not enabled");
    }
    let client = match client(context, request, &form).await {
        Ok(client) => client,
        Err(reply) => return reply,
    };
    match asked(context, &form, &client) {
        Ok(asked) => begin(context, request, &client, asked).await,
        Err(refusal) => refuse(context, &client, refusal),
    }
}

fn welcome(context: &Context, request: &OAuthRequest) -> OAuthReply {
    let asked = visitor(context, request).and_then(|(visitor, cookie)| {
        let ticket = context
            .pendings
            .ask(Instant::now(), visitor, Errand::Person);
        Some((ticket.ok()?, cookie))
    });
    let Some((ticket, cookie)) = asked else {
        return no_random_bytes(context);
    };
    let mut page = pages::welcome(&context.base, context.provider_name(), &ticket);
    page.fields.push(cookie);
    page
}

async fn client(
    context: &Context,
    request: &OAuthRequest,
    form: &Form<'_>,
) -> Result<Client, OAuthReply> {
    let base = &context.base;
    let Some(id) = form.value("client_id") else {
        let message = "client_id is missing";
        return Err(pages::failure(base, Failure::BadRequest, message));
    };
    context
        .clients
        .find(id, request.client)
        .await
        .map_err(|fault| {
            let failure = match fault {
                ClientFault::Unavailable => Failure::ClientUnavailable,
                _ => Failure::UnknownClient,
            };
            pages::failure(base, failure, fault.to_string())
        })
}

fn asked(
    context: &Context,
    form: &Form<'_>,
    client: &Client,
) -> Result<AuthorizationRequest, AuthorizationRefusal> {
    context.with_offer(|offer| AuthorizationRequest::parse(form, client, offer))
}

/// Tells the client where the engine says that its address can be trusted, and the person otherwise.
fn refuse(context: &Context, client: &Client, refusal: AuthorizationRefusal) -> OAuthReply {
    let message = format!("client {}: {}", client.id, refusal.fault());
    match refusal {
        AuthorizationRefusal::Redirect(redirect) => {
            let told = Told {
                outcome: OAuthOutcome::Refused,
                identity: None,
                message: Some(message.into()),
            };
            reply::redirect(&redirect.location(&context.issuer()), told)
        }
        AuthorizationRefusal::Page(_) => {
            pages::failure(&context.base, Failure::BadRequest, message)
        }
    }
}

/// Asks the person, unless the user of this browser has allowed as much before.
async fn begin(
    context: &Context,
    request: &OAuthRequest,
    client: &Client,
    asked: AuthorizationRequest,
) -> OAuthReply {
    let Some((visitor, cookie)) = visitor(context, request) else {
        return no_random_bytes(context);
    };
    let errand = Box::new(ClientErrand {
        name: client.name.clone(),
        origin: client.origin,
        request: asked,
    });
    let mut page = match remembered::agreed_before(context, request, &errand).await {
        Some(user) => sending::without_page(context, visitor, errand, &user).await,
        None => ask(context, visitor, errand),
    };
    page.fields.push(cookie);
    page
}

fn ask(context: &Context, visitor: Visitor, errand: Box<ClientErrand>) -> OAuthReply {
    let pending = Errand::Client(errand.clone());
    match context.pendings.ask(Instant::now(), visitor, pending) {
        Ok(ticket) => sending::consent_page(context, &errand, None, &ticket),
        Err(_) => no_random_bytes(context),
    }
}

/// The browser that a login begins in, and the cookie that says so. It keeps the secret that other logins of it have, so that
/// several pages can be open; any other secret that it brings was not given by us, or is of a login that is over, and is replaced
/// (session fixation). `None`: the system has no random bytes.
fn visitor(context: &Context, request: &OAuthRequest) -> Option<(Visitor, (&'static str, String))> {
    let base = &context.base;
    let known = browser::browser_secret(base, request)
        .filter(|(_, hash)| context.pendings.knows(Instant::now(), hash));
    let (secret, browser): (Zeroizing<String>, SecretHash) = match known {
        Some(known) => known,
        None => {
            let secret = random().ok()?;
            let hash = SecretHash::of(secret.as_bytes());
            (secret, hash)
        }
    };
    let visitor = Visitor {
        browser,
        address: request.client,
    };
    Some((visitor, Cookie::Login.set(base, &secret)))
}

fn no_random_bytes(context: &Context) -> OAuthReply {
    pages::failure(
        &context.base,
        Failure::Internal,
        "the system has no random bytes",
    )
}
