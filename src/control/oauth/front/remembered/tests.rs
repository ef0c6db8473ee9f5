#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::{covers, may_be_remembered};
use crate::control::oauth::front::testing::client_errand;
use crate::engine::oauth::{ClientOrigin, Consent, RedirectUri};

fn consent() -> Consent {
    Consent {
        redirect_uri: "https://app.example/cb".into(),
        audience: "https://gw.example/mcp".into(),
        scopes: vec!["files:read".into(), "files:list".into()],
        given_at_secs: 0,
    }
}

#[test]
fn consent_covers_the_same_place_and_resource_and_no_further_scope() {
    let asked = client_errand("https://app.example/cb").request;
    assert!(covers(&consent(), &asked));
    let mut other = asked.clone();
    other.redirect_uri = RedirectUri::parse("https://app.example/other").unwrap();
    assert!(!covers(&consent(), &other), "another place");
    let mut other = asked.clone();
    other.audience = "https://gw.example/mcp/github".into();
    assert!(!covers(&consent(), &other), "another resource");
    let mut other = asked.clone();
    other.scopes.push("files:write".into());
    assert!(!covers(&consent(), &other), "a further scope");
    let mut fewer = asked;
    fewer.scopes.clear();
    assert!(covers(&consent(), &fewer));
}

#[test]
fn the_port_of_loopback_may_change_and_the_port_of_a_host_may_not() {
    let rows = [
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb", true),
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:2/other", false),
        ("http://127.0.0.1:1/cb", "http://localhost:1/cb", false),
        (
            "https://app.example/cb",
            "https://app.example:8443/cb",
            false,
        ),
    ];
    for (allowed, asked, is_covered) in rows {
        let allowed = Consent {
            redirect_uri: allowed.into(),
            ..consent()
        };
        let asked = client_errand(asked).request;
        assert_eq!(covers(&allowed, &asked), is_covered, "{allowed:?}");
    }
}

#[test]
fn programs_that_anybody_can_claim_to_be_are_asked_about_each_time() {
    let (configured, document) = (ClientOrigin::Configured, ClientOrigin::Document);
    let registered = ClientOrigin::Registered { at_secs: 0 };
    let rows = [
        (configured, "https://app.example/cb", true),
        (configured, "http://127.0.0.1/cb", true),
        (configured, "cursor://host/cb", true),
        (document, "https://app.example/cb", true),
        (document, "http://127.0.0.1/cb", false),
        (document, "cursor://host/cb", false),
        (registered, "https://app.example/cb", true),
        (registered, "http://localhost:1/cb", false),
        (registered, "com.example.app:/cb", false),
    ];
    for (origin, redirect_uri, expected) in rows {
        let mut errand = client_errand(redirect_uri);
        errand.origin = origin;
        assert_eq!(
            may_be_remembered(&errand),
            expected,
            "{origin:?} {redirect_uri}"
        );
    }
}
