//! What scopes allow, and what a client is told that needs more of them.

use serde_json::json;

use super::{SCOPES, assert_called, call_with, setup};
use crate::harness::client::{Answer, call, post};
use crate::harness::gateway::{Gateway, READER, Setup};
use crate::harness::issuer::Issuer;
use crate::harness::upstream::{Upstream, plain_server};

const LIST: &str = r#"{"jsonrpc":"2.0","id":3,"method":"tools/list"}"#;

fn public(setup: Setup) -> Setup {
    setup.server(
        "public_url = \"https://gateway.test\"\nallowed_hosts = [\"localhost\", \"gateway.test\"]",
    )
}

fn tools(answer: &Answer) -> Vec<String> {
    let tools = answer.json()["result"]["tools"].clone();
    let names = tools.as_array().unwrap().iter();
    names
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The value of `name` in a challenge.
fn parameter(answer: &Answer, name: &str) -> Option<String> {
    let challenge = answer.header("www-authenticate")?;
    let (_, rest) = challenge.split_once(&format!("{name}=\""))?;
    Some(rest.split('"').next().unwrap().to_owned())
}

#[test]
fn lists_show_what_scopes_allow_to_call() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = setup(&upstream, &issuer.section(SCOPES)).start();
    let of = |scope: serde_json::Value| issuer.token_with(json!({"scope": scope}));
    for (scope, expected) in [
        (json!("tools:read"), vec!["read_a", "read_b"]),
        (json!("openid  tools:read email"), vec!["read_a", "read_b"]),
        (json!(["tools:read"]), vec!["read_a", "read_b"]),
        (json!("tools:write"), vec!["delete_all"]),
        (
            json!(["tools:write", "tools:read"]),
            vec!["read_a", "delete_all", "read_b"],
        ),
        (json!("TOOLS:READ"), vec![]),
        (json!("tools"), vec![]),
        (json!(""), vec![]),
        (json!([]), vec![]),
        (json!(null), vec![]),
    ] {
        let token = of(scope.clone());
        assert_eq!(tools(&gateway.post(&token, LIST)), expected, "{scope}");
        for tool in ["read_a", "delete_all"] {
            let is_allowed = call_with(&gateway, &token, tool).status == 200;
            assert_eq!(is_allowed, expected.contains(&tool), "{scope} {tool}");
        }
    }
}

#[test]
fn a_call_that_a_scope_would_allow_says_which_and_one_that_none_would_does_not() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = public(setup(&upstream, &issuer.section(SCOPES))).start();
    let token = issuer.token("alice", "tools:read openid");
    let answer = call_with(&gateway, &token, "delete_all");
    assert_eq!((answer.status, answer.code()), (403, 40301), "{answer:?}");
    assert_eq!(answer.json()["id"], 7, "the id is known");
    assert_eq!(
        parameter(&answer, "error").as_deref(),
        Some("insufficient_scope")
    );
    let scope = parameter(&answer, "scope").unwrap();
    let mut scopes: Vec<&str> = scope.split(' ').collect();
    scopes.sort_unstable();
    assert_eq!(
        scopes,
        ["tools:read", "tools:write"],
        "all at once, and only those that mean something"
    );
    assert_eq!(
        parameter(&answer, "resource_metadata").as_deref(),
        Some("https://gateway.test/.well-known/oauth-protected-resource/mcp")
    );
    let never = call_with(&gateway, &token, "launch_rockets");
    assert_eq!((never.status, never.code()), (200, 40302), "{never:?}");
    assert!(never.header("www-authenticate").is_none());
    // Who has no scopes to ask for is not sent to ask for any.
    let key = gateway.post(READER, &call(1, "delete_all"));
    assert_eq!((key.status, key.code()), (200, 40302));
    assert_eq!(upstream.count(), 0);
    gateway.record("a record of the denial", |record| {
        record["event_type"] == "authz_denied" && record.to_string().contains("tools:write")
    });
}

#[test]
fn what_is_denied_to_all_stays_denied_whatever_the_scopes() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let keys = format!("denied_tools = [\"delete_all\"]\n{SCOPES}");
    let gateway = setup(&upstream, &issuer.section(&keys)).start();
    for scope in ["tools:read", "tools:write", "tools:read tools:write"] {
        let denied = call_with(&gateway, &issuer.token("alice", scope), "delete_all");
        assert_eq!((denied.status, denied.code()), (200, 40302), "{scope}");
    }
    assert_eq!(upstream.count(), 0);
}

#[test]
fn with_the_scope_the_same_call_goes_through() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = setup(&upstream, &issuer.section(SCOPES)).start();
    let mut token = issuer.token("alice", "tools:read");
    let refused = call_with(&gateway, &token, "delete_all");
    assert_eq!(refused.status, 403);
    token = issuer.token("alice", &parameter(&refused, "scope").unwrap());
    assert_called(&call_with(&gateway, &token, "delete_all"), "delete_all");
    assert_called(&call_with(&gateway, &token, "read_a"), "read_a");
}

#[test]
fn members_of_a_batch_are_answered_one_by_one() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = setup(&upstream, &issuer.section(SCOPES)).start();
    let body = format!("[{},{}]", call(1, "delete_all"), call(2, "launch_rockets"));
    let fields = format!(
        "{}MCP-Protocol-Version: 2025-03-26\r\n",
        crate::harness::client::bearer(&issuer.token("alice", "tools:read"))
    );
    let answer = gateway.client().exchange(post("/mcp", &fields, &body));
    assert_eq!(answer.status, 200, "{answer:?}");
    let members = answer.json();
    for member in members.as_array().unwrap() {
        assert_eq!(member["error"]["code"], 40302, "{member}");
    }
    assert_eq!(upstream.count(), 0);
}

/// GETs `path` without a credential.
fn get(gateway: &Gateway, path: &str) -> Answer {
    gateway.client().exchange(format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    ))
}

#[test]
fn a_refused_client_finds_its_way_to_the_issuer() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = public(setup(&upstream, &issuer.section(SCOPES))).start();
    let refused = gateway
        .client()
        .exchange(post("/mcp", "", &call(1, "read_a")));
    assert_eq!(refused.status, 401);
    let place = parameter(&refused, "resource_metadata").unwrap();
    assert_eq!(parameter(&refused, "error"), None);
    assert!(parameter(&refused, "scope").unwrap().contains("tools:read"));
    let path = place.strip_prefix("https://gateway.test").unwrap();
    let document = get(&gateway, path);
    assert_eq!(document.status, 200, "{document:?}");
    let document = document.json();
    assert_eq!(document["resource"], "https://gateway.test/mcp");
    assert_eq!(
        document["authorization_servers"],
        json!(["https://issuer.test"])
    );
    assert_eq!(
        document["scopes_supported"],
        json!(["tools:read", "tools:write"])
    );
    assert_eq!(document["bearer_methods_supported"], json!(["header"]));
}

#[test]
fn without_a_public_address_there_is_no_document() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = setup(&upstream, &issuer.section(SCOPES)).start();
    let refused = gateway
        .client()
        .exchange(post("/mcp", "", &call(1, "read_a")));
    assert_eq!(
        parameter(&refused, "resource_metadata"),
        None,
        "{refused:?}"
    );
    let path = "/.well-known/oauth-protected-resource/mcp";
    assert_eq!(get(&gateway, path).status, 404);
}

#[test]
fn users_and_scopes_may_stand_in_other_claims() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let keys = format!(
        "user_id_claim = \"email\"\nscopes_claim = \"https://issuer.test/roles\"\n{SCOPES}"
    );
    let gateway = setup(&upstream, &issuer.section(&keys)).start();
    let roles = json!(["tools:read"]);
    let email = "alice@issuer.test";
    let token = issuer.token_with(
        json!({"email": email, "https://issuer.test/roles": roles, "scope": "tools:write"}),
    );
    assert_called(&call_with(&gateway, &token, "read_a"), "read_a");
    assert_eq!(call_with(&gateway, &token, "delete_all").status, 403);
    gateway.record("a record of the user", |record| {
        record["identity_id"] == "jwt:https://issuer.test alice@issuer.test"
    });
    let nobody = issuer.token_with(json!({"https://issuer.test/roles": roles}));
    assert_eq!(call_with(&gateway, &nobody, "read_a").status, 401);
}
