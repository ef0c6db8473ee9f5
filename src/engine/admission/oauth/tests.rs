#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::engine::admission::admit_head;
use crate::engine::identity::Proving;
use crate::engine::mcp::headers::HeaderDigest;
use crate::engine::oauth::OAuthSurface;
use crate::engine::route::OriginPolicy;
use crate::engine::snapshot::{ServerParts, SnapshotParts};

const ALL: OAuthSurface = OAuthSurface {
    login: true,
    server: true,
};
const LOGIN: OAuthSurface = OAuthSurface {
    login: true,
    server: false,
};
const NONE: OAuthSurface = OAuthSurface {
    login: false,
    server: false,
};
const FORM_FIELD: (&str, &str) = ("content-type", FORM);
const JSON_FIELD: (&str, &str) = ("content-type", "application/json");

/// A gateway at `https://gw.example/base` that other pages of `https://app.example` may talk to.
fn snapshot(oauth: OAuthSurface) -> Snapshot {
    let mut parts = SnapshotParts::new(vec![ServerParts::nowhere("a")]);
    parts.public_url = Some("https://gw.example/base".into());
    parts.origins = OriginPolicy::listed(&["https://app.example".into()]).unwrap();
    parts.oauth = oauth;
    Snapshot::new(parts).unwrap()
}

/// What becomes of a request: the endpoint, or the status, with `!` where its clients read an error of OAuth.
fn told(snapshot: &Snapshot, verb: Verb, target: &str, fields: &[(&str, &str)]) -> String {
    let mut head = Vec::new();
    let mut spans = Vec::new();
    for (name, value) in fields {
        let start = head.len();
        head.extend_from_slice(value.as_bytes());
        spans.push((*name, start..head.len()));
    }
    let fields = spans
        .iter()
        .map(|(name, span)| (name.as_bytes(), &head[span.clone()]));
    let digest = HeaderDigest::read(&head, fields).unwrap();
    let arrival = Arrival {
        server_name: None,
        verb,
        target: target.as_bytes(),
        authority: Some(b"gw.example"),
        head: &head,
        digest: &digest,
        proving: Proving::bare(0),
    };
    match admit_head(snapshot, &arrival) {
        Ok(HeadAdmission::OAuth(endpoint)) => endpoint.as_str().to_owned(),
        Ok(other) => format!("{other:?}"),
        Err(refusal @ HeadRefusal::OAuth { .. }) => format!("{}!", refusal.failure().status()),
        Err(refusal) => refusal.failure().status().to_string(),
    }
}

#[test]
fn each_endpoint_takes_its_methods_and_content_types() {
    let snapshot = snapshot(ALL);
    type Row<'a> = (&'a str, Verb, &'a [(&'a str, &'a str)], &'a str);
    let rows: &[Row<'_>] = &[
        ("/oauth/authorize?client_id=x", Verb::Get, &[], "authorize"),
        ("/oauth/authorize", Verb::Head, &[], "405!"),
        ("/oauth/authorize", Verb::Post, &[FORM_FIELD], "405!"),
        ("/oauth/callback?code=x&state=y", Verb::Get, &[], "callback"),
        ("/oauth/callback", Verb::Head, &[], "405!"),
        ("/oauth/callback", Verb::Post, &[FORM_FIELD], "405!"),
        ("/oauth/consent", Verb::Post, &[FORM_FIELD], "consent"),
        ("/oauth/consent", Verb::Post, &[JSON_FIELD], "415!"),
        ("/oauth/consent", Verb::Post, &[], "415!"),
        ("/oauth/consent", Verb::Get, &[], "405!"),
        ("/oauth/token", Verb::Post, &[FORM_FIELD], "token"),
        (
            "/oauth/token",
            Verb::Post,
            &[(
                "content-type",
                "Application/X-WWW-Form-URLencoded; charset=UTF-8",
            )],
            "token",
        ),
        (
            "/oauth/token",
            Verb::Post,
            &[(
                "content-type",
                "application/x-www-form-urlencoded;charset=utf-16",
            )],
            "415!",
        ),
        ("/oauth/token", Verb::Post, &[JSON_FIELD], "415!"),
        (
            "/oauth/token",
            Verb::Post,
            &[FORM_FIELD, ("content-encoding", "gzip")],
            "415!",
        ),
        (
            "/oauth/token",
            Verb::Post,
            &[FORM_FIELD, ("authorization", "Basic eDp5")],
            "token",
        ),
        ("/oauth/token", Verb::Get, &[], "405!"),
        ("/oauth/token", Verb::Delete, &[], "405!"),
        ("/oauth/register", Verb::Post, &[JSON_FIELD], "register"),
        ("/oauth/register", Verb::Post, &[FORM_FIELD], "415!"),
        ("/oauth/register", Verb::Get, &[], "405!"),
        ("/oauth/revoke", Verb::Post, &[FORM_FIELD], "revoke"),
        ("/oauth/revoke", Verb::Post, &[JSON_FIELD], "415!"),
        ("/oauth/jwks", Verb::Get, &[], "jwks"),
        ("/oauth/jwks", Verb::Head, &[], "jwks"),
        ("/oauth/jwks", Verb::Post, &[JSON_FIELD], "405!"),
        ("/oauth/introspect", Verb::Post, &[FORM_FIELD], "404"),
        ("/oauth/../oauth/token", Verb::Post, &[FORM_FIELD], "400"),
        ("/oauth/token", Verb::Options, &[], "405"),
    ];
    for (target, verb, fields, expected) in rows {
        assert_eq!(
            told(&snapshot, *verb, target, fields),
            *expected,
            "{verb:?} {target} {fields:?}"
        );
    }
}

#[test]
fn metadata_is_at_the_root_and_behind_the_public_path() {
    let snapshot = snapshot(ALL);
    for (below, expected) in [
        ("", "metadata"),
        ("/base", "metadata"),
        ("/base/", "404"),
        ("/base/mcp", "404"),
        ("/other", "404"),
        ("x", "404"),
    ] {
        let target = format!("/.well-known/oauth-authorization-server{below}");
        for verb in [Verb::Get, Verb::Head] {
            assert_eq!(told(&snapshot, verb, &target, &[]), expected, "{target}");
        }
    }
    let root = "/.well-known/oauth-authorization-server";
    assert_eq!(told(&snapshot, Verb::Post, root, &[JSON_FIELD]), "405!");
    let other = "/.well-known/openid-configuration";
    assert_eq!(told(&snapshot, Verb::Get, other, &[]), "404");
}

#[test]
fn what_is_not_served_is_not_there_whatever_the_method() {
    for (surface, served) in [
        (NONE, &[][..]),
        (LOGIN, &["authorize", "consent", "callback", "jwks"]),
    ] {
        let snapshot = snapshot(surface);
        for endpoint in OAuthEndpoint::ALL {
            let name = endpoint.as_str();
            let is_served = served.contains(&name);
            let expected = if is_served { "405!" } else { "404" };
            let found = told(&snapshot, Verb::Delete, endpoint.path(), &[]);
            assert_eq!(found, expected, "{name}");
        }
    }
}

#[test]
fn pages_of_the_gateways_own_may_post_and_they_alone_consent() {
    let snapshot = snapshot(ALL);
    let own = "https://gw.example";
    let rows = [
        ("/oauth/consent", own, "consent"),
        ("/oauth/consent", "https://GW.example:443", "consent"),
        // A page may send `null` where its address is to be kept secret, and so may any other.
        ("/oauth/consent", "null", "403!"),
        ("/oauth/consent", "https://app.example", "403!"),
        ("/oauth/consent", "https://evil.example", "403!"),
        ("/oauth/consent", "http://gw.example", "403!"),
        ("/oauth/token", own, "token"),
        ("/oauth/token", "https://app.example", "token"),
        ("/oauth/token", "https://evil.example", "403!"),
        ("/oauth/token", "null", "403!"),
        // What is listed decides alone elsewhere.
        ("/mcp", own, "403"),
        ("/oauth/none", own, "403"),
    ];
    for (target, origin, expected) in rows {
        let fields = [FORM_FIELD, ("origin", origin)];
        let found = told(&snapshot, Verb::Post, target, &fields);
        assert_eq!(found, expected, "{target} {origin}");
    }
}
