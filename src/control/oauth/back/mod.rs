//! What clients ask for without a browser: tokens, registration, revocation, documents.

use super::context::Context;
use super::reply;
use crate::engine::oauth::{OAuthCode, OAuthFault};
use crate::mailbox::{OAuthReply, OAuthRequest};

/// `/oauth/token`.
pub(super) async fn token(context: &Context, request: &OAuthRequest) -> OAuthReply {
    let _ = (context, request);
    reply::refusal(OAuthFault::new(OAuthCode::ServerError, "not served yet"))
}

/// `/oauth/register` (RFC 7591).
pub(super) async fn register(context: &Context, request: &OAuthRequest) -> OAuthReply {
    let _ = (context, request);
    reply::refusal(OAuthFault::new(OAuthCode::ServerError, "not served yet"))
}

/// `/oauth/revoke` (RFC 7009).
pub(super) async fn revoke(context: &Context, request: &OAuthRequest) -> OAuthReply {
    let _ = (context, request);
    reply::refusal(OAuthFault::new(OAuthCode::ServerError, "not served yet"))
}

/// `/oauth/jwks`.
pub(super) fn jwks(context: &Context) -> OAuthReply {
    let _ = context;
    reply::refusal(OAuthFault::new(OAuthCode::ServerError, "not served yet"))
}

/// `/.well-known/oauth-authorization-server` (RFC 8414).
pub(super) fn metadata(context: &Context) -> OAuthReply {
    let _ = context;
    reply::refusal(OAuthFault::new(OAuthCode::ServerError, "not served yet"))
}
