//! What tests of the front channel begin with.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::pending::ClientErrand;
use crate::engine::oauth::{AuthorizationRequest, Challenge, ClientOrigin, RedirectUri};

/// What a client that the operator set up asks for.
pub(super) fn client_errand(redirect_uri: &str) -> ClientErrand {
    ClientErrand {
        name: "Editor".into(),
        origin: ClientOrigin::Configured,
        request: AuthorizationRequest {
            client_id: "editor".into(),
            redirect_uri: RedirectUri::parse(redirect_uri).unwrap(),
            state: None,
            challenge: Challenge::from_bytes([0; 32]),
            audience: "https://gw.example/mcp".into(),
            scopes: vec!["files:read".into()],
        },
    }
}
