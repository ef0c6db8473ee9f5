//! Google's own ways.

use serde_json::{Value, json};

use crate::control::oauth::provider::testing::{Fake, Says, provider, secrets, signed};
use crate::control::oauth::provider::{ProviderFault, VouchFault, now_secs};

async fn google() -> Fake {
    let fake = Fake::start().await;
    says_id(&fake, "https://accounts.google.com", "acme.example");
    let userinfo = json!({"sub": "10769150350006150715113082367", "email": "ann@acme.example", "email_verified": true, "hd": "acme.example"});
    fake.says("/userinfo", Says::json(200, userinfo));
    fake.says("/tokeninfo", Says::json(200, info()));
    fake
}

fn says_id(fake: &Fake, iss: &str, domain: &str) {
    let claims = json!({
        "iss": iss,
        "azp": "the-client",
        "aud": "the-client",
        "sub": "10769150350006150715113082367",
        "hd": domain,
        "email": "ann@acme.example",
        "email_verified": true,
        "nonce": "the-nonce",
        "iat": now_secs(),
        "exp": now_secs() + 3600,
    });
    let answer = json!({
        "access_token": "ya29.the-access-token",
        "expires_in": 3599,
        "scope": "openid https://www.googleapis.com/auth/userinfo.email",
        "token_type": "Bearer",
        "id_token": signed(&claims),
    });
    fake.says("/token", Says::json(200, answer));
}

/// Numbers and truth are texts there.
fn info() -> Value {
    json!({
        "azp": "the-client",
        "aud": "the-client",
        "sub": "10769150350006150715113082367",
        "scope": "openid https://www.googleapis.com/auth/userinfo.email",
        "exp": (now_secs() + 100).to_string(),
        "expires_in": "100",
        "email": "ann@acme.example",
        "email_verified": "true",
        "access_type": "offline",
    })
}

fn keys(fake: &Fake, more: &str) -> String {
    let origin = fake.origin();
    format!(
        "provider = \"google\"\nclient_id = \"the-client\"\nclient_secret = \"the-secret\"\n\
         authorization_url = \"{origin}/auth\"\ntoken_url = \"{origin}/token\"\n\
         userinfo_url = \"{origin}/userinfo\"\nintrospection_url = \"{origin}/tokeninfo\"\n{more}"
    )
}

#[tokio::test(flavor = "current_thread")]
async fn the_issuer_may_be_named_without_its_scheme_and_no_other() {
    let fake = google().await;
    for (iss, is_good) in [
        ("https://accounts.google.com", true),
        ("accounts.google.com", true),
        ("http://accounts.google.com", false),
        ("https://accounts.google.com.evil.example", false),
    ] {
        says_id(&fake, iss, "acme.example");
        let (provider, _) = provider(&keys(&fake, "allowed_users = [\"*@acme.example\"]"));
        let outcome = provider.redeem("the-code", &secrets()).await;
        assert_eq!(outcome.is_ok(), is_good, "{iss}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_domain_is_a_claim_that_google_makes() {
    let fake = google().await;
    for (domain, may) in [("acme.example", true), ("evil.example", false)] {
        says_id(&fake, "https://accounts.google.com", domain);
        let (provider, _) = provider(&keys(&fake, "required_claims = { hd = \"acme.example\" }"));
        let outcome = provider.redeem("the-code", &secrets()).await;
        match may {
            true => assert_eq!(&*outcome.unwrap().user.id, "10769150350006150715113082367"),
            false => assert!(matches!(outcome, Err(ProviderFault::NotAllowed(_)))),
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_refresh_token_is_asked_for_unless_the_operator_said_otherwise() {
    let fake = google().await;
    let all = "allowed_users = [\"*\"]";
    let (plain, _) = provider(&keys(&fake, all));
    let url = plain.authorization_url(&secrets()).await.unwrap();
    assert!(
        url.contains("access_type=offline") && !url.contains("prompt="),
        "{url}"
    );
    let written = keys(&fake, all).replace("/auth\"", "/auth?access_type=online\"");
    let (written, _) = provider(&written);
    let url = written.authorization_url(&secrets()).await.unwrap();
    assert!(!url.contains("offline"), "{url}");
    let server = format!("{all}\n[auth.oauth.server]\nenabled = true");
    let (server, _) = provider(&keys(&fake, &server));
    let url = server.authorization_url(&secrets()).await.unwrap();
    assert!(url.contains("prompt=consent"), "{url}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_token_counts_where_it_was_issued_to_this_client() {
    let fake = google().await;
    let (provider, _) = provider(&keys(&fake, "allowed_users = [\"*@acme.example\"]"));
    let vouched = provider.vouch("ya29.token").await.unwrap();
    assert_eq!(&*vouched.user, "10769150350006150715113082367");
    assert_eq!(vouched.client_id.as_deref(), Some("the-client"));
    assert_eq!(vouched.expires_at_secs, Some(vouched.ask_again_at_secs));
    let [request] = &fake.received("/tokeninfo")[..] else {
        panic!("one request")
    };
    assert_eq!(request.field("authorization"), Some("Bearer ya29.token"));
    assert!(!request.line.contains("ya29"), "{}", request.line);
    assert!(
        fake.received("/userinfo").is_empty(),
        "tokeninfo says enough"
    );
    let changed = |name: &str, value: Value| {
        let mut info = info();
        info[name] = value;
        Says::json(200, info)
    };
    for says in [
        changed("aud", json!("other-client")),
        changed("aud", json!(["the-client"])),
        changed("exp", json!((now_secs() - 1).to_string())),
        changed("sub", Value::Null),
        Says::json(
            400,
            json!({"error": "invalid_token", "error_description": "Invalid Value"}),
        ),
    ] {
        let shown = format!("{says:?}");
        fake.says("/tokeninfo", says);
        let fault = provider.vouch("ya29.token").await.unwrap_err();
        assert!(matches!(fault, VouchFault::Inactive(_)), "{shown}: {fault}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn userinfo_is_asked_where_a_rule_needs_more() {
    let fake = google().await;
    let (provider, _) = provider(&keys(&fake, "required_claims = { hd = \"acme.example\" }"));
    assert!(provider.vouch("ya29.token").await.is_ok());
    let other = json!({"sub": "1", "hd": "acme.example"});
    fake.says("/userinfo", Says::json(200, other));
    let fault = provider.vouch("ya29.token").await.unwrap_err();
    assert!(matches!(fault, VouchFault::Inactive(_)), "{fault}");
}
