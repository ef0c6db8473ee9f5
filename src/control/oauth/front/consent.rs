//! `/oauth/consent`: what the person answered on a page.

use std::time::Instant;

use super::browser;
use super::finish::issue_code;
use super::pages::{self, Failure};
use super::pending::{Answered, ClientErrand, Errand};
use super::sending::{self, After};
use crate::control::oauth::context::Context;
use crate::engine::oauth::{Form, OAuthCode, OAuthFault};
use crate::mailbox::{OAuthOutcome, OAuthReply, OAuthRequest, Told};

/// `/oauth/consent`.
pub(in crate::control::oauth) async fn consent(
    context: &Context,
    request: &OAuthRequest,
) -> OAuthReply {
    let base = &context.base;
    if !browser::is_own_page(base, request) {
        return pages::failure(base, Failure::ForeignForm, "form comes from another site");
    }
    let form = match Form::parse(&request.body) {
        Ok(form) => form,
        Err(error) => return pages::failure(base, Failure::BadRequest, error.to_string()),
    };
    let (Some(ticket), Some(allowed)) = (form.value("ticket"), decision(&form)) else {
        return pages::failure(
            base,
            Failure::BadRequest,
            "form has no ticket or no decision",
        );
    };
    let browser = browser::browser(base, request);
    match (
        context.pendings.answered(Instant::now(), browser, ticket),
        allowed,
    ) {
        (Err(fault), _) => pages::failure(base, Failure::LoginOver, fault.to_string()),
        (Ok(Answered::BeforeLogin(errand, place)), true) => match context.pendings.depart(&place) {
            Some(secrets) => sending::to_provider(context, &errand, &secrets).await,
            None => pages::failure(base, Failure::Internal, "the system has no random bytes"),
        },
        (Ok(Answered::BeforeLogin(errand, place)), false) => {
            context.pendings.refuse(&place);
            refused(context, &errand)
        }
        (Ok(Answered::AfterLogin(errand, who)), true) => {
            issue_code(context, &errand, *who, After::Form).await
        }
        (Ok(Answered::AfterLogin(errand, _)), false) => denied(context, &errand),
    }
}

/// Whether the person allowed it; `None` where the form does not say.
fn decision(form: &Form<'_>) -> Option<bool> {
    match form.value("decision")? {
        "allow" => Some(true),
        "deny" => Some(false),
        _ => None,
    }
}

fn refused(context: &Context, errand: &Errand) -> OAuthReply {
    match errand {
        Errand::Client(errand) => denied(context, errand),
        Errand::Person => {
            pages::failure_of_person(&context.base, Failure::Refused, "nobody logged in")
        }
    }
}

fn denied(context: &Context, errand: &ClientErrand) -> OAuthReply {
    let fault = OAuthFault::new(OAuthCode::AccessDenied, "the user did not allow it");
    let told = Told {
        outcome: OAuthOutcome::Denied,
        identity: None,
        message: Some(format!("client {}: {fault}", errand.request.client_id).into()),
    };
    sending::fault_to_client(context, errand, fault, After::Form, told)
}
