//! GitHub's own ways.

use serde_json::{Value, json};

use crate::control::oauth::provider::testing::{Fake, Says, provider, secrets};
use crate::control::oauth::provider::{LoggedIn, ProviderFault, VouchFault};
use crate::engine::identity::opaque::Vouched;

const CHECK: &str = "/api/v3/applications/the-client/token";
const TOKEN: &str = "gho_the-access-token";

async fn github() -> Fake {
    let fake = Fake::start().await;
    let answer = json!({
        "access_token": TOKEN,
        "token_type": "bearer",
        "scope": "read:user,user:email",
    });
    fake.says("/login/oauth/access_token", Says::json(200, answer));
    says_user(&fake, "read:org, user");
    let addresses = json!([
        {"email": "other@example.org", "primary": false, "verified": true, "visibility": null},
        {"email": "octo@Example.com", "primary": true, "verified": true, "visibility": "private"},
    ]);
    fake.says("/api/v3/user/emails", Says::json(200, addresses));
    let membership =
        json!({"state": "active", "role": "member", "organization": {"login": "Acme"}});
    fake.says(
        "/api/v3/user/memberships/orgs/acme",
        Says::json(200, membership),
    );
    fake.says(CHECK, Says::json(200, checked()));
    fake
}

fn says_user(fake: &Fake, scopes: &str) {
    let user = json!({
        "login": "octocat",
        "id": 583_231,
        "name": "Octo",
        "email": "boss@acme.example",
        "email_verified": true,
        "company": "@github",
    });
    let says = Says::json(200, user).with(&format!("X-OAuth-Scopes: {scopes}"));
    fake.says("/api/v3/user", says);
}

fn checked() -> Value {
    json!({
        "id": 1,
        "app": {"name": "gateway", "client_id": "the-client", "url": "https://gw.example"},
        "scopes": ["user:email", "read:org"],
        "expires_at": null,
        "user": {"login": "octocat", "id": 583_231, "type": "User"},
    })
}

fn keys(fake: &Fake, more: &str) -> String {
    let origin = fake.origin();
    format!(
        "provider = \"github\"\nclient_id = \"the-client\"\nclient_secret = \"the-secret\"\n\
         authorization_url = \"{origin}/login/oauth/authorize\"\ntoken_url = \"{origin}/login/oauth/access_token\"\n\
         userinfo_url = \"{origin}/api/v3/user\"\n{more}"
    )
}

async fn login(fake: &Fake, more: &str) -> Result<LoggedIn, ProviderFault> {
    provider(&keys(fake, more))
        .0
        .redeem("the-code", &secrets())
        .await
}

async fn vouch(fake: &Fake, more: &str, token: &str) -> Result<Vouched, VouchFault> {
    provider(&keys(fake, more)).0.vouch(token).await
}

#[tokio::test(flavor = "current_thread")]
async fn a_login_is_by_number_with_the_scopes_that_the_token_has() {
    let fake = github().await;
    let logged_in = login(&fake, "allowed_users = [\"583231\"]").await.unwrap();
    assert_eq!(&*logged_in.user.id, "583231");
    assert_eq!(logged_in.user.name.as_deref(), Some("Octo"));
    assert_eq!(logged_in.user.email.as_deref(), Some("octo@example.com"));
    assert_eq!(
        logged_in.scopes.join(" "),
        "read:org user read:user user:email user:follow"
    );
    let [request] = &fake.received("/login/oauth/access_token")[..] else {
        panic!("one request")
    };
    assert_eq!(request.field("accept"), Some("application/json"));
    assert_eq!(
        request.parameter("client_secret").as_deref(),
        Some("the-secret")
    );
    assert!(request.parameter("code_verifier").is_some());
    let [request] = &fake.received("/api/v3/user")[..] else {
        panic!("one request")
    };
    assert_eq!(
        request.field("authorization"),
        Some("Bearer gho_the-access-token")
    );
    assert!(request.field("user-agent").is_some());
}

#[tokio::test(flavor = "current_thread")]
async fn an_error_with_status_200_is_a_refusal() {
    let fake = github().await;
    let refused = ProviderFault::Refused;
    for (error, expected) in [
        ("bad_verification_code", refused("invalid_grant")),
        (
            "incorrect_client_credentials",
            ProviderFault::ClientRefused("invalid_client"),
        ),
        ("unverified_user_email", refused("access_denied")),
    ] {
        let answer = json!({"error": error, "error_description": "d", "error_uri": "u"});
        fake.says("/login/oauth/access_token", Says::json(200, answer));
        let fault = login(&fake, "allowed_users = [\"*\"]").await.unwrap_err();
        assert_eq!(fault, expected);
    }
    // Without the Accept field GitHub answers so.
    let form = Says::Answer(
        200,
        "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n".into(),
        format!("access_token={TOKEN}&token_type=bearer"),
    );
    fake.says("/login/oauth/access_token", form);
    assert!(login(&fake, "allowed_users = [\"*\"]").await.is_err());
}

#[tokio::test(flavor = "current_thread")]
async fn a_user_is_named_by_number_or_by_primary_verified_address_and_never_by_login() {
    let fake = github().await;
    for (rules, may) in [
        ("allowed_users = [\"583231\"]", true),
        ("allowed_users = [\"octoca?\"]", false),
        ("allowed_users = [\"*@example.com\"]", true),
        ("allowed_users = [\"*@example.org\"]", false),
        // What the profile says is what its owner wrote.
        ("allowed_users = [\"*@acme.example\"]", false),
        ("allowed_users = [\"583232\"]", false),
        ("allowed_organizations = [\"acme\"]", true),
        ("allowed_organizations = [\"other\", \"ACME\"]", true),
        ("allowed_organizations = [\"other\"]", false),
        (
            "allowed_users = [\"0\"]\nallowed_organizations = [\"acme\"]",
            false,
        ),
        ("required_claims = { company = \"@github\" }", true),
    ] {
        let outcome = login(&fake, rules).await;
        match may {
            true => assert!(outcome.is_ok(), "{rules} {outcome:?}"),
            false => assert!(
                matches!(outcome, Err(ProviderFault::NotAllowed(_))),
                "{rules}"
            ),
        }
    }
    let addresses = json!([{"email": "octo@example.com", "primary": true, "verified": false}]);
    fake.says("/api/v3/user/emails", Says::json(200, addresses));
    let outcome = login(&fake, "allowed_users = [\"*@example.com\"]").await;
    assert!(matches!(outcome, Err(ProviderFault::NotAllowed(_))));
}

#[tokio::test(flavor = "current_thread")]
async fn a_membership_counts_once_it_is_accepted() {
    let fake = github().await;
    let path = "/api/v3/user/memberships/orgs/acme";
    let membership =
        |state: &str, login: &str| json!({"state": state, "organization": {"login": login}});
    for (says, told) in [
        (
            Says::json(200, membership("pending", "acme")),
            "(acme: has not accepted the invitation)",
        ),
        (
            Says::json(200, membership("active", "other")),
            "(acme: answer is not about an active member)",
        ),
        (Says::json(404, "{}"), "(acme: not a member (status 404))"),
        (Says::json(403, "{}"), "(acme: status 403); GitHub does not"),
        (Says::json(403, "{}"), "let the organization approve"),
        (Says::json(200, "{}"), "member of none"),
        (Says::json(502, "{}"), "status 502"),
    ] {
        fake.says(path, says);
        let fault = login(&fake, "allowed_organizations = [\"acme\"]")
            .await
            .unwrap_err();
        assert!(fault.to_string().contains(told), "{fault}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn addresses_are_not_asked_for_without_the_scope() {
    let fake = github().await;
    says_user(&fake, "read:user");
    let logged_in = login(&fake, "allowed_users = [\"*\"]").await.unwrap();
    assert_eq!(logged_in.user.email, None);
    assert!(fake.received("/api/v3/user/emails").is_empty());
}

#[tokio::test(flavor = "current_thread")]
async fn a_token_is_vouched_for_where_it_was_issued_to_this_application() {
    let fake = github().await;
    let vouched = vouch(&fake, "allowed_users = [\"583231\"]", TOKEN)
        .await
        .unwrap();
    assert_eq!(&*vouched.user, "583231");
    assert_eq!(vouched.client_id.as_deref(), Some("the-client"));
    assert_eq!(vouched.expires_at_secs, None);
    assert!(vouched.scopes.iter().any(|scope| &**scope == "read:org"));
    let [request] = &fake.received(CHECK)[..] else {
        panic!("one request")
    };
    assert!(request.line.starts_with("POST "));
    assert_eq!(
        request.field("authorization"),
        Some("Basic dGhlLWNsaWVudDp0aGUtc2VjcmV0")
    );
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(body, json!({"access_token": TOKEN}));
    assert!(
        fake.received("/api/v3/user").is_empty(),
        "the check says enough"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_no_token_of_this_application_is_inactive() {
    let fake = github().await;
    let all = "allowed_users = [\"*\"]";
    for token in ["ghp_abc", "github_pat_abc", "ghs_abc", "anything"] {
        let fault = vouch(&fake, all, token).await.unwrap_err();
        assert!(matches!(fault, VouchFault::Inactive(_)), "{token}");
    }
    assert!(fake.received(CHECK).is_empty(), "it was sent nowhere");
    let changed = |change: fn(&mut Value)| {
        let mut checked = checked();
        change(&mut checked);
        Says::json(200, checked)
    };
    for (says, is_inactive) in [
        (Says::json(404, json!({"message": "Not Found"})), true),
        (Says::json(422, "{}"), true),
        (
            changed(|checked| checked["app"]["client_id"] = json!("other")),
            true,
        ),
        (changed(|checked| checked["app"] = Value::Null), true),
        (changed(|checked| checked["user"] = Value::Null), true),
        (
            changed(|checked| checked["expires_at"] = json!("2020-01-01T00:00:00Z")),
            true,
        ),
        (
            changed(|checked| checked["expires_at"] = json!("soon")),
            false,
        ),
        (Says::json(401, "{}"), false),
        (Says::json(403, "{}"), false),
        (Says::json(500, "{}"), false),
        (Says::json(302, "{}"), false),
    ] {
        let shown = format!("{says:?}");
        fake.says(CHECK, says);
        match (vouch(&fake, all, TOKEN).await.unwrap_err(), is_inactive) {
            (VouchFault::Inactive(_), true) | (VouchFault::Unavailable(_), false) => {}
            (other, _) => panic!("{shown}: {other}"),
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn who_may_come_in_holds_for_tokens_too() {
    let fake = github().await;
    for (rules, may) in [
        // Logins change hands, and one of digits could be the id of another.
        ("allowed_users = [\"octoca?\"]", false),
        ("allowed_users = [\"*@example.com\"]", true),
        ("allowed_users = [\"1\"]", false),
        ("allowed_organizations = [\"acme\"]", true),
        ("allowed_organizations = [\"other\"]", false),
        // Not in the short form of the user.
        ("required_claims = { company = \"@github\" }", true),
        ("required_claims = { company = \"@other\" }", false),
    ] {
        let outcome = vouch(&fake, rules, TOKEN).await;
        match may {
            true => assert!(outcome.is_ok(), "{rules} {outcome:?}"),
            false => assert!(
                matches!(outcome, Err(VouchFault::NotAllowed(_))),
                "{rules} {outcome:?}"
            ),
        }
    }
}
