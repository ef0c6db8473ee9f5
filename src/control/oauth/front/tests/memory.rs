//! Whom a browser remembers, and what that user allowed before.

use super::{Browser, asking, body, clients, editor, leads_on, led_to, parameter};
use crate::control::oauth::testing::{Bench, config, somebody};

const USER_COOKIE: &str = "__Host-mcpg-user";

#[tokio::test(flavor = "current_thread")]
async fn the_same_is_not_asked_twice() {
    let bench = Bench::start(config(), clients()).await;
    let mut browser = Browser::default();
    browser.log_in(&bench, &editor()).await;
    let again = browser.authorize(&bench, &editor()).await;
    assert_eq!(again.status, 302);
    let answer = browser.come_back(&bench, &led_to(&again)).await;
    assert!(led_to(&answer).contains("code="));
}

#[tokio::test(flavor = "current_thread")]
async fn another_browser_client_place_resource_or_scope_is_asked_about() {
    let bench = Bench::start(config(), clients()).await;
    let mut browser = Browser::default();
    browser.log_in(&bench, &editor()).await;
    let place = "https://app.example/cb";
    let resource = [("resource", "https://gw.example/base/mcp")];
    let rows = [
        ("client", asking("other", place, &[("scope", "files:read")])),
        (
            "place",
            asking(
                "editor",
                "http://127.0.0.1:1/cb",
                &[("scope", "files:read")],
            ),
        ),
        ("resource", asking("editor", place, &resource)),
        (
            "scope",
            asking("editor", place, &[("scope", "files:read files:write")]),
        ),
    ];
    for (case, query) in rows {
        let page = browser.clone().authorize(&bench, &query).await;
        assert_eq!((page.status, leads_on(&page)), (200, false), "{case}");
    }
    let page = Browser::default().authorize(&bench, &editor()).await;
    assert_eq!((page.status, leads_on(&page)), (200, false), "browser");
    let mut made_up = Browser::default();
    made_up
        .cookies
        .insert(USER_COOKIE.to_owned(), "583231".to_owned());
    let page = made_up.authorize(&bench, &editor()).await;
    assert_eq!((page.status, leads_on(&page)), (200, false), "made up");
}

#[tokio::test(flavor = "current_thread")]
async fn somebody_else_who_logs_in_is_asked_before_there_is_a_code() {
    let bench = Bench::start(config(), clients()).await;
    let mut browser = Browser::default();
    browser.log_in(&bench, &editor()).await;
    bench.next(Ok(somebody("another", &[])));
    let again = browser.authorize(&bench, &editor()).await;
    let page = browser.come_back(&bench, &led_to(&again)).await;
    assert_eq!((page.status, leads_on(&page)), (200, false));
    assert!(body(&page).contains("Some Body"));
    let mut denying = browser.clone();
    let denied = denying.press(&bench, &page, "deny").await;
    assert_eq!(
        parameter(&led_to(&denied), "error").as_deref(),
        Some("access_denied")
    );
    let again = browser.press(&bench, &page, "allow").await;
    assert!(!leads_on(&again), "the page counted once");
    // They are asked as themselves now, and then no more.
    let page = browser.authorize(&bench, &editor()).await;
    assert!(!leads_on(&page));
    browser.log_in(&bench, &editor()).await;
    assert!(leads_on(&browser.authorize(&bench, &editor()).await));
}

#[tokio::test(flavor = "current_thread")]
async fn somebody_else_who_allows_it_after_the_login_gets_their_own_code() {
    let bench = Bench::start(config(), clients()).await;
    let mut browser = Browser::default();
    browser.log_in(&bench, &editor()).await;
    bench.next(Ok(somebody("another", &[])));
    let again = browser.authorize(&bench, &editor()).await;
    let page = browser.come_back(&bench, &led_to(&again)).await;
    let answer = browser.press(&bench, &page, "allow").await;
    assert!(led_to(&answer).starts_with("https://app.example/cb?code="));
    assert_eq!(
        answer.told.identity.as_deref(),
        Some("oauth:https://issuer.example another")
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_program_on_the_device_is_asked_about_each_time() {
    let bench = Bench::start(config(), clients()).await;
    for redirect_uri in ["http://localhost:1/cb", "cursor://x/cb"] {
        let mut browser = Browser::default();
        let query = asking("registered", redirect_uri, &[]);
        browser.log_in(&bench, &query).await;
        let page = browser.authorize(&bench, &query).await;
        assert_eq!(
            (page.status, leads_on(&page)),
            (200, false),
            "{redirect_uri}"
        );
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_person_who_logged_in_for_themselves_has_allowed_no_client_anything() {
    let bench = Bench::start(config(), clients()).await;
    let mut browser = Browser::default();
    browser.log_in(&bench, "").await;
    assert!(browser.cookies.contains_key(USER_COOKIE));
    let page = browser.authorize(&bench, &editor()).await;
    assert_eq!((page.status, leads_on(&page)), (200, false));
    // Nor does a token of their own come without a press of the button.
    let page = browser.authorize(&bench, "").await;
    assert_eq!((page.status, leads_on(&page)), (200, false));
}
