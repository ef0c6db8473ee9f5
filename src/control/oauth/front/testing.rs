//! What tests of the front channel begin with.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::{IpAddr, Ipv4Addr};

use zeroize::Zeroizing;

use super::pending::ClientErrand;
use crate::engine::admission::Verb;
use crate::engine::oauth::{
    AuthorizationRequest, Challenge, ClientOrigin, OAuthEndpoint, RedirectUri,
};
use crate::mailbox::OAuthRequest;

/// A request of a browser without cookies.
pub(super) fn request(endpoint: OAuthEndpoint) -> OAuthRequest {
    OAuthRequest {
        endpoint,
        verb: Verb::Get,
        query: Box::default(),
        body: Zeroizing::default(),
        content_type: None,
        cookie: None,
        authorization: None,
        origin: None,
        fetch_site: None,
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
    }
}

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
