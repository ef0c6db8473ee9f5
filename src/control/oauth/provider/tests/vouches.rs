//! Opaque tokens by RFC 7662.

use serde_json::{Value, json};

use super::openid::{honest, keys};
use crate::control::oauth::provider::testing::{Fake, Says, provider};
use crate::control::oauth::provider::{VouchFault, now_secs};
use crate::engine::identity::opaque::Vouched;

fn active(fake: &Fake) -> Value {
    json!({
        "active": true,
        "iss": fake.origin(),
        "sub": "user|1",
        "aud": ["https://gw.example/mcp", "other"],
        "client_id": "a-client",
        "scope": "files:read files:write",
        "token_type": "Bearer",
        "exp": now_secs() + 1_000,
    })
}

async fn vouch(fake: &Fake, more: &str) -> Result<Vouched, VouchFault> {
    provider(&keys(fake, more)).0.vouch("opaque+/=token").await
}

#[tokio::test(flavor = "current_thread")]
async fn what_the_provider_says_is_passed_on() {
    let fake = honest().await;
    fake.says("/introspect", Says::json(200, active(&fake)));
    let before = now_secs();
    let vouched = vouch(&fake, "token_cache_ttl_secs = 300").await.unwrap();
    assert_eq!(&*vouched.user, "user|1");
    assert_eq!(vouched.scopes.join(" "), "files:read files:write");
    assert_eq!(vouched.audiences.join(" "), "https://gw.example/mcp other");
    assert_eq!(vouched.client_id.as_deref(), Some("a-client"));
    assert!((before + 300..before + 310).contains(&vouched.ask_again_at_secs));
    let [request] = &fake.received("/introspect")[..] else {
        panic!("one request")
    };
    assert_eq!(
        request.parameter("token").as_deref(),
        Some("opaque+/=token")
    );
    assert_eq!(
        request.parameter("token_type_hint").as_deref(),
        Some("access_token")
    );
    assert!(
        request
            .field("authorization")
            .unwrap()
            .starts_with("Basic ")
    );
    assert!(fake.received("/userinfo").is_empty());
    // Never beyond the token's own end.
    let mut short = active(&fake);
    short["exp"] = json!(now_secs() + 5);
    fake.says("/introspect", Says::json(200, &short));
    let vouched = vouch(&fake, "").await.unwrap();
    assert_eq!(Some(vouched.ask_again_at_secs), vouched.expires_at_secs);
}

#[tokio::test(flavor = "current_thread")]
async fn only_an_access_token_in_force_of_this_issuer_counts() {
    let fake = honest().await;
    let now = now_secs();
    for (name, value) in [
        ("active", json!(false)),
        ("iss", json!("https://evil.example")),
        ("exp", json!(now)),
        ("nbf", json!(now + 3_600)),
        ("sub", Value::Null),
        ("sub", json!("a\nb")),
        ("cnf", json!({"jkt": "a"})),
        ("token_type", json!("DPoP")),
        ("token_type", json!("refresh_token")),
        ("typ", json!("Refresh")),
        ("typ", json!("ID")),
        ("token_use", json!("refresh_token")),
    ] {
        let mut said = active(&fake);
        said[name] = value.clone();
        fake.says("/introspect", Says::json(200, said));
        let fault = vouch(&fake, "").await.unwrap_err();
        assert!(
            matches!(fault, VouchFault::Inactive(_)),
            "{name} {value}: {fault}"
        );
    }
}

#[tokio::test(flavor = "current_thread")]
async fn an_answer_that_says_nothing_clear_is_none() {
    let fake = honest().await;
    let changed = |name: &str, value: Value| {
        let mut said = active(&fake);
        said[name] = value;
        Says::json(200, said)
    };
    let repeated = r#"{"active":false,"active":true,"sub":"user|1"}"#;
    for says in [
        changed("active", json!("true")),
        changed("active", json!(1)),
        changed("active", Value::Null),
        changed("exp", json!("soon")),
        Says::json(200, repeated),
        Says::json(200, "[true]"),
        Says::json(200, "{}"),
        Says::json(401, json!({"error": "invalid_client"})),
        Says::json(404, "{}"),
        Says::json(429, "{}"),
        Says::json(500, active(&fake)),
        Says::json(307, active(&fake)).with("Location: https://evil.example/"),
        Says::Answer(200, String::new(), active(&fake).to_string()),
    ] {
        let shown = format!("{says:?}");
        fake.says("/introspect", says);
        let fault = vouch(&fake, "").await.unwrap_err();
        assert!(
            matches!(fault, VouchFault::Unavailable(_)),
            "{shown}: {fault}"
        );
        assert!(!fault.to_string().contains("opaque"), "{fault}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn who_may_come_in_holds_for_tokens_too() {
    let fake = honest().await;
    fake.says("/introspect", Says::json(200, active(&fake)));
    for (rules, may) in [
        ("allowed_users = [\"user|1\"]", true),
        ("allowed_users = [\"*@example.com\"]", true),
        ("allowed_users = [\"*@example.org\"]", false),
        ("required_claims = { groups = \"staff\" }", true),
        ("required_claims = { groups = \"boss\" }", false),
    ] {
        let outcome = vouch(&fake, rules).await;
        match may {
            true => assert!(outcome.is_ok(), "{rules} {outcome:?}"),
            false => assert!(matches!(outcome, Err(VouchFault::NotAllowed(_))), "{rules}"),
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_token_that_was_not_given_for_this_is_no_provider_that_is_down() {
    let fake = honest().await;
    fake.says("/introspect", Says::json(200, active(&fake)));
    let rules = "allowed_users = [\"*@example.com\"]";
    for status in [400, 401, 403] {
        fake.says("/userinfo", Says::json(status, "{}"));
        let fault = vouch(&fake, rules).await.unwrap_err();
        let is_unavailable = matches!(fault, VouchFault::Unavailable(_));
        assert!(!is_unavailable, "{status}: {fault}");
    }
    fake.says("/userinfo", Says::json(503, "{}"));
    let fault = vouch(&fake, rules).await.unwrap_err();
    assert!(matches!(fault, VouchFault::Unavailable(_)), "{fault}");
    for (error, is_about_it) in [("invalid_token", true), ("invalid_client", false)] {
        fake.says("/introspect", Says::json(400, json!({"error": error})));
        let fault = vouch(&fake, "").await.unwrap_err();
        let is_inactive = matches!(fault, VouchFault::Inactive(_));
        assert_eq!(is_inactive, is_about_it, "{error}: {fault}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn without_introspection_nobody_vouches() {
    let fake = honest().await;
    let endpoints = format!(
        "authorization_url = \"{0}/authorize\"\ntoken_url = \"{0}/token\"\nuserinfo_url = \"{0}/userinfo\"\nopaque_tokens = false",
        fake.origin()
    );
    let fault = vouch(&fake, &endpoints).await.unwrap_err();
    assert!(matches!(fault, VouchFault::Unavailable(_)), "{fault}");
    assert!(
        fake.received("/userinfo").is_empty(),
        "userinfo answers for tokens of every client"
    );
}
