//! Codes for tokens.

use super::{
    BASE, REDIRECT, SECRET, VERIFIER, ask, bench, body, check_refused, claims, code, code_of,
    field, grant, grants, pair, post, redeem, redemption, refresh,
};
use crate::control::oauth::back::token::{issue, token};
use crate::control::oauth::testing::{Bench, client, config};
use crate::control::tls::now_secs;
use crate::engine::oauth::{Client, ClientOrigin};

#[tokio::test(flavor = "current_thread")]
async fn a_code_is_worth_an_access_token_and_a_refresh_token() {
    let bench = bench().await;
    let reply = redeem(&bench, &code(&bench).await).await;
    let (access, _) = pair(&reply);
    let answer = body(&reply);
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 600);
    assert_eq!(answer["scope"], "files:read files:write");
    assert_eq!(field(&reply, "Cache-Control"), Some("no-store"));
    let claims = claims(&access);
    assert_eq!(claims["iss"], BASE);
    assert_eq!(claims["aud"], format!("{BASE}/mcp/files"));
    assert_eq!(claims["sub"], "583231");
    assert_eq!(claims["client_id"], "editor");
    assert_eq!(grants(&bench).await, 1);
    let identity = reply.told.identity.as_deref().unwrap();
    assert_eq!(identity, "oauth:https://issuer.example 583231");
    assert!(!format!("{reply:?}").contains(&access));
}

#[tokio::test(flavor = "current_thread")]
async fn a_code_is_spent_by_whoever_gets_it_wrong() {
    for (case, name, value, error) in [
        (
            "verifier",
            "code_verifier",
            "b-verifier-of-forty-three-characters-or-more",
            "invalid_grant",
        ),
        ("client", "client_id", "other", "invalid_grant"),
        (
            "place",
            "redirect_uri",
            "http://127.0.0.1:1234/other",
            "invalid_grant",
        ),
        (
            "port",
            "redirect_uri",
            "http://127.0.0.1:4321/callback",
            "invalid_grant",
        ),
        (
            "resource",
            "resource",
            "https://gw.example/base/mcp/else",
            "invalid_target",
        ),
        ("whole gateway", "resource", BASE, "invalid_target"),
        (
            "foreign resource",
            "resource",
            "https://evil.example/mcp",
            "invalid_target",
        ),
    ] {
        let bench = bench().await;
        let code = code(&bench).await;
        let mut fields = redemption(&code);
        fields.retain(|(own, _)| *own != name);
        fields.push((name, value.to_owned()));
        check_refused(case, &ask(&bench, &fields).await, 400, error);
        assert_eq!(grants(&bench).await, 0, "{case}");
        check_refused(case, &redeem(&bench, &code).await, 400, "invalid_grant");
        assert_eq!(grants(&bench).await, 0, "{case}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_no_request_of_a_known_client_leaves_the_code_alone() {
    let bench = bench().await;
    let code = code(&bench).await;
    for (case, name, value, status, error) in [
        ("no grant type", "grant_type", None, 400, "invalid_request"),
        (
            "other grant type",
            "grant_type",
            Some("password"),
            400,
            "unsupported_grant_type",
        ),
        ("no verifier", "code_verifier", None, 400, "invalid_request"),
        (
            "short verifier",
            "code_verifier",
            Some("short"),
            400,
            "invalid_grant",
        ),
        ("no client", "client_id", None, 400, "invalid_request"),
        (
            "unknown client",
            "client_id",
            Some("nobody"),
            401,
            "invalid_client",
        ),
        (
            "no secret",
            "client_id",
            Some("secretive"),
            401,
            "invalid_client",
        ),
        (
            "secret of none",
            "client_secret",
            Some("abc"),
            401,
            "invalid_client",
        ),
        (
            "unknown code",
            "code",
            Some("mcpg_code_abc"),
            400,
            "invalid_grant",
        ),
        (
            "a refresh token's kind",
            "grant_type",
            Some("refresh_token"),
            400,
            "invalid_request",
        ),
    ] {
        let mut fields = redemption(&code);
        fields.retain(|(own, _)| *own != name);
        fields.extend(value.map(|value| (name, value.to_owned())));
        check_refused(case, &ask(&bench, &fields).await, status, error);
    }
    let repeated = format!("code={code}&code={code}&grant_type=authorization_code");
    let mut request = post(&[]);
    request.body = repeated.into_bytes().into();
    check_refused(
        "repeated",
        &token(&bench, &request).await,
        400,
        "invalid_request",
    );
    assert_eq!(redeem(&bench, &code).await.status, 200);
}

#[tokio::test(flavor = "current_thread")]
async fn a_code_that_comes_twice_ends_what_came_of_it() {
    let bench = bench().await;
    let code = code(&bench).await;
    let (_, first) = pair(&redeem(&bench, &code).await);
    let before = bench.shared.live.load_full();
    let again = redeem(&bench, &code).await;
    check_refused("replay", &again, 400, "invalid_grant");
    assert!(again.told.message.unwrap().contains("twice"));
    assert_eq!(grants(&bench).await, 0);
    let refreshed = refresh(&bench, &first, &[]).await;
    check_refused("refresh", &refreshed, 400, "invalid_grant");
    let after = bench.shared.live.load_full();
    assert!(
        !after.keys.is_same(&before.keys),
        "workers refuse the access token"
    );
    assert_eq!(after.keys_version, before.keys_version + 1);
    redeem(&bench, &code).await;
    let third = bench.shared.live.load().keys_version;
    assert_eq!(third, after.keys_version, "a third time changes nothing");
}

#[tokio::test(flavor = "current_thread")]
async fn a_code_ends_after_its_time() {
    let bench = bench().await;
    let code = code(&bench).await;
    let fields = redemption(&code);
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect();
    let late = issue(&bench, &post(&fields), now_secs() + 61).await;
    check_refused(
        "late",
        &late.unwrap_err().into_reply(false),
        400,
        "invalid_grant",
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_client_with_a_secret_shows_it_in_either_way() {
    use base64::Engine as _;
    let basic = |text: &str| {
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        format!("Basic {encoded}").into_bytes()
    };
    let bench = bench().await;
    for (case, header, field_secret, is_good) in [
        ("header", Some(format!("secretive:{SECRET}")), None, true),
        ("form", None, Some(SECRET), true),
        (
            "wrong header",
            Some("secretive:wrong".to_owned()),
            None,
            false,
        ),
        ("wrong form", None, Some("wrong"), false),
        ("empty", Some("secretive:".to_owned()), None, false),
    ] {
        let code = code_of(&bench, grant(&bench, "secretive")).await;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
            ("client_id", "secretive"),
        ];
        fields.extend(field_secret.map(|secret| ("client_secret", secret)));
        let mut request = post(&fields);
        request.authorization = header.as_deref().map(|text| basic(text).into());
        let reply = token(&bench, &request).await;
        if is_good {
            assert_eq!(reply.status, 200, "{case}: {:?}", reply.told);
            continue;
        }
        check_refused(case, &reply, 401, "invalid_client");
        let challenge = field(&reply, "WWW-Authenticate");
        assert_eq!(challenge.is_some(), header.is_some(), "{case}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_client_that_does_not_refresh_gets_one_token_and_leaves_little() {
    let once = Client {
        refreshes: false,
        ..client(
            "editor",
            ClientOrigin::Registered { at_secs: 0 },
            &[REDIRECT],
        )
    };
    let bench = Bench::start(config(), vec![once]).await;
    let reply = redeem(&bench, &code(&bench).await).await;
    assert_eq!(reply.status, 200);
    assert!(body(&reply).get("refresh_token").is_none());
    bench.store.sweep(now_secs() + 601).await.unwrap();
    assert_eq!(grants(&bench).await, 0);
}

#[tokio::test(flavor = "current_thread")]
async fn no_token_outlives_its_grant() {
    let bench = bench().await;
    let mut short = grant(&bench, "editor");
    short.expires_at_secs = now_secs() + 100;
    let end = short.expires_at_secs;
    let reply = redeem(&bench, &code_of(&bench, short).await).await;
    let (access, _) = pair(&reply);
    assert_eq!(claims(&access)["exp"], end);
    assert!(body(&reply)["expires_in"].as_u64().unwrap() <= 100);
}

#[tokio::test(flavor = "current_thread")]
async fn a_grant_for_all_may_be_narrowed_to_one_resource() {
    let bench = bench().await;
    let mut whole = grant(&bench, "editor");
    whole.audience = BASE.into();
    let code = code_of(&bench, whole).await;
    let mut fields = redemption(&code);
    fields.push(("resource", format!("{BASE}/mcp/files/")));
    let (access, next) = pair(&ask(&bench, &fields).await);
    assert_eq!(claims(&access)["aud"], format!("{BASE}/mcp/files"));
    let (access, _) = pair(&refresh(&bench, &next, &[]).await);
    assert_eq!(claims(&access)["aud"], BASE);
}

#[tokio::test(flavor = "current_thread")]
async fn without_a_server_there_are_no_tokens() {
    let mut config = config();
    config.server = None;
    let bench = Bench::start(config, Vec::new()).await;
    let reply = redeem(&bench, "mcpg_code_abc").await;
    check_refused("off", &reply, 503, "temporarily_unavailable");
}
