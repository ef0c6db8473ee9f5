//! Clients that register themselves.

use serde_json::json;

use super::{REDIRECT, bench, body, check_refused, field, post};
use crate::control::oauth::back::register;
use crate::control::oauth::testing::{Bench, config};
use crate::engine::limits::OAUTH_REGISTRATIONS_PER_ADDRESS_BURST;
use crate::engine::oauth::OAuthEndpoint;
use crate::mailbox::{OAuthReply, OAuthRequest};

fn registration(method: &str) -> OAuthRequest {
    let metadata = json!({
        "redirect_uris": [REDIRECT],
        "client_name": "Some editor",
        "token_endpoint_auth_method": method,
        "grant_types": ["authorization_code", "refresh_token"],
    });
    OAuthRequest {
        endpoint: OAuthEndpoint::Register,
        body: metadata.to_string().into_bytes().into(),
        ..post(&[])
    }
}

async fn registered(bench: &Bench, method: &str) -> OAuthReply {
    register(bench, &registration(method)).await
}

#[tokio::test(flavor = "current_thread")]
async fn a_client_that_registers_is_known_with_the_secret_that_it_was_told() {
    let bench = bench().await;
    for (method, has_secret) in [
        ("none", false),
        ("client_secret_basic", true),
        ("client_secret_post", true),
    ] {
        let reply = registered(&bench, method).await;
        assert_eq!(reply.status, 201, "{:?}", reply.told);
        assert_eq!(field(&reply, "Cache-Control"), Some("no-store"));
        let answer = body(&reply);
        let secret = answer.get("client_secret");
        assert_eq!(secret.is_some(), has_secret, "{method}");
        let id = answer["client_id"].as_str().unwrap();
        let kept = bench.store.client(id).await.unwrap().unwrap();
        assert_eq!(kept.auth_method.as_str(), method);
        assert!(!format!("{reply:?} {kept:?}").contains("mcpg_client_"));
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_cannot_be_registered_is_refused_and_not_counted() {
    let bench = bench().await;
    for _ in 0..=OAUTH_REGISTRATIONS_PER_ADDRESS_BURST {
        let mut request = registration("none");
        request.body = b"{\"redirect_uris\":[\"javascript:alert(1)\"]}"
            .to_vec()
            .into();
        let reply = register(&bench, &request).await;
        check_refused("redirect", &reply, 400, "invalid_redirect_uri");
        let reply = registered(&bench, "private_key_jwt").await;
        check_refused("method", &reply, 400, "invalid_client_metadata");
    }
    assert_eq!(registered(&bench, "none").await.status, 201);
}

#[tokio::test(flavor = "current_thread")]
async fn a_flood_of_registrations_is_stopped() {
    let bench = bench().await;
    for _ in 0..OAUTH_REGISTRATIONS_PER_ADDRESS_BURST {
        assert_eq!(registered(&bench, "none").await.status, 201);
    }
    let known = bench.store.counts().await.unwrap().clients;
    let flooded = registered(&bench, "none").await;
    check_refused("flood", &flooded, 429, "temporarily_unavailable");
    let after = field(&flooded, "Retry-After").unwrap();
    assert!(after.parse::<u32>().unwrap() > 0);
    assert_eq!(bench.store.counts().await.unwrap().clients, known);
    let mut elsewhere = registration("none");
    elsewhere.client = "192.0.2.7".parse().unwrap();
    assert_eq!(register(&bench, &elsewhere).await.status, 201);
}

#[tokio::test(flavor = "current_thread")]
async fn where_it_is_off_nobody_registers() {
    let mut config = config();
    config.server.as_mut().unwrap().dynamic_registration = false;
    let bench = Bench::start(config, Vec::new()).await;
    let refused = registered(&bench, "none").await;
    check_refused("off", &refused, 403, "access_denied");
    assert_eq!(bench.store.counts().await.unwrap().clients, 0);
}
