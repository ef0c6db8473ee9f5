//! Hands each request to its endpoint.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::context::Context;
use super::{back, front, reply};
use crate::engine::oauth::{OAuthCode, OAuthEndpoint, OAuthFault};
use crate::mailbox::{OAuthReply, OAuthRequest};

/// Serves every endpoint of OAuth, under the configuration in force.
#[derive(Debug, Default)]
pub(in crate::control) struct OAuthService {
    context: ArcSwapOption<Context>,
}

impl OAuthService {
    /// The answer to `request`.
    pub(in crate::control) async fn answer(&self, request: &OAuthRequest) -> OAuthReply {
        let Some(context) = self.context.load_full() else {
            let gone = OAuthFault::new(OAuthCode::TemporarilyUnavailable, "not configured");
            return reply::refusal(gone);
        };
        let context: &Arc<Context> = &context;
        match request.endpoint {
            OAuthEndpoint::Authorize => front::authorize(context, request).await,
            OAuthEndpoint::Consent => front::consent(context, request).await,
            OAuthEndpoint::Callback => front::callback(context, request).await,
            OAuthEndpoint::Token => back::token(context, request).await,
            OAuthEndpoint::Register => back::register(context, request).await,
            OAuthEndpoint::Revoke => back::revoke(context, request).await,
            OAuthEndpoint::Jwks => back::jwks(context),
            OAuthEndpoint::ServerMetadata => back::metadata(context),
        }
    }
}
