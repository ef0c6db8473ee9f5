//! Answers of OAuth endpoints.

use serde_json::json;
use zeroize::Zeroizing;

use crate::engine::oauth::{OAuthCode, OAuthFault};
use crate::mailbox::{OAuthOutcome, OAuthReply, Told};

/// An answer in JSON that nobody may keep (RFC 6749 §5.1).
pub(super) fn json(status: u16, body: &serde_json::Value, told: Told) -> OAuthReply {
    OAuthReply {
        status,
        fields: vec![
            ("Content-Type", "application/json".to_owned()),
            ("Cache-Control", "no-store".to_owned()),
            ("Pragma", "no-cache".to_owned()),
        ],
        body: Zeroizing::new(body.to_string().into_bytes()),
        told,
    }
}

/// A refusal of the token, registration or revocation endpoint (RFC 6749 §5.2).
pub(super) fn refusal(fault: OAuthFault) -> OAuthReply {
    let (status, outcome) = match fault.code {
        OAuthCode::InvalidClient => (401, OAuthOutcome::Denied),
        OAuthCode::InvalidGrant | OAuthCode::AccessDenied => (400, OAuthOutcome::Denied),
        OAuthCode::ServerError => (500, OAuthOutcome::Failed),
        OAuthCode::TemporarilyUnavailable => (503, OAuthOutcome::Failed),
        _ => (400, OAuthOutcome::Refused),
    };
    let body = json!({"error": fault.code.as_str(), "error_description": fault.description});
    let told = Told {
        outcome,
        identity: None,
        message: Some(fault.to_string().into()),
    };
    json(status, &body, told)
}

/// Sends the browser on to `url`, which is visible ASCII.
pub(super) fn redirect(url: &str, told: Told) -> OAuthReply {
    OAuthReply {
        status: 302,
        fields: vec![
            ("Location", url.to_owned()),
            ("Cache-Control", "no-store".to_owned()),
        ],
        body: Zeroizing::default(),
        told,
    }
}
