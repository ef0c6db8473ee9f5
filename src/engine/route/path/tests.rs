#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

fn server(name: &str, prefix: Option<&str>, strip_prefix: bool) -> ServerParts {
    let mut parts = ServerParts::nowhere(name);
    parts.path_prefix = prefix.map(Into::into);
    parts.strip_prefix = strip_prefix;
    parts
}

fn routes() -> Routes {
    Routes::compile(&[
        server("github", Some("/team/github"), false),
        server("files", Some("/team"), true),
        server("git", None, false),
    ])
    .unwrap()
}

/// What `target` leads to: `index+remainder`, or the word for anything else.
fn lead(routes: &Routes, target: &str) -> String {
    match routes.resolve(target.as_bytes()) {
        Ok(Endpoint::Mcp { server, remainder }) => format!("{}+{remainder}", server.as_usize()),
        Ok(other) => format!("{other:?}"),
        Err(error) => format!("{error:?}"),
    }
}

#[test]
fn the_longest_prefix_on_a_segment_boundary_wins() {
    let rows = [
        ("/mcp", "0+"),
        ("/mcp?x=/../y", "0+"),
        ("/mcp/github", "0+"),
        ("/mcp/git", "2+"),
        ("/mcp/files", "1+"),
        ("/mcp/files/a/b", "1+/a/b"),
        ("/mcp/files/", "1+/"),
        ("/team/github", "0+"),
        ("/team/githubx", "1+/githubx"),
        ("/team/github/x", "Hidden"),
        ("/team", "1+"),
        ("/team/x?y", "1+/x"),
        ("/teamx", "NotFound"),
        ("/mcp/github/x", "Hidden"),
        ("/mcp/", "Hidden"),
        ("/mcp/unknown", "Hidden"),
        ("/mcp/GitHub", "Hidden"),
        ("/mcpx", "NotFound"),
        ("/", "NotFound"),
        ("/health", "Health"),
        ("/live", "Live"),
        ("/ready", "Ready"),
        ("/routes", "Routes"),
        ("/metrics", "Metrics"),
        ("/oauth/authorize?client_id=x", "OAuth(Authorize)"),
        ("/oauth/consent", "OAuth(Consent)"),
        ("/oauth/callback", "OAuth(Callback)"),
        ("/oauth/token", "OAuth(Token)"),
        ("/oauth/register", "OAuth(Register)"),
        ("/oauth/revoke", "OAuth(Revoke)"),
        ("/oauth/jwks", "OAuth(Jwks)"),
        ("/oauth", "NotFound"),
        ("/oauth/", "NotFound"),
        ("/oauth/token/", "NotFound"),
        ("/oauth/token/x", "NotFound"),
        ("/oauth/Token", "NotFound"),
        ("/oauth/metadata", "NotFound"),
        ("/oauth/introspect", "NotFound"),
        ("/token", "NotFound"),
        (
            "/.well-known/oauth-authorization-server",
            "ServerMetadata { path: \"\" }",
        ),
        (
            "/.well-known/oauth-authorization-server/base",
            "ServerMetadata { path: \"/base\" }",
        ),
        ("/.well-known/oauth-authorization-serverx", "NotFound"),
        ("/.well-known/openid-configuration", "NotFound"),
        ("/health/", "NotFound"),
        ("/healthx", "NotFound"),
    ];
    let routes = routes();
    for (target, expected) in rows {
        assert_eq!(lead(&routes, target), expected, "{target}");
    }
}

#[test]
fn a_path_that_could_be_read_two_ways_is_refused() {
    let long = format!("/{}", "a".repeat(PATH_BYTES_MAX));
    let rows = [
        "",
        "mcp",
        "*",
        "http://h/mcp",
        "//mcp",
        "/mcp//github",
        "/mcp/github//",
        "/mcp/./github",
        "/mcp/../mcp",
        "/mcp/..",
        "/mcp/.",
        "/./mcp",
        "/mcp/%67it",
        "/mcp%2fgit",
        "/mcp/%2e%2e",
        "/mcp\\git",
        "/mcp/files/..;/x",
        "/mcp;a=b",
        "/mcp#x",
        "/mcp x",
        "/mcp\t",
        "/mcp\0",
        "/mcp/\u{e9}",
        "/mcp/\u{7f}",
        "/team/<x>",
        &long,
    ];
    let routes = routes();
    for target in rows {
        assert_eq!(lead(&routes, target), "NotNormal", "{target:?}");
    }
    assert_eq!(routes.resolve(b"/mcp/\xff"), Err(RouteError::NotNormal));
    assert_eq!(lead(&routes, &long[..PATH_BYTES_MAX]), "NotFound");
}

#[test]
fn the_default_is_the_one_that_says_so_or_the_first() {
    let mut servers = [server("a", None, false), server("b", None, false)];
    assert_eq!(
        Routes::compile(&servers)
            .unwrap()
            .default_server()
            .as_usize(),
        0
    );
    servers[1].default = true;
    assert_eq!(lead(&Routes::compile(&servers).unwrap(), "/mcp"), "1+");
}

#[test]
fn conflicts_are_found_all_at_once() {
    let mut servers = vec![
        server("a", Some("/x"), false),
        server("a", Some("/x"), false),
        server("B", Some("/mcp/a"), false),
        server("c", Some("/health"), false),
        server("d", Some("y"), false),
        server("e", Some("/y/"), false),
        server("f", Some("/y/../z"), false),
        server("g", Some("/"), false),
        server("h", Some("/%79"), false),
        server("i", Some("/y?z"), false),
        server("", None, false),
    ];
    servers[0].default = true;
    servers[3].default = true;
    let errors = Routes::compile(&servers).unwrap_err();
    assert_eq!(
        errors,
        [
            RouteConflict::SameName { index: 1 },
            RouteConflict::SamePrefix { index: 1 },
            RouteConflict::BadName { index: 2 },
            RouteConflict::ReservedPrefix { index: 2 },
            RouteConflict::SamePrefix { index: 2 },
            RouteConflict::ReservedPrefix { index: 3 },
            RouteConflict::SecondDefault { index: 3 },
            RouteConflict::BadPrefix { index: 4 },
            RouteConflict::BadPrefix { index: 5 },
            RouteConflict::BadPrefix { index: 6 },
            RouteConflict::BadPrefix { index: 7 },
            RouteConflict::BadPrefix { index: 8 },
            RouteConflict::BadPrefix { index: 9 },
            RouteConflict::BadName { index: 10 },
        ]
    );
    assert_eq!(Routes::compile(&[]).unwrap_err(), [RouteConflict::NoServer]);
}

#[test]
fn servers_are_bounded() {
    let servers: Vec<_> = (0..=SERVERS_MAX)
        .map(|n| server(&format!("s{n}"), None, false))
        .collect();
    assert_eq!(
        Routes::compile(&servers).unwrap_err(),
        [RouteConflict::TooManyServers]
    );
    assert!(Routes::compile(&servers[1..]).is_ok());
}
