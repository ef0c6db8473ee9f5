//! The provider's metadata, and answers that say whose they are.

use std::time::Duration;

use serde_json::json;

use super::openid::{DISCOVERY, honest, keys};
use crate::control::oauth::provider::testing::{Fake, Says, provider, secrets};
use crate::control::oauth::provider::{Provider, ProviderFault};
use crate::metrics::{ProviderCall, ProviderResult};

#[tokio::test(flavor = "current_thread")]
async fn metadata_must_be_of_the_issuer_that_was_asked() {
    for (document, told) in [
        (
            json!({"issuer": "https://evil.example"}),
            "issuer of the document",
        ),
        (json!({}), "issuer of the document"),
        (
            json!({"issuer": "ISSUER", "token_endpoint": "http://192.0.2.1/t"}),
            "token_endpoint",
        ),
        (
            json!({"issuer": "ISSUER", "authorization_endpoint": "javascript:alert(1)"}),
            "authorization_endpoint",
        ),
        (
            json!({"issuer": "ISSUER", "userinfo_endpoint": 5}),
            "userinfo_endpoint",
        ),
        (json!({"issuer": "ISSUER"}), "no authorization endpoint"),
    ] {
        let fake = Fake::start().await;
        let text = document.to_string().replace("ISSUER", &fake.origin());
        fake.says(DISCOVERY, Says::json(200, text));
        let (provider, _) = provider(&keys(&fake, ""));
        let fault = provider.authorization_url(&secrets()).await.unwrap_err();
        assert!(matches!(fault, ProviderFault::Unavailable(_)), "{fault}");
        assert!(fault.to_string().contains(told), "{told}: {fault}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn metadata_are_looked_for_at_both_places_and_fetched_once_for_all() {
    let fake = Fake::start().await;
    let path = "/.well-known/oauth-authorization-server";
    let document = json!({
        "issuer": fake.origin(),
        "authorization_endpoint": format!("{}/a", fake.origin()),
        "token_endpoint": format!("{}/t", fake.origin()),
    });
    let late = Says::Late(
        Duration::from_millis(100),
        Box::new(Says::json(200, document)),
    );
    fake.says(path, late);
    let (provider, _) = provider(&keys(&fake, ""));
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let provider = provider.clone();
        asked.spawn(async move { provider.authorization_url(&secrets()).await.is_ok() });
    }
    assert!(asked.join_all().await.into_iter().all(|is_ok| is_ok));
    assert_eq!(
        (fake.received(DISCOVERY).len(), fake.received(path).len()),
        (1, 1)
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_provider_that_is_down_is_not_asked_by_everybody() {
    let fake = Fake::start().await;
    fake.says(DISCOVERY, Says::json(503, "{}"));
    let (provider, cells) = provider(&keys(&fake, ""));
    for _ in 0..10 {
        let fault = provider.authorization_url(&secrets()).await.unwrap_err();
        assert!(fault.to_string().contains("status 503"), "{fault}");
    }
    assert_eq!(fake.received(DISCOVERY).len(), 1);
    assert_eq!(
        cells.requests(ProviderCall::Discovery, ProviderResult::Down),
        1
    );
}

#[tokio::test(flavor = "current_thread")]
async fn an_answer_of_another_issuer_is_refused() {
    let fake = honest().await;
    let origin = fake.origin();
    let check = |provider: &Provider, iss: Option<&str>| provider.check_issuer(iss).is_ok();
    let (knowing, _) = provider(&keys(&fake, ""));
    // Nobody knows yet whether the provider names itself.
    assert!(!check(&knowing, None));
    knowing.authorization_url(&secrets()).await.unwrap();
    assert!(!check(&knowing, None), "it promised to");
    for (iss, is_good) in [
        (origin.as_str(), true),
        (&format!("{origin}/"), false),
        (&origin.to_uppercase(), false),
        ("https://evil.example", false),
        ("", false),
    ] {
        assert_eq!(check(&knowing, Some(iss)), is_good, "{iss}");
    }
    let endpoints = format!(
        "authorization_url = \"{origin}/a\"\ntoken_url = \"{origin}/t\"\nuserinfo_url = \"{origin}/u\"\nopaque_tokens = false"
    );
    let (written, _) = provider(&keys(&fake, &endpoints));
    assert!(check(&written, None) && check(&written, Some(&origin)));
    assert!(!check(&written, Some("https://evil.example")));
}
