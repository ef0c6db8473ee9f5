//! Sends browsers on: to the page that asks, to the provider, back to the client.

use std::time::Instant;

use super::pages::{self, ConsentPage, Failure};
use super::pending::{ClientErrand, Errand, Visitor};
use crate::control::oauth::context::Context;
use crate::control::oauth::provider::{LoggedIn, LoginSecrets, ProviderFault};
use crate::control::oauth::reply;
use crate::engine::oauth::{OAuthCode, OAuthFault};
use crate::mailbox::{OAuthOutcome, OAuthReply, Told};

/// What led to an answer decides its form: a redirect that follows a form is held against the page's `form-action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// The browser followed a link or a redirect.
    Link,
    /// It sent a form.
    Form,
}

/// The page that asks whether the client may act for the user; names `user`, where they have logged in.
pub(super) fn consent_page(
    context: &Context,
    errand: &ClientErrand,
    user: Option<&str>,
    ticket: &str,
) -> OAuthReply {
    let request = &errand.request;
    let told = Told {
        outcome: OAuthOutcome::Shown,
        identity: None,
        message: Some(format!("client {}", request.client_id).into()),
    };
    let page = ConsentPage {
        base: &context.base,
        name: &errand.name,
        client_id: &request.client_id,
        origin: errand.origin,
        destination: request.redirect_uri.origin_shown(),
        is_app: request.redirect_uri.is_app(),
        is_local: request.redirect_uri.is_loopback() || request.redirect_uri.is_app(),
        audience: &request.audience,
        scopes: &request.scopes,
        provider: context.provider_name(),
        user,
        ticket,
    };
    pages::consent(&page, told)
}

/// What people call somebody who has logged in.
pub(super) fn shown(who: &LoggedIn) -> &str {
    let user = &who.user;
    user.email
        .as_deref()
        .or(user.name.as_deref())
        .unwrap_or(&user.id)
}

/// To the provider without a page: `user` allowed as much before.
pub(super) async fn without_page(
    context: &Context,
    visitor: Visitor,
    errand: Box<ClientErrand>,
    user: &str,
) -> OAuthReply {
    let pending = Errand::Client(errand.clone());
    let begun = context
        .pendings
        .trust(Instant::now(), visitor, pending, user);
    let Ok(secrets) = begun else {
        return pages::failure(
            &context.base,
            Failure::Internal,
            "the system has no random bytes",
        );
    };
    match context.provider.authorization_url(&secrets).await {
        Ok(url) => reply::redirect(&url, Told::default()),
        Err(fault) => not_logged_in(context, &Errand::Client(errand), &fault, After::Link),
    }
}

/// To the provider, after the page.
pub(super) async fn to_provider(
    context: &Context,
    errand: &Errand,
    secrets: &LoginSecrets,
) -> OAuthReply {
    match context.provider.authorization_url(secrets).await {
        Ok(url) => {
            let told = Told {
                outcome: OAuthOutcome::Shown,
                identity: None,
                message: Some(about(errand).into()),
            };
            pages::onward(&context.base, &url, context.provider_name(), told)
        }
        Err(fault) => not_logged_in(context, errand, &fault, After::Form),
    }
}

/// Tells the client, or the person, that nobody has logged in.
pub(super) fn not_logged_in(
    context: &Context,
    errand: &Errand,
    fault: &ProviderFault,
    after: After,
) -> OAuthReply {
    let message = format!("{}: {fault}", about(errand));
    let (code, description, failure) = match fault {
        ProviderFault::Refused(_) => (
            OAuthCode::AccessDenied,
            "the user was not logged in",
            Failure::ProviderRefused,
        ),
        ProviderFault::ClientRefused(_) => (
            OAuthCode::ServerError,
            "the gateway is not set up correctly with its login service; tell its operator",
            Failure::NotSetUp,
        ),
        ProviderFault::NotAllowed(_) => (
            OAuthCode::AccessDenied,
            "this account may not use the gateway; its operator can allow it",
            Failure::NotAllowed,
        ),
        ProviderFault::Unavailable(_) => (
            OAuthCode::TemporarilyUnavailable,
            "the login service cannot be reached",
            Failure::ProviderFailed,
        ),
        ProviderFault::WrongIssuer | ProviderFault::BadAnswer(_) => (
            OAuthCode::ServerError,
            "the login service gave an answer that cannot be used",
            Failure::ProviderFailed,
        ),
    };
    let outcome = match fault {
        ProviderFault::Refused(_) | ProviderFault::NotAllowed(_) | ProviderFault::WrongIssuer => {
            OAuthOutcome::Denied
        }
        ProviderFault::ClientRefused(_)
        | ProviderFault::BadAnswer(_)
        | ProviderFault::Unavailable(_) => OAuthOutcome::Failed,
    };
    match errand {
        Errand::Person => {
            let mut page = pages::failure_of_person(&context.base, failure, message);
            page.told.outcome = outcome;
            page
        }
        Errand::Client(errand) => {
            let told = Told {
                outcome,
                identity: None,
                message: Some(message.into()),
            };
            fault_to_client(
                context,
                errand,
                OAuthFault::new(code, description),
                after,
                told,
            )
        }
    }
}

/// Sends `fault` to the client.
pub(super) fn fault_to_client(
    context: &Context,
    errand: &ClientErrand,
    fault: OAuthFault,
    after: After,
    told: Told,
) -> OAuthReply {
    let url = errand.request.fault_location(fault, &context.issuer());
    to_client(context, errand, &url, after, told)
}

/// Sends the browser to `url` of the client. The page of a program's own scheme stays in the browser, so there is one of ours.
pub(super) fn to_client(
    context: &Context,
    errand: &ClientErrand,
    url: &str,
    after: After,
    told: Told,
) -> OAuthReply {
    if after == After::Form || errand.request.redirect_uri.is_app() {
        pages::return_to_application(&context.base, url, told)
    } else {
        reply::redirect(url, told)
    }
}

/// Whom an errand is for, for operators.
pub(super) fn about(errand: &Errand) -> String {
    match errand {
        Errand::Client(errand) => format!("client {}", errand.request.client_id),
        Errand::Person => "a person's own token".to_owned(),
    }
}
