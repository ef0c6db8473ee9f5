#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn policy(allowed: &[&str], public_url: Option<&str>, bind: &str) -> OriginPolicy {
    let spec = OriginSpec {
        allowed_origins: &owned(allowed),
        public_url,
        bind: bind.parse().unwrap(),
        port: 3000,
    };
    OriginPolicy::compile(spec).unwrap()
}

fn check(policy: &OriginPolicy, accepted: &[&str], refused: &[&str]) {
    for origin in accepted {
        assert!(
            policy.allows(origin.as_bytes()),
            "{origin:?} must be accepted"
        );
    }
    for origin in refused {
        assert!(
            !policy.allows(origin.as_bytes()),
            "{origin:?} must be refused"
        );
    }
}

#[test]
fn a_loopback_listener_accepts_pages_of_its_own_port() {
    let local = policy(&[], None, "127.0.0.1");
    check(
        &local,
        &[
            "http://localhost:3000",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
            "HTTP://LOCALHOST:3000",
        ],
        &[
            "http://localhost",
            "http://localhost:3001",
            "https://localhost:3000",
            "http://evil.example",
            "http://localhost.evil.example:3000",
            "http://localhost:3000.evil.example",
            "http://localhost:3000@evil.example",
            "http://evil.example#http://localhost:3000",
            "http://localhost:3000/",
            "http://localhost:3000 http://evil.example",
            "null",
            "",
            "localhost:3000",
            "://localhost:3000",
            "file://",
        ],
    );
}

#[test]
fn the_public_url_is_an_origin_until_others_are_listed() {
    check(
        &policy(&[], Some("https://mcp.example.com/base"), "0.0.0.0"),
        &["https://mcp.example.com", "https://mcp.example.com:443"],
        &[
            "http://mcp.example.com",
            "https://mcp.example.com:8443",
            "http://localhost:3000",
        ],
    );
    let listed = policy(
        &["https://app.example.com", "http://dev:8080"],
        Some("https://mcp.example.com"),
        "127.0.0.1",
    );
    check(
        &listed,
        &["https://app.example.com", "http://dev:8080"],
        &[
            "https://mcp.example.com",
            "http://localhost:3000",
            "http://dev",
        ],
    );
}

#[test]
fn a_default_port_is_the_same_written_or_not() {
    check(
        &policy(&["https://a:443", "http://b"], None, "0.0.0.0"),
        &["https://a", "http://b:80"],
        &["http://a:443", "https://b:80"],
    );
}

#[test]
fn entries_that_are_no_origins_are_refused_by_index() {
    let entries = [
        "https://ok",
        "*",
        "https://*.example.com",
        "https://a/",
        "a.example",
        "null",
        "",
    ];
    let errors = OriginPolicy::listed(&owned(&entries)).unwrap_err();
    let found: Vec<_> = errors
        .iter()
        .map(|error| (error.index.unwrap(), error.reason))
        .collect();
    assert_eq!(
        found,
        [
            (1, PolicyFault::Wildcard),
            (2, PolicyFault::Wildcard),
            (3, PolicyFault::NotAnOrigin),
            (4, PolicyFault::NotAnOrigin),
            (5, PolicyFault::NotAnOrigin),
            (6, PolicyFault::NotAnOrigin),
        ]
    );
}

#[test]
fn a_policy_includes_another_when_it_accepts_all_of_its_origins() {
    let wide = OriginPolicy::listed(&owned(&["https://a", "https://b"])).unwrap();
    let narrow = OriginPolicy::listed(&owned(&["https://B:443"])).unwrap();
    assert!(wide.includes(&narrow) && wide.includes(&wide));
    assert!(!narrow.includes(&wide));
}

#[test]
fn an_origin_is_that_of_a_url_whatever_its_path_and_spelling() {
    let rows = [
        ("https://gw.example", "https://gw.example", true),
        ("https://gw.example:443", "https://GW.example/base", true),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000/a", true),
        ("https://gw.example", "https://gw.example:8443", false),
        ("http://gw.example", "https://gw.example", false),
        ("https://gw.example.evil", "https://gw.example", false),
        ("null", "https://gw.example", false),
        ("", "https://gw.example", false),
        ("https://gw.example/", "https://gw.example", false),
        ("https://gw.example", "", false),
    ];
    for (origin, url, expected) in rows {
        assert_eq!(
            is_origin_of(origin.as_bytes(), url),
            expected,
            "{origin} {url}"
        );
    }
}
