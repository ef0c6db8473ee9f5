#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::engine::snapshot::ServerParts;

fn server(name: &str, prefix: Option<&str>, strip_prefix: bool) -> ServerParts {
    let mut parts = ServerParts::nowhere(name);
    parts.path_prefix = prefix.map(Into::into);
    parts.strip_prefix = strip_prefix;
    parts
}

#[test]
fn a_path_belongs_to_the_resource_that_its_client_was_given() {
    let routes = Routes::compile(&[
        server("github", Some("/team/github"), false),
        server("files", Some("/team"), true),
    ])
    .unwrap();
    let long = format!("/mcp/{}", "x".repeat(65));
    let rows = [
        ("/mcp", "/mcp"),
        ("/mcp?x=y", "/mcp"),
        ("/mcp/github", "/mcp/github"),
        ("/mcp/github/x/y", "/mcp/github"),
        ("/mcp/nowhere", "/mcp/nowhere"),
        ("/mcp/nowhere/x", "/mcp/nowhere"),
        ("/mcp/", "/mcp"),
        ("/mcp/Nowhere", "/mcp"),
        (&long, "/mcp"),
        ("/team/github", "/team/github"),
        ("/team/github/x", "/team/github"),
        ("/team/files/x", "/team"),
        ("/sse", "/sse"),
        ("/sse/github", "/sse/github"),
        ("/message", "/sse"),
        ("/message/github?session=x", "/sse/github"),
        ("/messages", "-"),
        ("/mcpx", "-"),
        ("/routes", "-"),
        ("/", "-"),
        ("/mcp/../x", "-"),
        ("/mcp/a\"b", "-"),
    ];
    for (path, expected) in rows {
        let resource = routes.resource(path.as_bytes());
        let found = resource.map_or("-".to_owned(), |resource| resource.to_string());
        assert_eq!(found, expected, "{path}");
    }
}

#[test]
fn a_resource_is_at_its_own_path_alone() {
    let resource = Resource::below(MCP_PATH, "/github/x");
    for (path, is_there) in [
        ("/mcp/github", true),
        ("/mcp/github/", false),
        ("/mcp/github/x", false),
        ("/mcp", false),
        ("", false),
    ] {
        assert_eq!(resource.is_at(path), is_there, "{path}");
    }
}
