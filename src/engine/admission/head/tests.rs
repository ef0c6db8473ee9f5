#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "tests/tokens.rs"]
mod tokens;

use std::sync::Arc;

use super::*;
use crate::engine::identity::jwt::{Algorithm, JwtIssuer, JwtIssuers, KeySource, SourceId};
use crate::engine::identity::{Authenticator, AuthenticatorParts};
use crate::engine::snapshot::{ServerParts, SnapshotParts};

/// A gateway with one server, in public where `public_url` says so, that takes tokens and nothing else.
fn snapshot(public_url: Option<&str>) -> Snapshot {
    let issuer = JwtIssuer {
        issuer: "https://issuer.example".into(),
        audiences: vec!["mcp".into()],
        algorithms: vec![Algorithm::Es256],
        keys: KeySource::Jwks(SourceId::of("https://issuer.example/jwks", &[])),
        user_id_claim: "sub".into(),
        scopes_claim: "scope".into(),
        scopes: Arc::default(),
        grants: Arc::default(),
        quota: None,
        leeway_secs: 0,
        require_at_jwt: false,
        own: None,
    };
    let mut parts = SnapshotParts::new(vec![ServerParts::nowhere("a")]);
    parts.public_url = public_url.map(Into::into);
    parts.identity = Authenticator::new(AuthenticatorParts {
        issuers: JwtIssuers::compile(vec![issuer]).unwrap(),
        ..AuthenticatorParts::default()
    });
    Snapshot::new(parts).unwrap()
}

/// What becomes of a request without a credential: the resource described, or the status.
fn told(snapshot: &Snapshot, verb: Verb, target: &str) -> String {
    let digest = HeaderDigest::default();
    let arrival = Arrival {
        server_name: None,
        verb,
        target: target.as_bytes(),
        authority: Some(b"gw.example"),
        head: b"",
        digest: &digest,
        proving: Proving::bare(0),
    };
    match admit_head(snapshot, &arrival) {
        Ok(HeadAdmission::ResourceMetadata(resource)) => resource.to_string(),
        Ok(other) => format!("{other:?}"),
        Err(refusal) => refusal.failure().status().to_string(),
    }
}

#[test]
fn documents_are_read_without_a_credential_and_nothing_behind_them_is() {
    let public = snapshot(Some("https://gw.example"));
    let rows = [
        (Verb::Get, "/.well-known/oauth-protected-resource", "/mcp"),
        (
            Verb::Head,
            "/.well-known/oauth-protected-resource/mcp",
            "/mcp",
        ),
        (
            Verb::Get,
            "/.well-known/oauth-protected-resource/mcp/a?x",
            "/mcp/a",
        ),
        (
            Verb::Post,
            "/.well-known/oauth-protected-resource/mcp",
            "405",
        ),
        (
            Verb::Delete,
            "/.well-known/oauth-protected-resource/mcp",
            "405",
        ),
        (
            Verb::Post,
            "/.well-known/oauth-protected-resource/none",
            "404",
        ),
        (Verb::Get, "/.well-known/oauth-protected-resourcex", "404"),
        (
            Verb::Get,
            "/.well-known/oauth-protected-resource/sse",
            "404",
        ),
        (
            Verb::Get,
            "/.well-known/oauth-protected-resource/../mcp",
            "400",
        ),
        (Verb::Get, "/.well-known/oauth-authorization-server", "404"),
        (Verb::Get, "/mcp", "401"),
        (Verb::Get, "/mcp/none", "401"),
    ];
    for (verb, target, expected) in rows {
        assert_eq!(told(&public, verb, target), expected, "{verb:?} {target}");
    }
}

#[test]
fn a_gateway_that_publishes_nothing_has_no_documents() {
    let private = snapshot(None);
    for target in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
    ] {
        for verb in [Verb::Get, Verb::Post] {
            assert_eq!(told(&private, verb, target), "404", "{target}");
        }
    }
}

#[test]
fn a_host_other_than_the_name_of_the_handshake_is_misdirected() {
    let snapshot = snapshot(None);
    let digest = HeaderDigest::default();
    for (host, server_name, expected) in [
        (&b"gw.example"[..], None, 200),
        (b"gw.example", Some("gw.example"), 200),
        (b"GW.Example:8443", Some("gw.example"), 200),
        (b"127.0.0.1:8443", Some("gw.example"), 200),
        (b"[::1]:8443", Some("gw.example"), 200),
        (b"other.example", Some("gw.example"), 421),
        (b"gw.example.other", Some("gw.example"), 421),
        (b"gw.example.", Some("gw.example"), 421),
        (b"", Some("gw.example"), 421),
    ] {
        let arrival = Arrival {
            server_name,
            verb: Verb::Get,
            target: b"/health",
            authority: Some(host),
            head: b"",
            digest: &digest,
            proving: Proving::bare(0),
        };
        let status = match admit_head(&snapshot, &arrival) {
            Ok(_) => 200,
            Err(refusal) => refusal.failure().status(),
        };
        assert_eq!(status, expected, "{} {server_name:?}", host.escape_ascii());
    }
}
