//! What clients ask for without a browser: tokens, registration, revocation, documents.
//!
//! **Invariant:** a token is issued to a client that proved itself, of a grant of its own, for a user who is still one; whoever
//! presents a code or a refresh token a second time ends what came of the first.

mod desk;
mod fault;
mod grace;
mod refresh;
mod register;
mod revoke;
#[cfg(test)]
mod tests;
mod token;

use super::context::Context;
use crate::engine::oauth::ServerMetadata;
use crate::mailbox::{OAuthReply, Told};

pub(super) use desk::Desk;
pub(super) use register::register;
pub(super) use revoke::revoke;
pub(super) use token::token;

/// How long others may keep a document, in seconds: shorter than a key is published before it signs.
const DOCUMENT_SECS: u64 = 300;

/// `/oauth/jwks`.
pub(super) fn jwks(context: &Context) -> OAuthReply {
    document(context.signer.jwks())
}

/// `/.well-known/oauth-authorization-server` (RFC 8414).
pub(super) fn metadata(context: &Context) -> OAuthReply {
    let server = context.config.server.as_ref();
    let map = &context.config.scope_tool_mapping;
    let scopes: Vec<&str> = map.iter().map(|(scope, _)| scope.as_str()).collect();
    let metadata = ServerMetadata {
        base: &context.base,
        scopes: &scopes,
        dynamic_registration: server.is_some_and(|server| server.dynamic_registration),
        client_id_documents: server.is_some_and(|server| server.client_id_documents),
    };
    document(metadata.to_json().to_string().into_bytes())
}

/// Something that everybody may know.
fn document(body: Vec<u8>) -> OAuthReply {
    OAuthReply {
        status: 200,
        fields: vec![
            ("Content-Type", "application/json".to_owned()),
            ("Cache-Control", format!("public, max-age={DOCUMENT_SECS}")),
        ],
        body: body.into(),
        told: Told::default(),
    }
}
