#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::engine::identity::AuthenticatorParts;
use crate::engine::identity::jwt::{
    Algorithm, JwtIssuer, JwtIssuers, KeySource, OwnTokens, ScopeGrants, ScopeMap, SourceId,
};
use crate::engine::identity::opaque::{OpaqueTokens, UserAccess, UserRules};
use crate::engine::snapshot::ServerParts;

fn issuer(name: &str, scopes: &[&str]) -> JwtIssuer {
    let scopes = scopes.iter().map(|&scope| ScopeGrants {
        scope: scope.into(),
        grants: Arc::default(),
    });
    JwtIssuer {
        issuer: name.into(),
        audiences: vec!["mcp".into()],
        algorithms: vec![Algorithm::Es256],
        keys: KeySource::Jwks(SourceId::of(
            "https://issuer.example/jwks",
            &[Algorithm::Es256],
        )),
        user_id_claim: "sub".into(),
        scopes_claim: "scope".into(),
        scopes: Arc::new(ScopeMap::new(scopes.collect())),
        grants: Arc::default(),
        quota: None,
        leeway_secs: 0,
        require_at_jwt: false,
        own: None,
    }
}

fn server(name: &str, prefix: Option<&str>) -> ServerParts {
    let mut parts = ServerParts::nowhere(name);
    parts.path_prefix = prefix.map(Into::into);
    parts
}

/// A gateway at `public_url` with `servers`, and what it tells.
struct Gateway {
    routes: Routes,
    discovery: Discovery,
}

fn gateway(
    public_url: Option<&str>,
    issuers: Vec<JwtIssuer>,
    servers: &[ServerParts],
    legacy_sse: bool,
) -> Gateway {
    let parts = AuthenticatorParts {
        issuers: JwtIssuers::compile(issuers).unwrap(),
        ..AuthenticatorParts::default()
    };
    gateway_of(public_url, parts, servers, legacy_sse)
}

fn gateway_of(
    public_url: Option<&str>,
    parts: AuthenticatorParts,
    servers: &[ServerParts],
    legacy_sse: bool,
) -> Gateway {
    let identity = Authenticator::new(parts);
    Gateway {
        routes: Routes::compile(servers).unwrap(),
        discovery: Discovery::new(DiscoverySpec {
            public_url,
            identity: &identity,
            servers: servers.len(),
            legacy_sse,
        }),
    }
}

impl Gateway {
    fn document(&self, path: &str) -> Option<Value> {
        let resource = self.discovery.described(&self.routes, path)?;
        Some(serde_json::from_slice(&self.discovery.document(resource)).unwrap())
    }

    /// The URL of the resource whose document is at `path`, or `-`.
    fn resource(&self, path: &str) -> String {
        self.document(path).map_or("-".to_owned(), |document| {
            document["resource"].as_str().unwrap().to_owned()
        })
    }

    fn unauthorized(&self, path: &str) -> String {
        let resource = self.routes.resource(path.as_bytes());
        self.discovery.unauthorized(resource, ChallengeError::None)
    }
}

const ISSUER: &str = "https://issuer.example/realm";

#[test]
fn a_document_says_what_rfc_9728_asks_for() {
    let gateway = gateway(
        Some("https://gw.example"),
        vec![
            issuer(ISSUER, &["files:read", "offline_access", "github"]),
            issuer("plain-name", &["hidden"]),
            issuer("http://localhost:9000", &["github", "more"]),
        ],
        &[server("a", None)],
        false,
    );
    let expected = json!({
        "resource": "https://gw.example/mcp",
        "authorization_servers": [ISSUER, "http://localhost:9000"],
        "scopes_supported": ["files:read", "github", "more"],
        "bearer_methods_supported": ["header"],
        "resource_name": "mcp-guard",
    });
    assert_eq!(gateway.document("/mcp").unwrap(), expected);
    assert_eq!(gateway.document("").unwrap(), expected);
}

/// The gateway itself as an issuer, whose tokens clients can ask for, or people alone.
fn own(is_offered: bool, scopes: &[&str]) -> JwtIssuer {
    JwtIssuer {
        own: Some(OwnTokens {
            realm: "github".into(),
            base: PublicBase::parse("https://gw.example").unwrap(),
            users: nobody(),
            is_offered,
        }),
        ..issuer("https://gw.example", scopes)
    }
}

fn nobody() -> Arc<UserRules> {
    Arc::new(UserRules {
        rules: Vec::new(),
        default: UserAccess {
            grants: Arc::default(),
            quota: None,
            scopes: None,
        },
    })
}

fn opaque(realm: &str, scope: &str) -> OpaqueTokens {
    OpaqueTokens {
        realm: realm.into(),
        client_id: "gateway".into(),
        audiences: Vec::new(),
        base: None,
        scopes: issuer("x", &[scope]).scopes,
        users: nobody(),
    }
}

#[test]
fn clients_are_sent_where_tokens_are_to_be_had() {
    const GATEWAY: &str = "https://gw.example";
    let provider = "https://provider.example";
    type Row<'a> = (
        Vec<JwtIssuer>,
        Option<OpaqueTokens>,
        Option<(Vec<&'a str>, Vec<&'a str>)>,
    );
    let rows: [Row<'_>; 9] = [
        (
            vec![own(true, &["a"])],
            None,
            Some((vec![GATEWAY], vec!["a"])),
        ),
        // The first, whatever the order of the file.
        (
            vec![issuer(ISSUER, &["b"]), own(true, &["a", "b"])],
            None,
            Some((vec![GATEWAY, ISSUER], vec!["a", "b"])),
        ),
        // Only people log in.
        (vec![own(false, &["a"])], None, None),
        (
            vec![own(false, &["a"]), issuer(ISSUER, &["b"])],
            None,
            Some((vec![ISSUER], vec!["b"])),
        ),
        // Opaque tokens come from the provider, where it says who it is and the gateway has none to give.
        (
            vec![],
            Some(opaque(provider, "c")),
            Some((vec![provider], vec!["c"])),
        ),
        (vec![], Some(opaque("github", "c")), None),
        (
            vec![own(true, &["a"])],
            Some(opaque(provider, "c")),
            Some((vec![GATEWAY], vec!["a"])),
        ),
        (
            vec![own(false, &["a"])],
            Some(opaque(provider, "c")),
            Some((vec![provider], vec!["c"])),
        ),
        // One that also signs tokens is named once.
        (
            vec![issuer(ISSUER, &["b"])],
            Some(opaque(ISSUER, "c")),
            Some((vec![ISSUER], vec!["b", "c"])),
        ),
    ];
    for (index, (issuers, opaque, expected)) in rows.into_iter().enumerate() {
        let parts = AuthenticatorParts {
            issuers: JwtIssuers::compile(issuers).unwrap(),
            opaque,
            ..AuthenticatorParts::default()
        };
        let gateway = gateway_of(Some(GATEWAY), parts, &[server("a", None)], false);
        let document = gateway.document("/mcp");
        let found = document.map(|document| {
            (
                document["authorization_servers"].clone(),
                document["scopes_supported"].clone(),
            )
        });
        let expected = expected.map(|(servers, scopes)| (json!(servers), json!(scopes)));
        assert_eq!(found, expected, "row {index}");
    }
}

#[test]
fn every_route_has_a_document_at_its_own_path() {
    let two = [server("a", None), server("b", Some("/team/b"))];
    let plain = gateway(
        Some("https://gw.example"),
        vec![issuer(ISSUER, &[])],
        &two,
        false,
    );
    let legacy = gateway(
        Some("https://gw.example"),
        vec![issuer(ISSUER, &[])],
        &two,
        true,
    );
    let rows = [
        ("", "-", "-"),
        ("/", "-", "-"),
        ("/mcp", "https://gw.example/mcp", "https://gw.example/mcp"),
        (
            "/mcp/a",
            "https://gw.example/mcp/a",
            "https://gw.example/mcp/a",
        ),
        (
            "/mcp/nowhere",
            "https://gw.example/mcp/nowhere",
            "https://gw.example/mcp/nowhere",
        ),
        ("/mcp/a/", "-", "-"),
        ("/mcp/a/x", "-", "-"),
        ("/mcp/A", "-", "-"),
        (
            "/team/b",
            "https://gw.example/team/b",
            "https://gw.example/team/b",
        ),
        ("/team/b/x", "-", "-"),
        ("/team", "-", "-"),
        ("/sse", "-", "https://gw.example/sse"),
        ("/sse/b", "-", "https://gw.example/sse/b"),
        ("/message", "-", "-"),
        ("/message/b", "-", "-"),
        ("/health", "-", "-"),
        ("/routes", "-", "-"),
    ];
    for (path, without, with) in rows {
        assert_eq!(plain.resource(path), without, "{path}");
        assert_eq!(legacy.resource(path), with, "{path}");
    }
}

#[test]
fn a_public_path_stands_before_the_resource() {
    let gateway = gateway(
        Some("https://gw.example/base"),
        vec![issuer(ISSUER, &[])],
        &[server("a", None)],
        false,
    );
    for path in ["/base/mcp/a", "/mcp/a"] {
        assert_eq!(
            gateway.resource(path),
            "https://gw.example/base/mcp/a",
            "{path}"
        );
    }
    for path in ["", "/base"] {
        assert_eq!(
            gateway.resource(path),
            "https://gw.example/base/mcp",
            "{path}"
        );
    }
    assert_eq!(gateway.resource("/basemcp"), "-");
    assert!(gateway.unauthorized("/mcp/a").contains(
        r#"resource_metadata="https://gw.example/.well-known/oauth-protected-resource/base/mcp/a""#
    ));
}

#[test]
fn nothing_is_published_without_a_place_and_an_authorization_server() {
    let rows = [
        (None, vec![issuer(ISSUER, &["a"])]),
        (
            Some("https://gw.example/a\"b"),
            vec![issuer(ISSUER, &["a"])],
        ),
        (Some("https://gw.example"), Vec::new()),
        (
            Some("https://gw.example"),
            vec![issuer("plain-name", &["a"])],
        ),
    ];
    for (public_url, issuers) in rows {
        let gateway = gateway(public_url, issuers, &[server("a", None)], false);
        assert_eq!(gateway.document("/mcp"), None, "{public_url:?}");
        assert_eq!(gateway.unauthorized("/mcp"), ChallengeError::None.plain());
        let refused = gateway.discovery.unauthorized(
            gateway.routes.resource(b"/mcp"),
            ChallengeError::InvalidToken,
        );
        assert_eq!(refused, ChallengeError::InvalidToken.plain());
    }
}

#[test]
fn a_challenge_points_at_the_document_of_the_path_that_was_used() {
    let two = [server("a", None), server("b", Some("/team/b"))];
    let gateway = gateway(
        Some("https://gw.example"),
        vec![issuer(ISSUER, &["one", "two"])],
        &two,
        false,
    );
    let rows = [
        ("/mcp", "/mcp"),
        ("/mcp/a", "/mcp/a"),
        ("/mcp/a/x", "/mcp/a"),
        ("/team/b", "/team/b"),
        ("/team/b/x", "/team/b"),
    ];
    for (path, resource) in rows {
        let url = format!("https://gw.example/.well-known/oauth-protected-resource{resource}");
        let expected =
            format!(r#"Bearer realm="mcp-guard", resource_metadata="{url}", scope="one two""#);
        assert_eq!(gateway.unauthorized(path), expected, "{path}");
        assert!(gateway.document(resource).is_some(), "{resource}");
    }
    assert_eq!(
        gateway.unauthorized("/routes"),
        ChallengeError::None.plain()
    );
}

#[test]
fn nobody_learns_which_servers_exist() {
    let gateway = gateway(
        Some("https://gw.example"),
        vec![issuer(ISSUER, &["one"])],
        &[server("a", None), server("b", None)],
        true,
    );
    let told = |name: &str| {
        let paths = ["/mcp", "/sse"].map(|base| format!("{base}/{name}"));
        let told = paths.map(|path| {
            let document = gateway.document(&path).unwrap().to_string();
            [
                document,
                gateway.unauthorized(&path),
                gateway.unauthorized(&format!("{path}/x")),
            ]
        });
        format!("{told:?}").replace(&format!("/{name}"), "/NAME")
    };
    assert_eq!(told("a"), told("nowhere"));
}

#[test]
fn the_scopes_of_a_challenge_are_bounded() {
    let scopes: Vec<String> = (0..200).map(|n| format!("{n:0>50}")).collect();
    let texts: Vec<&str> = scopes
        .iter()
        .map(String::as_str)
        .chain(["quo\"te"])
        .collect();
    let issuer = issuer(ISSUER, &texts);
    let server = AuthorizationServer {
        issuer: &issuer.issuer,
        scopes: &issuer.scopes,
    };
    let found = super::scopes(&[server]).join(" ");
    assert!(found.len() <= CHALLENGE_SCOPE_BYTES_MAX && !found.contains('"'));
    assert!(found.len() > CHALLENGE_SCOPE_BYTES_MAX - 51);
}
