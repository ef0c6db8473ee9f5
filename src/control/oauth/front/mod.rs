//! What browsers see: authorization, consent, the way back from the provider.
//!
//! **Invariant:** nobody is sent to the provider before their browser agreed to the client, and nothing is issued to a client but
//! to the browser that did (confused deputy: MCP Security Best Practices).

use super::context::Context;
use super::reply;
use crate::engine::oauth::{OAuthCode, OAuthFault};
use crate::mailbox::{OAuthReply, OAuthRequest};

/// `/oauth/authorize`.
pub(super) async fn authorize(context: &Context, request: &OAuthRequest) -> OAuthReply {
    let _ = (context, request);
    reply::refusal(OAuthFault::new(OAuthCode::ServerError, "not served yet"))
}

/// `/oauth/consent`.
pub(super) async fn consent(context: &Context, request: &OAuthRequest) -> OAuthReply {
    let _ = (context, request);
    reply::refusal(OAuthFault::new(OAuthCode::ServerError, "not served yet"))
}

/// `/oauth/callback`.
pub(super) async fn callback(context: &Context, request: &OAuthRequest) -> OAuthReply {
    let _ = (context, request);
    reply::refusal(OAuthFault::new(OAuthCode::ServerError, "not served yet"))
}
