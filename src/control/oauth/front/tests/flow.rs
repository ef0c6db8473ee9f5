//! What happens when everybody is honest.

use super::{Browser, asking, body, clients, editor, led_to, parameter, ticket};
use crate::control::oauth::provider::ProviderFault;
use crate::control::oauth::store::TakenCode;
use crate::control::oauth::testing::{BASE, config, context};
use crate::control::tls::now_secs;
use crate::engine::oauth::SecretHash;
use crate::mailbox::OAuthOutcome;

#[tokio::test(flavor = "current_thread")]
async fn a_client_gets_a_code_for_what_its_user_allowed() {
    let (context, provider) = context(config(), clients()).await;
    let mut browser = Browser::default();
    let page = browser.authorize(&context, &editor()).await;
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
    let onward = browser.press(&context, &page, "allow").await;
    let at_provider = led_to(&onward);
    assert!(provider.redeemed.lock().unwrap().is_empty());
    let answer = browser.come_back(&context, &at_provider).await;
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
    let taken = context
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
    let opened = context.vault.open_tokens(code.grant.id, &sealed).unwrap();
    assert_eq!(**opened, *b"provider token");
}

#[tokio::test(flavor = "current_thread")]
async fn a_resource_is_shown_and_becomes_the_audience() {
    let (context, _) = context(config(), clients()).await;
    let resource = format!("{BASE}/mcp/files");
    let query = asking(
        "editor",
        "https://app.example/cb",
        &[("resource", &resource)],
    );
    let page = Browser::default().authorize(&context, &query).await;
    assert!(body(&page).contains(&resource));
}

#[tokio::test(flavor = "current_thread")]
async fn a_denial_and_every_failure_reach_the_client() {
    let (context, provider) = context(config(), clients()).await;
    let mut browser = Browser::default();
    let page = browser.authorize(&context, &editor()).await;
    let denied = browser.press(&context, &page, "deny").await;
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
        *provider.next.lock().unwrap() = Err(fault);
        let answer = browser.log_in(&context, &editor()).await;
        let url = led_to(&answer);
        assert_eq!(parameter(&url, "error").as_deref(), Some(error));
        assert_eq!(parameter(&url, "state").as_deref(), Some("client state"));
        assert_eq!(parameter(&url, "iss").as_deref(), Some(BASE));
        assert_eq!(answer.told.outcome, outcome);
        assert!(!url.contains("why") && !url.contains("rule"), "{url}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn an_error_of_the_provider_is_passed_on_in_our_words() {
    let (context, provider) = context(config(), clients()).await;
    let rows = [
        ("access_denied", "access_denied"),
        ("login_required", "access_denied"),
        ("server_error", "temporarily_unavailable"),
        ("temporarily_unavailable", "temporarily_unavailable"),
        ("<script>", "access_denied"),
    ];
    for (error, expected) in rows {
        let mut browser = Browser::default();
        let page = browser.authorize(&context, &editor()).await;
        let onward = browser.press(&context, &page, "allow").await;
        let state = parameter(&led_to(&onward), "state").unwrap();
        let query = format!("error={error}&state={state}&iss=https%3A%2F%2Fissuer.example");
        let url = led_to(&browser.callback(&context, &query).await);
        assert_eq!(
            parameter(&url, "error").as_deref(),
            Some(expected),
            "{error}"
        );
        assert!(!url.contains("script"));
    }
    assert!(provider.redeemed.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "current_thread")]
async fn a_provider_that_is_down_is_told_to_the_client_at_once() {
    let (context, provider) = context(config(), clients()).await;
    *provider.is_there.lock().unwrap() = false;
    let mut browser = Browser::default();
    let page = browser.authorize(&context, &editor()).await;
    let answer = browser.press(&context, &page, "allow").await;
    let url = led_to(&answer);
    assert_eq!(
        parameter(&url, "error").as_deref(),
        Some("temporarily_unavailable")
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_program_with_a_scheme_of_its_own_gets_a_page_behind_it() {
    let (context, _) = context(config(), clients()).await;
    let query = asking("registered", "cursor://x/cb", &[]);
    let answer = Browser::default().log_in(&context, &query).await;
    assert_eq!(answer.status, 200);
    assert!(led_to(&answer).starts_with("cursor://x/cb?code="));
    let query = asking("registered", "http://localhost:1234/cb", &[]);
    let answer = Browser::default().log_in(&context, &query).await;
    assert_eq!(answer.status, 302);
    assert!(led_to(&answer).starts_with("http://localhost:1234/cb?code="));
}

#[tokio::test(flavor = "current_thread")]
async fn a_person_gets_a_token_for_everything_that_can_be_revoked() {
    let (context, _) = context(config(), clients()).await;
    let mut browser = Browser::default();
    let page = browser.authorize(&context, "").await;
    assert!(body(&page).contains("Log in with issuer.example"));
    let onward = browser.press(&context, &page, "allow").await;
    let answer = browser.come_back(&context, &led_to(&onward)).await;
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
    assert_eq!(context.store.counts().await.unwrap().grants, 1);
    assert_eq!(answer.told.outcome, OAuthOutcome::Granted);
}

#[tokio::test(flavor = "current_thread")]
async fn a_person_who_stops_or_may_not_log_in_is_told_on_a_page() {
    let (context, provider) = context(config(), clients()).await;
    let mut browser = Browser::default();
    let page = browser.authorize(&context, "").await;
    let stopped = browser.press(&context, &page, "deny").await;
    assert_eq!((stopped.status, super::leads_on(&stopped)), (200, false));
    *provider.next.lock().unwrap() = Err(ProviderFault::NotAllowed("no rule names octocat".into()));
    let refused = browser.log_in(&context, "").await;
    assert_eq!(refused.status, 403);
    assert!(!body(&refused).contains("octocat"));
    assert_eq!(context.store.counts().await.unwrap().grants, 0);
}

#[tokio::test(flavor = "current_thread")]
async fn two_pages_of_one_browser_do_not_disturb_each_other() {
    let (context, _) = context(config(), clients()).await;
    let mut browser = Browser::default();
    let one = browser.authorize(&context, &editor()).await;
    let two = browser.authorize(&context, "").await;
    assert_ne!(ticket(&one), ticket(&two));
    let two = browser.press(&context, &two, "allow").await;
    let one = browser.press(&context, &one, "allow").await;
    let token = browser.come_back(&context, &led_to(&two)).await;
    assert!(body(&token).contains("mcpServers"));
    let code = browser.come_back(&context, &led_to(&one)).await;
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
    let (context, provider) = context(oauth, clients()).await;
    let both = asking(
        "editor",
        "https://app.example/cb",
        &[("scope", "files:read files:write unknown")],
    );
    for (granted, expected) in [
        (vec![], vec!["files:read"]),
        (vec!["files:write"], vec!["files:read", "files:write"]),
    ] {
        let granted = granted.into_iter().map(Box::from).collect();
        *provider.next.lock().unwrap() = Ok(("1".to_owned(), granted));
        let answer = Browser::default().log_in(&context, &both).await;
        let code = parameter(&led_to(&answer), "code").unwrap();
        let taken = context
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
