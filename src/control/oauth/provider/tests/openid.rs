//! Logins with a provider that speaks OpenID Connect.

use serde_json::{Value, json};

use crate::control::oauth::provider::testing::{Fake, Says, provider, secrets, signed};
use crate::control::oauth::provider::{LoggedIn, ProviderFault, now_secs};
use crate::metrics::{ProviderCall, ProviderResult};

pub(super) const DISCOVERY: &str = "/.well-known/openid-configuration";

/// A provider that says the truth, at an issuer of its own.
pub(super) async fn honest() -> Fake {
    let fake = Fake::start().await;
    let at = |path: &str| format!("{}{path}", fake.origin());
    fake.says(
        DISCOVERY,
        Says::json(
            200,
            json!({
                "issuer": fake.origin(),
                "authorization_endpoint": at("/authorize?tenant=a"),
                "token_endpoint": at("/token"),
                "userinfo_endpoint": at("/userinfo"),
                "introspection_endpoint": at("/introspect"),
                "authorization_response_iss_parameter_supported": true,
            }),
        ),
    );
    fake.says("/token", token_answer(&id_claims(&fake)));
    let userinfo = json!({
        "sub": "user|1",
        "name": "Ann",
        "email": "ann@Example.com",
        "email_verified": true,
        "groups": ["staff"],
    });
    fake.says("/userinfo", Says::json(200, userinfo));
    fake
}

pub(super) fn id_claims(fake: &Fake) -> Value {
    json!({
        "iss": fake.origin(),
        "sub": "user|1",
        "aud": "the-client",
        "exp": now_secs() + 300,
        "iat": now_secs(),
        "nonce": "the-nonce",
    })
}

fn token_answer(claims: &Value) -> Says {
    Says::json(
        200,
        json!({
            "access_token": "the-access-token",
            "refresh_token": "the-refresh-token",
            "token_type": "Bearer",
            "expires_in": 3600,
            "id_token": signed(claims),
            "scope": "openid email files:read",
        }),
    )
}

pub(super) fn keys(fake: &Fake, more: &str) -> String {
    format!(
        "provider = \"custom\"\nissuer = \"{}\"\nclient_id = \"the-client\"\nclient_secret = \"the secret/+\"\n{more}",
        fake.origin()
    )
}

/// What comes of a login under `more` keys.
async fn login(fake: &Fake, more: &str) -> Result<LoggedIn, ProviderFault> {
    let (provider, _) = provider(&keys(fake, more));
    provider.redeem("the-code", &secrets()).await
}

fn why(outcome: Result<LoggedIn, ProviderFault>) -> String {
    outcome.map(|in_| in_.user.id).unwrap_err().to_string()
}

fn parameters(url: &str) -> Vec<(String, String)> {
    let query = url.split_once('?').unwrap().1;
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

#[tokio::test(flavor = "current_thread")]
async fn the_browser_is_sent_with_everything_the_answer_is_held_against() {
    let fake = honest().await;
    let (provider, cells) = provider(&keys(&fake, "scopes = [\"openid\", \"email\"]"));
    let url = provider.authorization_url(&secrets()).await.unwrap();
    assert!(
        url.starts_with(&format!("{}/authorize?tenant=a&", fake.origin())),
        "{url}"
    );
    let found = parameters(&url);
    for (name, value) in [
        ("tenant", "a"),
        ("response_type", "code"),
        ("client_id", "the-client"),
        ("redirect_uri", "http://localhost:3000/oauth/callback"),
        ("scope", "openid email"),
        ("state", "the-state"),
        ("nonce", "the-nonce"),
        ("code_challenge_method", "S256"),
        // base64url(SHA-256(verifier)).
        (
            "code_challenge",
            "fcAJ_0a2JIbk18gerLh4LI5cemdqn00U226VQtxm_qs",
        ),
    ] {
        assert!(
            found.contains(&(name.to_owned(), value.to_owned())),
            "{name} {found:?}"
        );
    }
    provider.authorization_url(&secrets()).await.unwrap();
    assert_eq!(fake.received(DISCOVERY).len(), 1);
    assert_eq!(
        cells.requests(ProviderCall::Discovery, ProviderResult::Ok),
        1
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_login_is_redeemed_once_and_tells_who_it_is() {
    let fake = honest().await;
    let logged_in = login(
        &fake,
        "allowed_users = [\"*@EXAMPLE.com\"]\nscopes = [\"openid\"]",
    )
    .await
    .unwrap();
    assert_eq!(&*logged_in.user.id, "user|1");
    assert_eq!(logged_in.user.name.as_deref(), Some("Ann"));
    assert_eq!(logged_in.user.email.as_deref(), Some("ann@example.com"));
    assert_eq!(logged_in.scopes.join(" "), "openid email files:read");
    let [request] = &fake.received("/token")[..] else {
        panic!("one request")
    };
    // `the-client` and `the secret/+`, each escaped as a form is.
    assert_eq!(
        request.field("authorization"),
        Some("Basic dGhlLWNsaWVudDp0aGUrc2VjcmV0JTJGJTJC")
    );
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", "the-code"),
        ("redirect_uri", "http://localhost:3000/oauth/callback"),
        (
            "code_verifier",
            "the-verifier-the-verifier-the-verifier-1234",
        ),
    ] {
        assert_eq!(request.parameter(name).as_deref(), Some(value));
    }
    assert_eq!(request.parameter("client_secret"), None);
    let [request] = &fake.received("/userinfo")[..] else {
        panic!("one request")
    };
    assert_eq!(
        request.field("authorization"),
        Some("Bearer the-access-token")
    );
    let shown = format!("{logged_in:?} {:?}", provider(&keys(&fake, "")).0);
    for secret in ["access-token", "refresh-token", "the secret"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn an_id_token_that_is_not_of_this_login_is_refused() {
    let fake = honest().await;
    let now = now_secs();
    for (claim, value, told) in [
        ("iss", json!("https://evil.example"), "iss"),
        ("iss", json!(format!("{}/", fake.origin())), "iss"),
        ("iss", Value::Null, "iss"),
        ("aud", json!("other-client"), "aud"),
        ("aud", json!(["other-client"]), "aud"),
        ("aud", Value::Null, "aud"),
        ("aud", json!(["the-client", "other-client"]), "azp"),
        ("azp", json!("other-client"), "azp"),
        ("nonce", json!("another-nonce"), "nonce"),
        ("nonce", Value::Null, "nonce"),
        ("exp", json!(now - 3_600), "has expired, 360"),
        ("exp", json!(now - 61), "is this machine's clock right?"),
        ("exp", Value::Null, "exp"),
        ("iat", json!(now + 3_600), "from the future, by 3"),
        ("nbf", json!(now + 3_600), "is this machine's clock right?"),
        ("sub", Value::Null, "sub"),
        ("sub", json!(5), "sub"),
        ("sub", json!("user|2"), "another user"),
    ] {
        let mut claims = id_claims(&fake);
        claims[claim] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(claim);
        }
        fake.says("/token", token_answer(&claims));
        let told_here = why(login(&fake, "scopes = [\"openid\"]").await);
        assert!(told_here.contains(told), "{claim} {value}: {told_here}");
    }
    let mut claims = id_claims(&fake);
    claims["aud"] = json!(["the-client", "other-client"]);
    claims["azp"] = json!("the-client");
    fake.says("/token", token_answer(&claims));
    assert!(login(&fake, "scopes = [\"openid\"]").await.is_ok());
}

#[tokio::test(flavor = "current_thread")]
async fn an_answer_that_is_no_bearer_token_in_json_is_no_login() {
    let fake = honest().await;
    let good = signed(&id_claims(&fake));
    let repeated = format!(
        r#"{{"access_token":"a","token_type":"bearer","id_token":"{good}","id_token":"{good}"}}"#
    );
    let html = Says::Answer(200, "Content-Type: text/html\r\n".into(), "<p>".into());
    let form = Says::Answer(
        200,
        "Content-Type: application/x-www-form-urlencoded\r\n".into(),
        "access_token=a&token_type=bearer".into(),
    );
    for (says, told) in [
        (html, "not JSON"),
        (form, "not JSON"),
        (Says::json(200, repeated), "member twice"),
        (Says::json(200, "[]"), "token_type"),
        (
            Says::json(200, json!({"token_type": "bearer"})),
            "access_token",
        ),
        (
            Says::json(200, json!({"access_token": "a", "token_type": "mac"})),
            "Bearer",
        ),
        (
            Says::json(200, json!({"access_token": "a", "token_type": "bearer"})),
            "no ID token",
        ),
        (
            Says::json(
                200,
                json!({"access_token": "a", "token_type": "bearer", "id_token": "a.b"}),
            ),
            "not a signed token",
        ),
        (
            Says::json(302, "{}").with("Location: https://evil.example/x?token=1"),
            "redirect (302) to https://evil.example;",
        ),
        (
            Says::json(
                400,
                json!({"error": "invalid_grant", "error_description": "<b>"}),
            ),
            "refused: invalid_grant",
        ),
        (
            Says::json(401, json!({"error": "invalid_client"})),
            "refused client_id or client_secret (invalid_client); check",
        ),
        (
            Says::json(400, json!({"error": "<script>"})),
            "not a registered one",
        ),
        (Says::json(403, "{}"), "status 403"),
        (Says::json(503, "{}"), "status 503"),
        (Says::json(200, "x".repeat(300_000)), "exceeds 262144 bytes"),
    ] {
        fake.says("/token", says);
        let told_here = why(login(&fake, "scopes = [\"openid\"]").await);
        assert!(told_here.contains(told), "{told}: {told_here}");
        for secret in ["the-code", "the secret", "verifier", "<", "token=1"] {
            assert!(!told_here.contains(secret), "{told_here}");
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn who_may_come_in_is_asked_of_each_rule() {
    let fake = honest().await;
    for (rules, may) in [
        ("", true),
        ("allowed_users = [\"user|1\"]", true),
        ("allowed_users = [\"user|?\"]", true),
        ("allowed_users = [\"ann@example.com\"]", true),
        ("allowed_users = [\"Ann@example.com\"]", false),
        ("allowed_users = [\"*@example.org\"]", false),
        ("allowed_users = [\"user|2\"]", false),
        ("required_claims = { groups = \"staff\" }", true),
        ("required_claims = { groups = [\"x\", \"staff\"] }", true),
        ("required_claims = { groups = \"boss\" }", false),
        ("required_claims = { level = \"1\" }", false),
        (
            "allowed_users = [\"*\"]\nrequired_claims = { groups = \"boss\" }",
            false,
        ),
        (
            "allowed_users = [\"user|2\"]\nrequired_claims = { groups = \"staff\" }",
            false,
        ),
    ] {
        let outcome = login(&fake, &format!("scopes = [\"openid\"]\n{rules}")).await;
        match may {
            true => assert!(outcome.is_ok(), "{rules}"),
            false => assert!(
                matches!(outcome, Err(ProviderFault::NotAllowed(_))),
                "{rules}"
            ),
        }
    }
    let lies = json!({"sub": "user|1", "email": "ann@example.com", "email_verified": false});
    fake.says("/userinfo", Says::json(200, lies));
    let outcome = login(
        &fake,
        "scopes = [\"openid\"]\nallowed_users = [\"*@example.com\"]",
    )
    .await;
    assert!(
        matches!(outcome, Err(ProviderFault::NotAllowed(_))),
        "an unverified address"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_denial_names_what_was_compared() {
    let fake = honest().await;
    let rules = |rules: &str| format!("scopes = [\"openid\"]\n{rules}");
    let nobody = rules("allowed_users = [\"nobody\"]");
    for (rules, told) in [
        (
            nobody.clone(),
            "with the e-mail address \"ann@example.com\" is not",
        ),
        (
            rules("required_claims = { groups = \"boss\" }"),
            "claim \"groups\" of user \"user|1\" is not as auth.oauth.required_claims has it",
        ),
        (
            rules("required_claims = { teams = \"boss\" }"),
            "provider sent no claim \"teams\" of user \"user|1\"; a scope may be needed for it (auth.oauth.scopes)",
        ),
    ] {
        let said = why(login(&fake, &rules).await);
        assert!(said.contains(told), "{said}");
    }
    for (userinfo, told) in [
        (
            json!({"sub": "user|1", "email": "ann@Example.com", "email_verified": false}),
            "\"ann@example.com\" (not verified, so it does not count)",
        ),
        (
            json!({"sub": "user|1", "email": "a\nb@c"}),
            "without a verified",
        ),
        (
            json!({"sub": "user|1"}),
            "without a verified e-mail address",
        ),
    ] {
        fake.says("/userinfo", Says::json(200, userinfo));
        let said = why(login(&fake, &nobody).await);
        assert!(said.contains(told), "{said}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn userinfo_must_be_about_the_same_user_and_readable() {
    let fake = honest().await;
    for (says, told) in [
        (Says::json(200, json!({"sub": "user|2"})), "another user"),
        (Says::json(200, json!({"name": "Ann"})), "another user"),
        (Says::json(200, "[]"), "not a JSON object"),
        (
            Says::Answer(
                200,
                "Content-Type: application/jwt\r\n".into(),
                "a.b.c".into(),
            ),
            "not JSON",
        ),
        (Says::json(401, "{}"), "invalid_grant"),
        (Says::json(500, "{}"), "status 500"),
        (
            Says::json(307, "{}").with("Location: /elsewhere"),
            "redirect",
        ),
    ] {
        fake.says("/userinfo", says);
        let told_here = why(login(&fake, "scopes = [\"openid\"]").await);
        assert!(told_here.contains(told), "{told}: {told_here}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_public_client_and_one_that_posts_prove_themselves_as_they_can() {
    let fake = honest().await;
    let endpoints = |methods: Value| {
        let at = |path: &str| format!("{}{path}", fake.origin());
        let document = json!({
            "issuer": fake.origin(),
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "userinfo_endpoint": at("/userinfo"),
            "token_endpoint_auth_methods_supported": methods,
        });
        fake.says(DISCOVERY, Says::json(200, document));
    };
    endpoints(json!(["private_key_jwt", "client_secret_post"]));
    login(&fake, "scopes = [\"openid\"]").await.unwrap();
    let request = fake.received("/token").pop().unwrap();
    assert_eq!(request.field("authorization"), None);
    assert_eq!(
        request.parameter("client_secret").as_deref(),
        Some("the secret/+")
    );
    assert_eq!(
        request.parameter("client_id").as_deref(),
        Some("the-client")
    );
    let public = keys(&fake, "scopes = [\"openid\"]\nopaque_tokens = false")
        .replace("client_secret = \"the secret/+\"\n", "");
    let (public, _) = provider(&public);
    public.redeem("the-code", &secrets()).await.unwrap();
    let request = fake.received("/token").pop().unwrap();
    assert_eq!(request.field("authorization"), None);
    assert_eq!(request.parameter("client_secret"), None);
    assert_eq!(
        request.parameter("client_id").as_deref(),
        Some("the-client")
    );
}
