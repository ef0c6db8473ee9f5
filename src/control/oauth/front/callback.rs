//! `/oauth/callback`: the provider sends the browser back.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::browser::{self, Cookie};
use super::finish::finish;
use super::pages::{self, Failure};
use super::pending::Returned;
use super::sending::{self, After};
use crate::control::oauth::context::Context;
use crate::control::oauth::provider::{LoggedIn, ProviderFault};
use crate::engine::oauth::{Form, SecretHash};
use crate::mailbox::{OAuthReply, OAuthRequest};

/// Errors that a provider may send a browser back with (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
const ERRORS: [&str; 11] = [
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_request",
    "invalid_scope",
    "login_required",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_response_type",
];

/// `/oauth/callback`.
pub(in crate::control::oauth) async fn callback(
    context: &Context,
    request: &OAuthRequest,
) -> OAuthReply {
    let base = &context.base;
    let form = match Form::parse(&request.query) {
        Ok(form) => form,
        Err(error) => return pages::failure(base, Failure::BadRequest, error.to_string()),
    };
    let Some(state) = form.value("state") else {
        return pages::failure(base, Failure::LoginOver, "state is missing");
    };
    let browser = browser::browser(base, request);
    let returned = match context.pendings.returned(Instant::now(), browser, state) {
        Ok(returned) => returned,
        Err(fault) => return pages::failure(base, Failure::LoginOver, fault.to_string()),
    };
    let mut reply = match logged_in(context, &form, &returned).await {
        Ok(who) => finish(context, request, returned, who).await,
        Err(fault) => sending::not_logged_in(context, &returned.errand, &fault, After::Link),
    };
    forget_browser(context, browser, &mut reply);
    reply
}

/// Who has logged in. The issuer is looked at before anything else of the answer is believed (RFC 9207 §2.4).
async fn logged_in(
    context: &Context,
    form: &Form<'_>,
    returned: &Returned,
) -> Result<LoggedIn, ProviderFault> {
    context.provider.check_issuer(form.value("iss"))?;
    if let Some(error) = form.value("error") {
        return Err(refusal(error));
    }
    let code = form.value("code");
    let code = code.ok_or_else(|| ProviderFault::BadAnswer("there is no code in it".into()))?;
    let who = context.provider.redeem(code, &returned.secrets).await?;
    match context.is_over.load(Relaxed) {
        true => Err(ProviderFault::Unavailable(
            "another provider was configured meanwhile".into(),
        )),
        false => Ok(who),
    }
}

fn refusal(error: &str) -> ProviderFault {
    match ERRORS.into_iter().find(|known| *known == error) {
        Some(known @ ("server_error" | "temporarily_unavailable")) => {
            ProviderFault::Unavailable(known.into())
        }
        Some(known) => ProviderFault::Refused(known),
        None => ProviderFault::Refused("an error that is not registered"),
    }
}

/// The browser's secret ends with its last login.
fn forget_browser(context: &Context, browser: Option<SecretHash>, reply: &mut OAuthReply) {
    let is_needed = browser.is_some_and(|browser| context.pendings.knows(Instant::now(), &browser));
    if !is_needed {
        reply.fields.push(Cookie::Login.clear(&context.base));
    }
}
