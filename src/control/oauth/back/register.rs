//! `/oauth/register` (RFC 7591).

use super::fault::Refused;
use super::token::NOT_SERVED;
use crate::control::oauth::context::Context;
use crate::control::oauth::reply;
use crate::control::tls::now_secs;
use crate::engine::oauth::{Client, OAuthCode, OAuthFault, Registered, Registration};
use crate::mailbox::{OAuthOutcome, OAuthReply, OAuthRequest, Told};

/// `/oauth/register`: anybody may come, so it is counted who does.
pub(in crate::control::oauth) async fn register(
    context: &Context,
    request: &OAuthRequest,
) -> OAuthReply {
    let Some(server) = &context.config.server else {
        return Refused::from(NOT_SERVED).into_reply(false);
    };
    if !server.dynamic_registration {
        return with_status(Refused::from(CLOSED), 403);
    }
    let registration = match Registration::parse(&request.body) {
        Ok(registration) => registration,
        Err(fault) => {
            let refused = Refused::from(fault.fault()).because(fault.to_string());
            return refused.into_reply(false);
        }
    };
    let now_ns = crate::control::gateway::monotonic_ns();
    if let Err(after_secs) = context.desk.count_registration(request.client, now_ns) {
        let mut reply = with_status(Refused::from(TOO_MANY), 429);
        reply.fields.push(("Retry-After", after_secs.to_string()));
        return reply;
    }
    match keep(context, registration).await {
        Ok(registered) => registered_reply(&registered),
        Err(refused) => refused.into_reply(false),
    }
}

async fn keep(context: &Context, registration: Registration) -> Result<Registered, Refused> {
    let now_secs = now_secs();
    let registered = registration.register(now_secs).map_err(|error| {
        let ours = OAuthFault::new(
            OAuthCode::ServerError,
            "no client can be made at the moment",
        );
        Refused::from(ours).because(error.to_string())
    })?;
    let kept: Client = registered.client.clone();
    context.store.register(kept, now_secs).await?;
    Ok(registered)
}

fn registered_reply(registered: &Registered) -> OAuthReply {
    let client = &registered.client;
    let told = Told {
        outcome: OAuthOutcome::Granted,
        identity: None,
        message: Some(
            format!(
                "client {} registered itself as {:?}",
                client.id, client.name
            )
            .into(),
        ),
    };
    reply::json(201, &registered.to_json(), told)
}

fn with_status(refused: Refused, status: u16) -> OAuthReply {
    let mut reply = refused.into_reply(false);
    reply.status = status;
    reply.told.outcome = OAuthOutcome::Refused;
    reply
}

const CLOSED: OAuthFault = OAuthFault::new(
    OAuthCode::AccessDenied,
    "clients cannot register themselves here",
);

const TOO_MANY: OAuthFault = OAuthFault::new(
    OAuthCode::TemporarilyUnavailable,
    "too many clients were registered; try later",
);
