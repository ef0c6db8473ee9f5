//! What a client is told that needs further scopes, over every route, transport and shape of message.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;

use crate::harness::client::{Answer, bearer, call, post};
use crate::harness::gateway::{Gateway, READER, Setup};
use crate::harness::upstream::{Upstream, plain_server};

const ISSUER: &str = "https://issuer.test";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;

/// What each scope allows, by server.
const MAPPING: &str = r#"
[[auth.jwt]]
mode = "simple"
secret = "0123456789abcdef0123456789abcdef"
issuer = "https://issuer.test"
audience = "mcp"

[auth.jwt.scope_tool_mapping]
"one:read" = ["one::read_*"]
"one:delete" = ["one::delete_*"]
"two:read" = ["two::read_*"]
"#;

/// A token with `scope`.
fn token(scope: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let claims = json!({
        "iss": ISSUER, "aud": "mcp", "sub": "alice", "exp": now.as_secs() + 300, "scope": scope,
    });
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    encode(&Header::default(), &claims, &key).unwrap()
}

/// Two servers, and a third that no scope is about.
fn start(upstream: &Upstream, server: &str) -> Gateway {
    let mut setup = Setup::in_front_of("").server(server);
    setup.config = MAPPING.to_owned();
    for (name, keys) in [
        ("one", ""),
        ("two", "path_prefix = \"/team/two\""),
        ("three", ""),
    ] {
        let url = upstream.url();
        setup.config.push_str(&format!(
            "\n[[upstream.servers]]\nname = \"{name}\"\nurl = \"{url}\"\nera = \"both\"\n{keys}\n"
        ));
    }
    setup.start()
}

const PUBLIC: &str = "public_url = \"https://gw.test\"\nallowed_hosts = [\"localhost\"]";

fn send(gateway: &Gateway, path: &str, token: &str, body: &str) -> Answer {
    let request = post(path, &bearer(token), body);
    gateway.client().exchange(request)
}

fn get(gateway: &Gateway, verb: &str, path: &str, fields: &str) -> Answer {
    gateway.client().exchange(format!(
        "{verb} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n"
    ))
}

/// The challenge of `answer`.
fn challenge(answer: &Answer) -> String {
    answer
        .header("www-authenticate")
        .unwrap_or_default()
        .to_owned()
}

fn asks_for(scope: &str, path: &str) -> String {
    format!(
        r#"Bearer error="insufficient_scope", scope="{scope}", resource_metadata="https://gw.test/.well-known/oauth-protected-resource{path}""#
    )
}

#[test]
fn a_server_out_of_reach_is_told_by_scope_or_not_at_all() {
    let upstream = Upstream::start(plain_server);
    let gateway = start(&upstream, PUBLIC);
    let one = token("one:read");
    for (path, route) in [("/mcp/two", "/mcp/two"), ("/team/two", "/team/two")] {
        let expected = asks_for("one:read two:read", route);
        let answer = send(&gateway, path, &one, INITIALIZE);
        assert_eq!((answer.status, answer.code()), (403, 40301), "{answer:?}");
        assert_eq!(answer.json()["id"], 1);
        assert_eq!(challenge(&answer), expected);
        for verb in ["GET", "DELETE"] {
            let answer = get(&gateway, verb, path, &bearer(&one));
            assert_eq!((answer.status, answer.code()), (403, 40301), "{answer:?}");
            assert_eq!(challenge(&answer), expected);
        }
        let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        assert_eq!(send(&gateway, path, &one, notification).status, 403);
        let fields = format!("{}MCP-Protocol-Version: 2025-03-26\r\n", bearer(&one));
        let batch = format!("[{notification}]");
        let answer = gateway.client().exchange(post(path, &fields, &batch));
        assert_eq!((answer.status, answer.code()), (403, 40301), "{answer:?}");
        let never = send(&gateway, path, &one, &call(5, "launch_rockets"));
        assert_eq!((never.status, never.code()), (200, 40302), "{never:?}");
    }
    for path in ["/mcp/three", "/mcp/nowhere", "/mcp/two/x"] {
        assert_eq!(send(&gateway, path, &one, INITIALIZE).status, 404, "{path}");
        assert_eq!(get(&gateway, "GET", path, &bearer(&one)).status, 404);
    }
    assert_eq!(upstream.count(), 0, "nothing of it reached a server");
    let routes = get(&gateway, "GET", "/routes", &bearer(&one)).json();
    let names: Vec<_> = routes["servers"].as_array().unwrap().iter().collect();
    assert_eq!(names.len(), 1, "{routes}");
    assert_eq!(names[0]["name"], "one");
    assert_eq!(send(&gateway, "/mcp/one", &one, INITIALIZE).status, 200);
    gateway.record("a record of the denial", |record| {
        record["event_type"] == "authz_denied"
            && record["rule"] == "needs scope \"two:read\""
            && record["identity_id"] == "jwt:https://issuer.test alice"
            && record["auth_provider"] == "jwt"
            && record["server"] == "two"
            && record["method"] == "initialize"
            && record["status"] == 403
    });
}

#[test]
fn a_token_without_scopes_sees_empty_lists_and_is_told_what_a_call_needs() {
    let upstream = Upstream::start(plain_server);
    let gateway = start(&upstream, PUBLIC);
    let bare = token("openid");
    let list = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
    let answer = send(&gateway, "/mcp/one", &bare, list);
    assert_eq!(answer.json()["result"]["tools"], json!([]), "{answer:?}");
    let denied = send(&gateway, "/mcp/one", &bare, &call(3, "delete_all"));
    assert_eq!(challenge(&denied), asks_for("one:delete", "/mcp/one"));
    let hidden = send(&gateway, "/mcp/one", &bare, &call(3, "launch_rockets"));
    assert_eq!((hidden.status, hidden.code()), (200, 40302));
    // What no scope is about is not there for it, as for a token with scopes.
    for message in [list, &call(3, "delete_all")] {
        assert_eq!(send(&gateway, "/mcp/three", &bare, message).status, 404);
    }
}

#[test]
fn denied_calls_are_charged_whatever_they_lack() {
    let upstream = Upstream::start(plain_server);
    let mut setup = Setup::in_front_of(&upstream.url())
        .rate_limit("requests_per_second = 0.001\nburst_size = 2");
    setup
        .config
        .push_str(&MAPPING.replace("one::", "").replace("two::", ""));
    let gateway = setup.start();
    let read = token("one:read");
    let statuses = [0; 3].map(|_| send(&gateway, "/mcp", &read, &call(1, "delete_all")).status);
    assert_eq!(statuses, [403, 403, 429]);
    let plain = send(&gateway, "/mcp", &token("one:delete"), &call(1, "read_a"));
    assert_eq!(plain.status, 429, "one identity, whatever its scopes");
}

#[test]
fn challenges_and_documents_agree_and_tell_nothing_of_servers() {
    let upstream = Upstream::start(plain_server);
    let gateway = start(&upstream, PUBLIC);
    let scope = "one:read one:delete two:read";
    let well_known = "/.well-known/oauth-protected-resource";
    for (path, route) in [
        ("/mcp", "/mcp"),
        ("/mcp/one", "/mcp/one"),
        ("/mcp/one/x", "/mcp/one"),
        ("/mcp/nowhere", "/mcp/nowhere"),
        ("/team/two", "/team/two"),
    ] {
        let answer = gateway.client().exchange(post(path, "", INITIALIZE));
        let link = format!(r#"resource_metadata="https://gw.test{well_known}{route}""#);
        let expected = format!(r#"Bearer realm="mcp-guard", {link}, scope="{scope}""#);
        assert_eq!(
            (answer.status, challenge(&answer)),
            (401, expected.clone()),
            "{path}"
        );
        let forged = format!("{}x", token("one:read"));
        let answer = send(&gateway, path, &forged, INITIALIZE);
        let expected = format!(r#"{expected}, error="invalid_token""#);
        assert_eq!(
            (answer.status, challenge(&answer)),
            (401, expected),
            "{path}"
        );
        let document = get(&gateway, "GET", &format!("{well_known}{route}"), "");
        assert_eq!(document.status, 200, "{document:?}");
        assert_eq!(document.header("content-type"), Some("application/json"));
        assert_eq!(
            document.header("cache-control"),
            Some("public, max-age=300")
        );
        let document = document.json();
        assert_eq!(document["resource"], format!("https://gw.test{route}"));
        assert_eq!(document["authorization_servers"], json!([ISSUER]));
        let scopes: Vec<_> = scope.split(' ').collect();
        assert_eq!(document["scopes_supported"], json!(scopes));
    }
    for path in ["", "/", "/sse", "/mcp/one/x", "/team", "/routes"] {
        let answer = get(&gateway, "GET", &format!("{well_known}{path}"), "");
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
    }
    let post = post(&format!("{well_known}/mcp"), "", "{}");
    assert_eq!(gateway.client().exchange(post).status, 405);
    let plain = get(&gateway, "GET", "/routes", "");
    assert_eq!(challenge(&plain), r#"Bearer realm="mcp-guard""#);
    gateway.record("a record of the forged token", |record| {
        record["event_type"] == "auth_failure" && record["auth_provider"] == "jwt"
    });
    assert_eq!(upstream.count(), 0);
}

#[test]
fn web_pages_of_allowed_origins_may_read_documents_and_challenges() {
    let upstream = Upstream::start(plain_server);
    let cors = "allowed_origins = [\"https://app.test\"]\n[server.cors]\nenabled = true";
    let gateway = start(&upstream, &format!("{PUBLIC}\n{cors}"));
    let path = "/.well-known/oauth-protected-resource/mcp";
    let page = "Origin: https://app.test\r\n";
    for (verb, path, status) in [
        ("GET", path, 200),
        ("OPTIONS", path, 204),
        ("GET", "/mcp", 401),
    ] {
        let answer = get(&gateway, verb, path, page);
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("https://app.test")
        );
    }
    let exposed = get(&gateway, "GET", "/mcp", page);
    let exposed = exposed.header("access-control-expose-headers").unwrap();
    assert!(exposed.contains("WWW-Authenticate"), "{exposed}");
    let foreign = get(&gateway, "GET", path, "Origin: https://evil.test\r\n");
    assert_eq!(foreign.status, 403);
}

#[test]
fn a_client_of_http_sse_is_told_on_its_stream() {
    let mut setup = Setup::in_front_of_child(&["--era", "legacy"], "")
        .server(&format!("legacy_sse = true\n{PUBLIC}"));
    setup.config.push_str(
        &MAPPING
            .replace("one::read_*", "echo")
            .replace("one::delete_*", "pid")
            .replace("two::", ""),
    );
    let gateway = setup.start();
    let read = token("one:read");
    let refused = get(&gateway, "GET", "/sse", "");
    assert!(
        challenge(&refused).contains("oauth-protected-resource/sse\""),
        "{refused:?}"
    );
    let refused = gateway
        .client()
        .exchange(post("/message/default?session=x", "", INITIALIZE));
    assert!(
        challenge(&refused).contains("oauth-protected-resource/sse/default\""),
        "{refused:?}"
    );
    let mut events = gateway.client();
    events.send(format!(
        "GET /sse HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
        bearer(&read)
    ));
    let text = events.stream_until_head_and("\n\n");
    let endpoint = text.split("event: endpoint\ndata: ").nth(1).unwrap();
    let endpoint = endpoint.split('\n').next().unwrap().to_owned();
    let initialize = INITIALIZE.replace("2025-11-25", "2024-11-05");
    assert_eq!(send(&gateway, &endpoint, &read, &initialize).status, 202);
    events.stream_until("\"id\":1");
    let answer = send(&gateway, &endpoint, &read, &call(7, "pid"));
    assert_eq!((answer.status, challenge(&answer)), (202, String::new()));
    assert!(events.stream_until("\"id\":7").contains("40301"));
}

#[test]
fn who_has_no_scopes_is_never_sent_for_any() {
    let upstream = Upstream::start(plain_server);
    let gateway = start(&upstream, PUBLIC);
    let denied = send(&gateway, "/mcp/one", READER, &call(1, "delete_all"));
    assert_eq!((denied.status, denied.code()), (200, 40302));
    assert_eq!(challenge(&denied), "");
}
