//! Whether a login still holds.

use serde_json::{Value, json};

use super::openid::{honest, id_claims, keys};
use crate::control::oauth::provider::testing::{Fake, Says, provider, secrets, signed};
use crate::control::oauth::provider::{LoggedIn, ProviderFault};

const SCOPES: &str = "scopes = [\"openid\"]";

fn answer(refresh: Option<&str>, id_token: Option<&Value>, life_secs: Option<u64>) -> Says {
    let mut answer = json!({"access_token": "next-access", "token_type": "Bearer"});
    if let Some(refresh) = refresh {
        answer["refresh_token"] = json!(refresh);
    }
    if let Some(claims) = id_token {
        answer["id_token"] = json!(signed(claims));
    }
    if let Some(life_secs) = life_secs {
        answer["expires_in"] = json!(life_secs);
    }
    Says::json(200, answer)
}

/// A login whose token endpoint answered `says`.
async fn logged_in(fake: &Fake, says: Says) -> LoggedIn {
    fake.says("/token", says);
    let (provider, _) = provider(&keys(fake, SCOPES));
    provider.redeem("the-code", &secrets()).await.unwrap()
}

async fn again(fake: &Fake, more: &str, tokens: &[u8]) -> Result<LoggedIn, ProviderFault> {
    let (provider, _) = provider(&keys(fake, &format!("{SCOPES}\n{more}")));
    provider.still_holds(tokens).await
}

#[tokio::test(flavor = "current_thread")]
async fn a_refresh_token_is_used_and_the_next_one_kept() {
    let fake = honest().await;
    let claims = id_claims(&fake);
    let first = logged_in(&fake, answer(Some("first"), Some(&claims), Some(60))).await;
    fake.says("/token", answer(Some("second"), None, Some(60)));
    let second = again(&fake, "", &first.tokens).await.unwrap();
    assert_eq!(second.user, first.user);
    fake.says("/token", answer(None, None, Some(60)));
    let third = again(&fake, "", &second.tokens).await.unwrap();
    again(&fake, "", &third.tokens).await.unwrap();
    let used: Vec<_> = fake
        .received("/token")
        .iter()
        .filter_map(|request| request.parameter("refresh_token"))
        .collect();
    assert_eq!(used, ["first", "second", "second"]);
    let userinfo = fake.received("/userinfo").pop().unwrap();
    assert_eq!(userinfo.field("authorization"), Some("Bearer next-access"));
}

#[tokio::test(flavor = "current_thread")]
async fn only_a_clear_word_about_the_user_ends_a_grant() {
    let fake = honest().await;
    let claims = id_claims(&fake);
    let first = logged_in(&fake, answer(Some("first"), Some(&claims), None)).await;
    let other = {
        let mut claims = claims.clone();
        claims["sub"] = json!("user|2");
        claims
    };
    for (says, ends) in [
        (Says::json(400, json!({"error": "invalid_grant"})), true),
        (Says::json(401, json!({"error": "invalid_client"})), false),
        (
            Says::json(400, json!({"error": "unauthorized_client"})),
            false,
        ),
        (
            Says::json(400, json!({"error": "temporarily_unavailable"})),
            false,
        ),
        (Says::json(400, json!({"error": "else"})), false),
        (Says::json(200, "{}"), false),
        (Says::json(500, "{}"), false),
        // An ID token of another user than userinfo's: somebody lies.
        (answer(None, Some(&other), None), false),
    ] {
        let shown = format!("{says:?}");
        fake.says("/token", says);
        match (again(&fake, "", &first.tokens).await.unwrap_err(), ends) {
            (ProviderFault::Refused("invalid_grant"), true)
            | (ProviderFault::Unavailable(_), false) => {}
            (fault, _) => panic!("{shown}: {fault}"),
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn the_rules_are_those_of_now() {
    let fake = honest().await;
    let claims = id_claims(&fake);
    let first = logged_in(&fake, answer(None, Some(&claims), None)).await;
    assert!(
        again(&fake, "allowed_users = [\"user|1\"]", &first.tokens)
            .await
            .is_ok()
    );
    let fault = again(&fake, "allowed_users = [\"user|2\"]", &first.tokens)
        .await
        .unwrap_err();
    assert!(matches!(fault, ProviderFault::NotAllowed(_)), "{fault}");
    let gone = json!({"sub": "user|1", "groups": []});
    fake.says("/userinfo", Says::json(200, gone));
    let rule = "required_claims = { groups = \"staff\" }";
    let fault = again(&fake, rule, &first.tokens).await.unwrap_err();
    assert!(matches!(fault, ProviderFault::NotAllowed(_)), "{fault}");
}

#[tokio::test(flavor = "current_thread")]
async fn without_a_refresh_token_the_access_token_is_asked_about_while_it_lives() {
    let fake = honest().await;
    let claims = id_claims(&fake);
    let living = logged_in(&fake, answer(None, Some(&claims), Some(600))).await;
    let next = again(&fake, "", &living.tokens).await.unwrap();
    assert!(again(&fake, "", &next.tokens).await.is_ok());
    fake.says("/userinfo", Says::json(401, "{}"));
    let fault = again(&fake, "", &next.tokens).await.unwrap_err();
    assert_eq!(fault, ProviderFault::Refused("invalid_grant"));
    let fake = honest().await;
    let claims = id_claims(&fake);
    let ended = logged_in(&fake, answer(None, Some(&claims), Some(0))).await;
    let fault = again(&fake, "", &ended.tokens).await.unwrap_err();
    assert!(matches!(fault, ProviderFault::Unavailable(_)), "{fault}");
}

#[tokio::test(flavor = "current_thread")]
async fn tokens_that_are_of_another_user_now_end_the_grant() {
    let fake = honest().await;
    let claims = id_claims(&fake);
    let first = logged_in(&fake, answer(None, Some(&claims), None)).await;
    fake.says("/userinfo", Says::json(200, json!({"sub": "user|2"})));
    let fault = again(&fake, "", &first.tokens).await.unwrap_err();
    assert_eq!(fault, ProviderFault::Refused("invalid_grant"));
    let fault = again(&fake, "", b"{}").await.unwrap_err();
    assert!(matches!(fault, ProviderFault::Unavailable(_)), "{fault}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_refresh_token_that_came_by_a_request_that_failed_is_not_lost() {
    let fake = honest().await;
    let claims = id_claims(&fake);
    let first = logged_in(&fake, answer(Some("first"), Some(&claims), None)).await;
    let (provider, _) = provider(&keys(&fake, SCOPES));
    let userinfo = json!({"sub": "user|1"});
    fake.says("/userinfo", Says::json(503, "{}"));
    for next in ["second", "third"] {
        fake.says("/token", answer(Some(next), None, None));
        let fault = provider.still_holds(&first.tokens).await.unwrap_err();
        assert!(matches!(fault, ProviderFault::Unavailable(_)), "{fault}");
    }
    fake.says("/userinfo", Says::json(200, userinfo));
    fake.says("/token", answer(Some("fourth"), None, None));
    provider.still_holds(&first.tokens).await.unwrap();
    let used: Vec<_> = fake
        .received("/token")
        .iter()
        .filter_map(|request| request.parameter("refresh_token"))
        .collect();
    assert_eq!(used, ["first", "second", "third"]);
    for secret in ["second", "third"] {
        assert!(!format!("{provider:?}").contains(secret));
    }
}
