#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use serde_json::Value;

use super::OAuthService;
use crate::config::Config;
use crate::control::oauth::assemble::SetupError;
use crate::control::oauth::context::Context;
use crate::control::oauth::front::Pendings;
use crate::control::oauth::testing::asked;
use crate::control::testing::{load, servers, shared, text};
use crate::control::tls::now_secs;
use crate::engine::identity::jwt::{KeyState, SourceId};
use crate::engine::oauth::{Consent, OAuthEndpoint};
use crate::mailbox::Shared;

fn without() -> String {
    text("", &servers(&[("a", 1, "")]))
}

fn with(store: &Path, more: &str) -> Config {
    let provider = "[auth.oauth]\nprovider = \"github\"\nclient_secret = \"s\"\nallowed_users = [\"1\"]\nallowed_tools = [\"*\"]\n";
    load(&text(
        "public_url = \"http://localhost:3000\"",
        &format!(
            "{provider}store_path = {store:?}\n{more}\n{}",
            servers(&[("a", 1, "")])
        ),
    ))
}

const CLIENT: &str = "client_id = \"x\"\n[auth.oauth.server]\nenabled = true";

fn own_keys(shared: &Shared) -> usize {
    match shared.live.load().keys.state(SourceId::own()) {
        KeyState::Ready(set) => set.len(),
        KeyState::Missing => 0,
    }
}

async fn put(service: &Arc<OAuthService>, config: &Config) {
    let prepared = service.prepare(config).await.unwrap();
    service.put_in_force(prepared);
}

fn pendings(service: &OAuthService) -> Arc<Pendings> {
    Arc::clone(&service.context.load_full().unwrap().pendings)
}

#[tokio::test(flavor = "current_thread")]
async fn keys_and_endpoints_come_and_go_with_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let (shared, config) = (
        shared(&without(), 1),
        with(&folder.path().join("s"), CLIENT),
    );
    let service = OAuthService::new(Arc::clone(&shared));
    let metadata = asked(OAuthEndpoint::ServerMetadata);
    assert_eq!(service.answer(&metadata).await.status, 503);
    assert_eq!(
        (service.report().await, own_keys(&shared)),
        (Value::Null, 0)
    );
    let prepared = service.prepare(&config).await.unwrap();
    assert_eq!(own_keys(&shared), 0, "nothing is in force before its time");
    service.put_in_force(prepared);
    assert_eq!(
        (own_keys(&shared), service.answer(&metadata).await.status),
        (1, 200)
    );
    let report = service.report().await;
    assert_eq!(
        (&report["provider"], &report["grants"]),
        (&"github".into(), &0.into())
    );
    assert_eq!(report["keys"][0]["signs"], true);
    put(&service, &load(&without())).await;
    assert_eq!(
        (own_keys(&shared), service.answer(&metadata).await.status),
        (0, 503)
    );
    put(&service, &config).await;
    assert_eq!(own_keys(&shared), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn keys_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let config = with(&folder.path().join("s"), CLIENT);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let service = OAuthService::new(shared(&without(), 1));
        put(&service, &config).await;
        let jwks = service.answer(&asked(OAuthEndpoint::Jwks)).await;
        seen.push(jwks.body.to_vec());
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test(flavor = "current_thread")]
async fn a_store_that_cannot_be_opened_says_which_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let shared = shared(&without(), 1);
    let service = OAuthService::new(Arc::clone(&shared));
    let missing = folder.path().join("missing/s");
    let error = service.prepare(&with(&missing, CLIENT)).await.unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("missing/s") && said.contains("auth.oauth.store_path"),
        "{said}"
    );
    assert_eq!(own_keys(&shared), 0);
    let path = folder.path().join("s");
    put(&service, &with(&path, CLIENT)).await;
    let other = OAuthService::new(Arc::clone(&shared));
    let error = other.prepare(&with(&path, CLIENT)).await.unwrap_err();
    assert!(
        error.to_string().contains("another gateway uses"),
        "{error}"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn logins_on_their_way_go_on_unless_they_are_at_another_provider_now() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let service = OAuthService::new(shared(&without(), 1));
    put(&service, &with(&path, CLIENT)).await;
    let before = pendings(&service);
    put(&service, &with(&path, &format!("rate_limit = 9\n{CLIENT}"))).await;
    assert!(Arc::ptr_eq(&before, &pendings(&service)));
    let another = CLIENT.replace("\"x\"", "\"y\"");
    put(&service, &with(&path, &another)).await;
    assert!(!Arc::ptr_eq(&before, &pendings(&service)));
    assert_eq!(before.sweep(Instant::now()), 0);
}

#[tokio::test(flavor = "current_thread")]
async fn nobody_logs_in_as_a_user_of_what_was_configured_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let service = OAuthService::new(shared(&without(), 1));
    put(&service, &with(&path, CLIENT)).await;
    let first = service.context.load_full().unwrap();
    put(&service, &with(&path, &format!("rate_limit = 9\n{CLIENT}"))).await;
    let second = service.context.load_full().unwrap();
    let other = format!("user_id_claim = \"node_id\"\n{CLIENT}");
    put(&service, &with(&path, &other)).await;
    // Whoever waits on a page has logged in already, and under the former claim.
    assert!(!Arc::ptr_eq(&second.pendings, &pendings(&service)));
    let is_over = |context: &Context| context.is_over.load(Relaxed);
    assert!(is_over(&first) && is_over(&second));
    assert!(!is_over(&service.context.load_full().unwrap()));
}

#[tokio::test(flavor = "current_thread")]
async fn users_of_one_place_are_not_those_of_another_that_is_called_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let service = OAuthService::new(shared(&without(), 1));
    let mut seen = Vec::new();
    for host in ["https://github.com", "https://ghe.example"] {
        let config = match host {
            "https://github.com" => with(&path, CLIENT),
            _ => with(
                &path,
                &format!(
                    "authorization_url = \"{host}/login/oauth/authorize\"\ntoken_url = \"{host}/login/oauth/access_token\"\nuserinfo_url = \"{host}/api/v3/user\"\n{CLIENT}"
                ),
            ),
        };
        put(&service, &config).await;
        let jwks = service.answer(&asked(OAuthEndpoint::Jwks)).await;
        seen.push(jwks.body.to_vec());
    }
    assert_ne!(
        seen[0], seen[1],
        "tokens of the one would be good at the other"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn another_providers_users_stop_a_start_and_a_reload_and_nobody_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let claimed = |claim: &str| with(&path, &format!("user_id_claim = {claim:?}\n{CLIENT}"));
    let service = OAuthService::new(shared(&without(), 1));
    // Nobody has logged in yet: whatever stood there by mistake is no reason to stop.
    put(&service, &claimed("login")).await;
    put(&service, &claimed("id")).await;
    let context = service.context.load_full().unwrap();
    let consent = Consent {
        redirect_uri: "https://app.example/cb".into(),
        audience: "https://app.example".into(),
        scopes: Vec::new(),
        given_at_secs: now_secs(),
    };
    let remembered = context.store.remember("583231", "app", consent).await;
    remembered.unwrap();
    let refused = |error: SetupError| {
        let said = error.to_string();
        for fact in [
            path.to_str().unwrap(),
            "has users of \"github\" at \"https://github.com/login/oauth\" by their \"id\";",
            "for users of \"github\" at \"https://github.com/login/oauth\" by their \"login\":",
            "put the former provider, issuer, userinfo_url and user_id_claim back",
            "another auth.oauth.store_path",
            "everybody logs in again",
        ] {
            assert!(said.contains(fact), "{fact}: {said}");
        }
    };
    refused(service.prepare(&claimed("login")).await.unwrap_err());
    assert!(!context.is_over.load(Relaxed), "what is in force goes on");
    drop((service, context));
    let service = OAuthService::new(shared(&without(), 1));
    refused(service.prepare(&claimed("login")).await.unwrap_err());
    put(&service, &claimed("id")).await;
    let context = service.context.load_full().unwrap();
    let kept = context.store.consents("583231", "app").await.unwrap();
    assert_eq!(kept.len(), 1);
}
