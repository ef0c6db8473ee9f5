//! What happens when everybody is honest.

use std::sync::atomic::Ordering::Relaxed;

use super::{Browser, asking, body, clients, editor, led_to, parameter, ticket};
use crate::control::oauth::provider::{ProviderFault, Scripted};
use crate::control::oauth::store::TakenCode;
use crate::control::oauth::testing::{BASE, Bench, config, somebody};
use crate::control::tls::now_secs;
use crate::engine::oauth::SecretHash;
use crate::mailbox::OAuthOutcome;

#[tokio::test(flavor = "current_thread")]
async fn a_client_gets_a_code_for_what_its_user_allowed() {
    let bench = Bench::start(config(), clients()).await;
    let mut browser = Browser::default();
    let page = browser.authorize(&bench, &editor()).await;
    assert_eq!(page.status, 200);
    let shown = body(&page);
    for expected in [
        "Client editor",
        "app.example",
        "files:read",
        "every MCP server",
        "issuer.example",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let onward = browser.press(&bench, &page, "allow").await;
    let at_provider = led_to(&onward);
    assert_eq!(bench.redeemed(), 0);
    let answer = browser.come_back(&bench, &at_provider).await;
    assert_eq!(answer.told.outcome, OAuthOutcome::Granted);
    assert_eq!(
        answer.told.identity.as_deref(),
        Some("oauth:https://issuer.example 583231")
    );
    let url = led_to(&answer);
    assert!(url.starts_with("https://app.example/cb?"), "{url}");
    assert_eq!(parameter(&url, "state").as_deref(), Some("client state"));
    assert_eq!(parameter(&url, "iss").as_deref(), Some(BASE));
    let code = parameter(&url, "code").unwrap();
    let taken = bench
        .store
        .take_code(SecretHash::of(code.as_bytes()), now_secs())
        .await;
    let TakenCode::Fresh(code) = taken.unwrap() else {
        panic!("the code is not in the store")
    };
    assert_eq!(&*code.redirect_uri, "https://app.example/cb");
    assert_eq!(&*code.grant.client_id, "editor");
    assert_eq!(&*code.grant.audience, BASE);
    assert_eq!(code.grant.scopes, [Box::from("files:read")]);
    assert_eq!(&*code.grant.user.id, "583231");
    let sealed = code.grant.provider_tokens.unwrap();
    let opened = bench.vault.open_tokens(code.grant.id, &sealed).unwrap();
    assert_eq!(**opened, *b"provider token");
}

#[tokio::test(flavor = "current_thread")]
async fn a_resource_is_shown_and_becomes_the_audience() {
    let bench = Bench::start(config(), clients()).await;
    let resource = format!("{BASE}/mcp/files");
    let query = asking(
        "editor",
        "https://app.example/cb",
        &[("resource", &resource)],
    );
    let page = Browser::default().authorize(&bench, &query).await;
    assert!(body(&page).contains(&resource));
}

#[tokio::test(flavor = "current_thread")]
async fn a_denial_and_every_failure_reach_the_client() {
    let bench = Bench::start(config(), clients()).await;
    let mut browser = Browser::default();
    let page = browser.authorize(&bench, &editor()).await;
    let denied = browser.press(&bench, &page, "deny").await;
    assert_eq!(
        parameter(&led_to(&denied), "error").as_deref(),
        Some("access_denied")
    );
    assert_eq!(denied.told.outcome, OAuthOutcome::Denied);
    let refused = ProviderFault::Refused("access_denied");
    let rows = [
        (refused, "access_denied", OAuthOutcome::Denied),
        (
            ProviderFault::NotAllowed("rule".into()),
            "access_denied",
            OAuthOutcome::Denied,
        ),
        (
            ProviderFault::ClientRefused("invalid_client"),
            "server_error",
            OAuthOutcome::Failed,
        ),
        (
            ProviderFault::BadAnswer("why".into()),
            "server_error",
            OAuthOutcome::Failed,
        ),
        (
            ProviderFault::Unavailable("why".into()),
            "temporarily_unavailable",
            OAuthOutcome::Failed,
        ),
    ];
    for (fault, error, outcome) in rows {
        bench.next(Err(fault));
        let answer = browser.log_in(&bench, &editor()).await;
        let url = led_to(&answer);
        assert_eq!(parameter(&url, "error").as_deref(), Some(error));
        assert_eq!(parameter(&url, "state").as_deref(), Some("client state"));
        assert_eq!(parameter(&url, "iss").as_deref(), Some(BASE));
        assert_eq!(answer.told.outcome, outcome);
        assert!(!url.contains("why") && !url.contains("rule"), "{url}");
    }
    // Whom the provider let in before another one was configured is somebody else there.
    bench.let_in();
    bench.is_over.store(true, Relaxed);
    let answer = browser.log_in(&bench, &editor()).await;
    let error = parameter(&led_to(&answer), "error");
    assert_eq!(error.as_deref(), Some("temporarily_unavailable"));
}

#[tokio::test(flavor = "current_thread")]
async fn an_error_of_the_provider_is_passed_on_in_our_words() {
    let bench = Bench::start(config(), clients()).await;
    let rows = [
        ("access_denied", "access_denied"),
        ("login_required", "access_denied"),
        ("server_error", "temporarily_unavailable"),
        ("temporarily_unavailable", "temporarily_unavailable"),
        ("<script>", "access_denied"),
    ];
    for (error, expected) in rows {
        let mut browser = Browser::default();
        let page = browser.authorize(&bench, &editor()).await;
        let onward = browser.press(&bench, &page, "allow").await;
        let state = parameter(&led_to(&onward), "state").unwrap();
        let query = format!("error={error}&state={state}&iss=https%3A%2F%2Fissuer.example");
        let url = led_to(&browser.callback(&bench, &query).await);
        assert_eq!(
            parameter(&url, "error").as_deref(),
            Some(expected),
            "{error}"
        );
        assert!(!url.contains("%3Cscript"), "{url}");
    }
    assert_eq!(bench.redeemed(), 0);
}

#[tokio::test(flavor = "current_thread")]
async fn a_provider_that_is_down_is_told_to_the_client_at_once() {
    let script = Scripted {
        is_down: true,
        ..Scripted::default()
    };
    let bench = Bench::with(config(), clients(), script).await;
    let mut browser = Browser::default();
    let page = browser.authorize(&bench, &editor()).await;
    let answer = browser.press(&bench, &page, "allow").await;
    let url = led_to(&answer);
    assert_eq!(
        parameter(&url, "error").as_deref(),
        Some("temporarily_unavailable")
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_program_with_a_scheme_of_its_own_gets_a_page_behind_it() {
    let bench = Bench::start(config(), clients()).await;
    let query = asking("registered", "cursor://x/cb", &[]);
    let answer = Browser::default().log_in(&bench, &query).await;
    assert_eq!(answer.status, 200);
    assert!(led_to(&answer).starts_with("cursor://x/cb?code="));
    let query = asking("registered", "http://localhost:1234/cb", &[]);
    let answer = Browser::default().log_in(&bench, &query).await;
    assert_eq!(answer.status, 302);
    assert!(led_to(&answer).starts_with("http://localhost:1234/cb?code="));
}

#[tokio::test(flavor = "current_thread")]
async fn a_person_gets_a_token_for_everything_that_can_be_revoked() {
    let bench = Bench::start(config(), clients()).await;
    let mut browser = Browser::default();
    let page = browser.authorize(&bench, "").await;
    assert!(body(&page).contains("Log in with issuer.example"));
    let onward = browser.press(&bench, &page, "allow").await;
    let answer = browser.come_back(&bench, &led_to(&onward)).await;
    assert_eq!(answer.status, 200);
    let shown = body(&answer);
    for expected in [
        "Some Body",
        "oauth:https://issuer.example 583231",
        "files:read",
        "files:write",
        "Bearer ey",
        "/base/mcp",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert_eq!(bench.store.counts().await.unwrap().grants, 1);
    assert_eq!(answer.told.outcome, OAuthOutcome::Granted);
}

#[tokio::test(flavor = "current_thread")]
async fn a_person_who_stops_or_may_not_log_in_is_told_on_a_page() {
    let bench = Bench::start(config(), clients()).await;
    let mut browser = Browser::default();
    let page = browser.authorize(&bench, "").await;
    let stopped = browser.press(&bench, &page, "deny").await;
    assert_eq!((stopped.status, super::leads_on(&stopped)), (200, false));
    bench.next(Err(ProviderFault::NotAllowed(
        "no rule names octocat".into(),
    )));
    let refused = browser.log_in(&bench, "").await;
    assert_eq!(refused.status, 403);
    assert!(!body(&refused).contains("octocat"));
    assert_eq!(bench.store.counts().await.unwrap().grants, 0);
}

#[tokio::test(flavor = "current_thread")]
async fn two_pages_of_one_browser_do_not_disturb_each_other() {
    let bench = Bench::start(config(), clients()).await;
    let mut browser = Browser::default();
    let one = browser.authorize(&bench, &editor()).await;
    let two = browser.authorize(&bench, "").await;
    assert_ne!(ticket(&one), ticket(&two));
    let two = browser.press(&bench, &two, "allow").await;
    let one = browser.press(&bench, &one, "allow").await;
    let token = browser.come_back(&bench, &led_to(&two)).await;
    assert!(body(&token).contains("mcpServers"));
    let code = browser.come_back(&bench, &led_to(&one)).await;
    assert!(led_to(&code).contains("code="));
    assert!(
        !browser.cookies.contains_key("__Host-mcpg-login"),
        "the last login is over"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn scopes_are_those_that_the_provider_granted_and_that_count_for_the_user() {
    let mut oauth = config();
    // The provider is asked for this one too, so its word counts.
    oauth.scopes.push("files:write".to_owned());
    let bench = Bench::start(oauth, clients()).await;
    let both = asking(
        "editor",
        "https://app.example/cb",
        &[("scope", "files:read files:write unknown")],
    );
    for (granted, expected) in [
        (vec![], vec!["files:read"]),
        (vec!["files:write"], vec!["files:read", "files:write"]),
    ] {
        bench.next(Ok(somebody("1", &granted)));
        let answer = Browser::default().log_in(&bench, &both).await;
        let code = parameter(&led_to(&answer), "code").unwrap();
        let taken = bench
            .store
            .take_code(SecretHash::of(code.as_bytes()), now_secs())
            .await;
        let TakenCode::Fresh(code) = taken.unwrap() else {
            panic!("the code is not in the store")
        };
        let found: Vec<&str> = code.grant.scopes.iter().map(|scope| &**scope).collect();
        assert_eq!(found, expected);
    }
}
