//! What happens when somebody is not honest.

use form_urlencoded::byte_serialize;

use super::{
    Browser, ORIGIN, asking, body, clients, editor, form, good_answer, leads_on, led_to, parameter,
};
use crate::control::oauth::testing::{Bench, config, somebody};
use crate::mailbox::OAuthOutcome;

/// FastMCP's OAuthProxy let an attacker hand a login to a victim (GHSA-rww4-4w9c-7733): the provider knew the victim, nobody asked
/// them, and the code went to the attacker's client.
#[tokio::test(flavor = "current_thread")]
async fn a_login_that_another_browser_began_is_not_finished() {
    let bench = Bench::start(config(), clients()).await;
    let (mut mallory, mut victim) = (Browser::default(), Browser::default());
    let page = mallory.authorize(&bench, &editor()).await;
    let onward = mallory.press(&bench, &page, "allow").await;
    let at_provider = led_to(&onward);
    for with_own_cookie in [false, true] {
        if with_own_cookie {
            victim.authorize(&bench, &editor()).await;
        }
        let answer = victim.come_back(&bench, &at_provider).await;
        assert_eq!((answer.status, leads_on(&answer)), (400, false));
        assert_eq!(bench.redeemed(), 0);
    }
    // Nor has the stranger's attempt ended it for whoever began it.
    let answer = mallory.come_back(&bench, &at_provider).await;
    assert!(led_to(&answer).contains("code="));
}

#[tokio::test(flavor = "current_thread")]
async fn a_state_counts_once() {
    let bench = Bench::start(config(), clients()).await;
    let mut browser = Browser::default();
    let page = browser.authorize(&bench, &editor()).await;
    let onward = browser.press(&bench, &page, "allow").await;
    let at_provider = led_to(&onward);
    let before = browser.clone();
    browser.come_back(&bench, &at_provider).await;
    let mut replaying = before;
    let replayed = replaying.come_back(&bench, &at_provider).await;
    assert_eq!((replayed.status, leads_on(&replayed)), (400, false));
    assert_eq!(bench.redeemed(), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn a_callback_that_nobody_began_leads_nowhere() {
    let bench = Bench::start(config(), clients()).await;
    for query in [
        "",
        "code=x",
        "state=",
        "state=x&code=y",
        "state=x&state=y",
        "error=access_denied",
        "%zz",
    ] {
        let answer = Browser::default().callback(&bench, query).await;
        assert_eq!((answer.status, leads_on(&answer)), (400, false), "{query}");
    }
    assert_eq!(bench.redeemed(), 0);
}

#[tokio::test(flavor = "current_thread")]
async fn an_answer_of_another_issuer_is_not_redeemed() {
    let bench = Bench::start(config(), clients()).await;
    for iss in [
        "",
        "&iss=https%3A%2F%2Fevil.example",
        "&iss=https%3A%2F%2Fissuer.example%2F",
    ] {
        for rest in ["code=x", "error=access_denied"] {
            let mut browser = Browser::default();
            let page = browser.authorize(&bench, &editor()).await;
            let onward = browser.press(&bench, &page, "allow").await;
            let state = parameter(&led_to(&onward), "state").unwrap();
            let answer = browser
                .callback(&bench, &format!("{rest}&state={state}{iss}"))
                .await;
            let url = led_to(&answer);
            assert_eq!(
                parameter(&url, "error").as_deref(),
                Some("server_error"),
                "{iss} {rest}"
            );
            assert_eq!(answer.told.outcome, OAuthOutcome::Denied);
        }
    }
    assert_eq!(bench.redeemed(), 0);
}

#[tokio::test(flavor = "current_thread")]
async fn consent_is_taken_from_our_own_page_in_the_same_browser_alone() {
    let bench = Bench::start(config(), clients()).await;
    let mut browser = Browser::default();
    let page = browser.authorize(&bench, &editor()).await;
    let good = form(&page, "allow");
    let foreign = [
        (Some("https://evil.example"), Some("cross-site"), 403),
        (Some("null"), None, 403),
        (Some("http://gw.example"), None, 403),
        (None, Some("cross-site"), 403),
        (None, Some("same-site"), 403),
    ];
    for (origin, site, status) in foreign {
        let answer = browser.post(&bench, &good, origin, site).await;
        assert_eq!(
            (answer.status, leads_on(&answer)),
            (status, false),
            "{origin:?} {site:?}"
        );
    }
    let wrong = "x".repeat(43);
    for bad in [
        String::new(),
        "decision=allow".to_owned(),
        format!("ticket={wrong}&decision=allow"),
        good.replace("allow", "perhaps"),
        good.replace("&decision=allow", ""),
        format!("{good}&ticket={wrong}"),
    ] {
        let answer = browser.post(&bench, &bad, Some(ORIGIN), None).await;
        assert_eq!((answer.status, leads_on(&answer)), (400, false), "{bad}");
    }
    for mut stranger in [Browser::default(), {
        let mut other = Browser::default();
        other.authorize(&bench, &editor()).await;
        other
    }] {
        let answer = stranger.post(&bench, &good, Some(ORIGIN), None).await;
        assert_eq!((answer.status, leads_on(&answer)), (400, false));
    }
    // An old browser says nothing of where its form comes from.
    let answer = browser.post(&bench, &good, None, None).await;
    assert!(led_to(&answer).starts_with("https://provider.example/authorize"));
}

#[tokio::test(flavor = "current_thread")]
async fn nobody_is_sent_to_the_provider_without_having_been_asked() {
    let bench = Bench::start(config(), clients()).await;
    for query in [
        editor(),
        asking("registered", "https://web.example/cb", &[]),
        String::new(),
    ] {
        let page = Browser::default().authorize(&bench, &query).await;
        assert_eq!((page.status, leads_on(&page)), (200, false), "{query}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn nobody_is_sent_to_an_address_that_is_not_the_clients() {
    let bench = Bench::start(config(), clients()).await;
    let mut rows = vec![
        asking("nobody", "https://app.example/cb", &[]),
        asking("", "https://app.example/cb", &[]),
        "response_type=code".to_owned(),
        "client_id=editor".to_owned(),
        format!("{}&client_id=other", editor()),
        format!("{}&%zz", editor()),
    ];
    for evil in [
        "https://evil.example/cb",
        "https://app.example.evil.example/cb",
        "https://app.example@evil.example/cb",
        "https://app.example/cb/../x",
        "https://app.example/cb?x",
        "https://app.example/cb#x",
        "https://APP.example/cb",
        "https://app.example:444/cb",
        "http://app.example/cb",
        "//evil.example/cb",
        "javascript:alert(1)",
        "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.1@evil.example/cb",
        "http://127.0.0.1:80:80/cb",
        "https://app.example/cb%0d%0aLocation:%20https://evil.example",
        "https://app.example\\@evil.example/cb",
    ] {
        rows.push(asking("editor", evil, &[]));
    }
    for query in rows {
        let answer = Browser::default().authorize(&bench, &query).await;
        assert!(
            answer.status == 400 && !leads_on(&answer),
            "{query}: {}",
            answer.status
        );
        assert!(!body(&answer).contains("evil"), "{query}");
    }
}

/// Anybody can register a client and make a faulty request for it: without a press of a button that would be a redirect from this
/// host to any other (RFC 9700 §4.11.2).
#[tokio::test(flavor = "current_thread")]
async fn a_faulty_request_leads_back_only_to_those_that_the_operator_knows_and_to_this_device() {
    let bench = Bench::start(config(), clients()).await;
    let faulty = [("resource", "https://evil.example/mcp")];
    let rows = [
        ("editor", "https://app.example/cb", true),
        ("editor", "http://127.0.0.1:1234/cb", true),
        ("registered", "http://localhost:1234/cb", true),
        ("registered", "https://web.example/cb", false),
        ("registered", "cursor://x/cb", false),
        (
            "https://doc.example/client",
            "https://doc.example/cb",
            false,
        ),
    ];
    for (client, redirect_uri, is_led_back) in rows {
        let query = asking(client, redirect_uri, &faulty);
        let answer = Browser::default().authorize(&bench, &query).await;
        assert_eq!(leads_on(&answer), is_led_back, "{client} {redirect_uri}");
        if is_led_back {
            let url = led_to(&answer);
            assert!(
                url.starts_with(redirect_uri) && url.contains("error=invalid_target"),
                "{url}"
            );
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_anybody_wrote_is_never_markup() {
    let evil = "\"><script>alert(1)</script>&'";
    let mut clients = clients();
    clients
        .iter_mut()
        .for_each(|client| client.name = evil.into());
    let bench = Bench::start(config(), clients).await;
    let more = [("scope", "files:read <script>"), ("login_hint", evil)];
    bench.next(Ok(somebody(evil, &[])));
    let mut browser = Browser::default();
    let state: String = byte_serialize(evil.as_bytes()).collect();
    let asked = asking("registered", "cursor://x/cb", &more).replace("client+state", &state);
    let page = browser.authorize(&bench, &asked).await;
    let onward = browser.press(&bench, &page, "allow").await;
    let answer = browser.come_back(&bench, &led_to(&onward)).await;
    let token = browser.log_in(&bench, "").await;
    let failed = browser.authorize(&bench, &asking(evil, evil, &more)).await;
    for reply in [&page, &onward, &answer, &token, &failed] {
        let body = body(reply);
        assert!(
            !body.contains("<script") && !body.contains("\">&"),
            "{body}"
        );
    }
    assert_eq!(parameter(&led_to(&answer), "state").as_deref(), Some(evil));
}

#[tokio::test(flavor = "current_thread")]
async fn clients_get_nothing_where_the_server_is_off() {
    let mut oauth = config();
    oauth.server = None;
    let bench = Bench::start(oauth, clients()).await;
    let answer = Browser::default().authorize(&bench, &editor()).await;
    assert_eq!((answer.status, leads_on(&answer)), (400, false));
    let page = Browser::default().authorize(&bench, "").await;
    assert_eq!(page.status, 200);
}

#[tokio::test(flavor = "current_thread")]
async fn a_cookie_of_somebody_elses_making_is_replaced() {
    let bench = Bench::start(config(), clients()).await;
    let planted = "x".repeat(43);
    let mut browser = Browser::default();
    browser
        .cookies
        .insert("__Host-mcpg-login".to_owned(), planted.clone());
    let page = browser.authorize(&bench, &editor()).await;
    assert_ne!(browser.cookies["__Host-mcpg-login"], planted);
    let onward = browser.press(&bench, &page, "allow").await;
    let mut mallory = Browser::default();
    mallory
        .cookies
        .insert("__Host-mcpg-login".to_owned(), planted);
    let answer = mallory
        .callback(&bench, &good_answer(&led_to(&onward)))
        .await;
    assert_eq!(answer.status, 400);
}
