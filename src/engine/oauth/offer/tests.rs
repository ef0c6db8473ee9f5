//! Resources by their exact names, and nobody else's.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::{OAUTH_RESOURCE_BYTES_MAX, OAuthCode, Offer, PublicBase};
use crate::engine::oauth::testing::routes;

fn audience(base: &str, resource: &str, legacy_sse: bool) -> Option<String> {
    let base = PublicBase::parse(base).unwrap();
    let routes = routes();
    let offer = Offer {
        base: &base,
        routes: &routes,
        scopes: &[],
        legacy_sse,
    };
    match offer.audience(Some(resource)) {
        Ok(audience) => Some(audience.into()),
        Err(fault) => {
            assert_eq!(fault.code, OAuthCode::InvalidTarget);
            None
        }
    }
}

#[test]
fn a_resource_has_one_name_however_it_is_written() {
    for (resource, expected) in [
        ("https://gw.example", Some("https://gw.example")),
        ("https://gw.example/", Some("https://gw.example")),
        ("https://gw.example/mcp", Some("https://gw.example/mcp")),
        ("https://gw.example/mcp/", Some("https://gw.example/mcp")),
        ("HTTPS://GW.example:443/mcp", Some("https://gw.example/mcp")),
        (
            "https://gw.example/mcp/github",
            Some("https://gw.example/mcp/github"),
        ),
        (
            "https://gw.example/mcp/nobody",
            Some("https://gw.example/mcp/nobody"),
        ),
        (
            "https://gw.example/team/github",
            Some("https://gw.example/team/github"),
        ),
        (
            "https://gw.example/team/github/",
            Some("https://gw.example/team/github"),
        ),
        ("https://gw.example/MCP", None),
        ("https://gw.example/mcp//", None),
        ("https://gw.example/mcp/github/more", None),
        ("https://gw.example/mcp/../mcp", None),
        ("https://gw.example/%6dcp", None),
        ("https://gw.example/mcp?x", None),
        ("https://gw.example/mcp#x", None),
        ("https://gw.example?x", None),
        ("https://gw.example/team", None),
        ("https://gw.example/team/github/more", None),
        ("https://gw.example/message", None),
        ("https://gw.example/health", None),
        ("https://gw.example/oauth/token", None),
        ("https://gw.example:8443/mcp", None),
        ("https://gw.example:80/mcp", None),
        ("http://gw.example/mcp", None),
        ("https://gw.example.evil/mcp", None),
        ("https://evil.example/mcp", None),
        ("https://user@gw.example/mcp", None),
        ("https://gw.example@evil.example/mcp", None),
        ("https://gw.example\\@evil.example/mcp", None),
        ("//gw.example/mcp", None),
        ("/mcp", None),
        ("mcp", None),
        ("https://", None),
        ("", None),
    ] {
        let found = audience("https://gw.example", resource, false);
        assert_eq!(found.as_deref(), expected, "{resource}");
    }
}

#[test]
fn a_base_with_a_path_is_part_of_every_name() {
    for (resource, expected) in [
        ("http://127.0.0.1/a/b", Some("http://127.0.0.1/a/b")),
        ("http://127.0.0.1:80/a/b/", Some("http://127.0.0.1/a/b")),
        ("http://127.0.0.1/a/b/mcp", Some("http://127.0.0.1/a/b/mcp")),
        ("http://127.0.0.1/mcp", None),
        ("http://127.0.0.1/a/bmcp", None),
        ("http://127.0.0.1/a", None),
        ("http://127.0.0.1", None),
    ] {
        let found = audience("http://127.0.0.1/a/b", resource, false);
        assert_eq!(found.as_deref(), expected, "{resource}");
    }
}

#[test]
fn streams_of_2024_are_resources_where_they_are_served() {
    for (legacy_sse, resource, expected) in [
        (true, "https://gw.example/sse", true),
        (true, "https://gw.example/sse/github", true),
        (true, "https://gw.example/message", false),
        (false, "https://gw.example/sse", false),
    ] {
        let found = audience("https://gw.example", resource, legacy_sse);
        assert_eq!(found.is_some(), expected, "{resource}");
    }
}

#[test]
fn a_resource_has_a_bound() {
    let long = format!(
        "https://gw.example/mcp/{}",
        "a".repeat(OAUTH_RESOURCE_BYTES_MAX)
    );
    assert_eq!(audience("https://gw.example", &long, false), None);
}
