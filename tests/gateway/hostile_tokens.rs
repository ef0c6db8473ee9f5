//! Holders and forgers of tokens who want more than theirs: CPU, other people's names, servers that nobody told them of.

use std::time::Instant;

use serde_json::json;

use crate::harness::client::{Answer, bearer, call, post};
use crate::harness::gateway::{Gateway, READER, Setup};
use crate::harness::issuer::Issuer;
use crate::harness::upstream::{Upstream, answer, plain_server};

const READS: &str = "scope_tool_mapping = { \"tools:read\" = [\"read_*\"] }";
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;

fn behind(upstream: &Upstream, issuers: &str) -> Setup {
    let mut setup = Setup::in_front_of(&upstream.url());
    setup.config.push_str(issuers);
    setup
}

fn read_with(gateway: &Gateway, token: &str) -> Answer {
    gateway.post(token, &call(7, "read_a"))
}

#[test]
fn an_address_that_fails_too_often_has_few_tokens_verified() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = behind(&upstream, &issuer.section(READS))
        .rate_limit("requests_per_second = 10000\nburst_size = 10000\nunauthenticated_per_ip = 1")
        .start();
    let mut client = gateway.client();
    let mut read = |token: &str| client.exchange(post("/mcp", &bearer(token), &call(1, "read_a")));
    let known = issuer.token("known", "tools:read");
    // Both workers shall know it.
    for _ in 0..8 {
        assert_eq!(read_with(&gateway, &known).status, 200);
    }
    let forged = |n: u32| {
        let token = issuer.token(&format!("mallory-{n}"), "tools:read");
        let (signed, _) = token.rsplit_once('.').unwrap();
        format!("{signed}.{}", "A".repeat(86))
    };
    let began = Instant::now();
    let statuses: Vec<u16> = (0..2_000).map(|n| read(&forged(n)).status).collect();
    assert!(statuses.contains(&401) && statuses.contains(&429));
    let tried = gateway.metric("mcp_guard_auth_total{provider=\"jwt\",result=\"token_signature\"}");
    let fresh: Vec<String> = (0..500)
        .map(|n| issuer.token(&format!("alice-{n}"), "tools:read"))
        .collect();
    // The flood goes on, so that the address stays what it is.
    let mut verified = 0;
    for (n, token) in (0..).zip(&fresh) {
        read(&forged(n));
        verified += usize::from(read(token).status == 200);
    }
    let secs = began.elapsed().as_secs() as usize + 1;
    // A worker tries 50 a second and 50 at once, and the one that time forgives the address each second.
    assert!(verified <= 51 * (secs + 1), "{verified} in {secs} s");
    assert!(tried >= 20.0, "{tried}");
    for _ in 0..8 {
        assert_eq!(read_with(&gateway, &known).status, 200, "proven before");
    }
    // One that waits as it is told gets in.
    crate::harness::eventually("a fresh token gets in", || {
        let answer = read_with(&gateway, &issuer.token("bob", "tools:read"));
        assert!(
            answer.status == 200 || answer.header("retry-after").is_some(),
            "{answer:?}"
        );
        (answer.status == 200).then_some(())
    });
}

#[test]
fn leaving_scopes_out_shows_no_server_that_scopes_do_not() {
    let (files, secret) = (Upstream::start(plain_server), Upstream::start(plain_server));
    let issuer = Issuer::start("https://issuer.test");
    let mut setup = Setup::in_front_of("");
    setup.config = format!(
        "[[upstream.servers]]\nname = \"files\"\nurl = \"{}\"\nera = \"both\"\n[[upstream.servers]]\nname = \"secret\"\nurl = \"{}\"\nera = \"both\"\n{}",
        files.url(),
        secret.url(),
        issuer.section("scope_tool_mapping = { \"tools:read\" = [\"files::read_*\"] }"),
    );
    let gateway = setup.start();
    for (scope, path, status) in [
        ("tools:read", "/mcp/files", 200),
        ("tools:read", "/mcp/secret", 404),
        ("tools:read", "/mcp/absent", 404),
        ("", "/mcp/files", 200),
        ("", "/mcp/secret", 404),
        ("openid", "/mcp/secret", 404),
        ("", "/mcp/absent", 404),
    ] {
        let token = issuer.token("mallory", scope);
        let answer = gateway
            .client()
            .exchange(post(path, &bearer(&token), INITIALIZE));
        assert_eq!(answer.status, status, "{scope:?} {path}: {answer:?}");
    }
    assert_eq!(secret.count(), 0, "nothing may reach it");
    let token = issuer.token("mallory", "");
    let routes = gateway.client().exchange(format!(
        "GET /routes HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
        bearer(&token)
    ));
    assert!(!routes.text().contains("secret"), "{routes:?}");
}

#[test]
fn a_user_cannot_be_recorded_as_another() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = behind(&upstream, &issuer.section(READS)).start();
    let victim = "v".repeat(250);
    assert_eq!(
        read_with(&gateway, &issuer.token(&victim, "tools:read")).status,
        200
    );
    let is_call = |record: &serde_json::Value| record["event_type"] == "tool_call";
    let recorded = gateway.record("the victim's", is_call)["identity_id"].clone();
    let forged = recorded.as_str().unwrap();
    let forged = forged.strip_prefix("jwt:https://issuer.test ").unwrap();
    assert_eq!(
        read_with(&gateway, &issuer.token(forged, "tools:read")).status,
        200
    );
    gateway.record("the other's", |record| {
        is_call(record) && record["identity_id"] != recorded
    });
}

#[test]
fn names_in_tokens_break_no_record_metric_or_header() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = behind(&upstream, &issuer.section(READS)).start();
    for (sub, status) in [
        (json!("a\"b\\c"), 200),
        (json!("x y"), 200),
        (json!(" x"), 200),
        (json!("https://other.test alice"), 200),
        (json!("é".repeat(128)), 200),
        (json!("x".repeat(256)), 200),
        (json!("x".repeat(257)), 401),
        (json!("a\nb"), 401),
        (json!("a\r\nX-Evil: 1"), 401),
        (json!("a\u{0}"), 401),
        (json!("a\u{85}"), 401),
        // A record that shows it would show another name.
        (json!("\u{202e}evil\u{2066}"), 401),
        (json!("evil\u{2028}x"), 401),
        (json!(""), 401),
        (json!(7), 401),
        (json!(["alice"]), 401),
        (json!({"a": 1}), 401),
    ] {
        let token = issuer.token_with(json!({"sub": sub}));
        let answer = read_with(&gateway, &token);
        assert_eq!(answer.status, status, "{sub}: {answer:?}");
        assert!(!answer.head.contains("Evil"), "{answer:?}");
    }
    crate::harness::eventually("records of all", || {
        (gateway.records().len() >= 17).then_some(())
    });
    let metrics = gateway.admin_get("/metrics").text();
    assert!(!metrics.contains("evil") && !metrics.contains("other.test"));
    let reached = upstream.requests();
    assert!(reached.iter().all(|request| !request.head.contains("evil")));
}

#[test]
fn a_session_is_its_opener_s_alone_whoever_has_the_same_name() {
    let upstream = Upstream::start(|request| match request.json()["method"].as_str() {
        Some("initialize") => answer(
            200,
            "Content-Type: application/json\r\nMcp-Session-Id: upstream-session\r\n",
            r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#,
        ),
        _ => plain_server(request),
    });
    let (one, two) = (
        Issuer::start("https://one.test"),
        Issuer::start("https://two.test"),
    );
    let sections = one.section("allowed_tools = [\"*\"]") + &two.section("allowed_tools = [\"*\"]");
    let gateway = behind(&upstream, &sections).start();
    let opener = one.token("reader", "");
    let opened = gateway
        .client()
        .exchange(post("/mcp", &bearer(&opener), INITIALIZE));
    let session = opened.header("mcp-session-id").unwrap().to_owned();
    let calls = |token: &str| {
        let fields = format!("{}Mcp-Session-Id: {session}\r\n", bearer(token));
        gateway
            .client()
            .exchange(post("/mcp", &fields, &call(2, "read_a")))
            .status
    };
    assert_eq!(calls(&opener), 200);
    assert_eq!(
        calls(&one.token("reader", "other:scope")),
        200,
        "the same user"
    );
    let before = upstream.count();
    for (whose, token) in [
        ("another issuer's", two.token("reader", "")),
        ("another user's", one.token("reader ", "")),
        (
            "the issuer in the name",
            two.token("https://one.test reader", ""),
        ),
        ("an API key's", READER.to_owned()),
    ] {
        assert_eq!(calls(&token), 404, "{whose}");
    }
    assert_eq!(upstream.count(), before);
}

#[test]
fn documents_about_resources_tell_no_more_than_the_configuration_says_to_all() {
    let upstream = Upstream::start(plain_server);
    let issuer = Issuer::start("https://issuer.test");
    let gateway = behind(&upstream, &issuer.section(READS))
        .server("public_url = \"https://gateway.test/base\"\nallowed_hosts = [\"localhost\"]")
        .start();
    let ask = |method: &str, path: &str, fields: &str| {
        let answer = gateway.client().exchange(format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{fields}Content-Length: 0\r\nConnection: close\r\n\r\n"
        ));
        (answer.status, answer.text(), answer.head)
    };
    let well_known = "/.well-known/oauth-protected-resource";
    let (_, real, _) = ask("GET", &format!("{well_known}/mcp/default"), "");
    for name in ["absent", "default", "secret"] {
        let (status, text, _) = ask("GET", &format!("{well_known}/mcp/{name}"), "");
        assert_eq!(status, 200, "{name}");
        assert_eq!(text.replace(name, "default"), real, "{name}");
    }
    for path in [
        "/mcp/../../etc/passwd",
        "/mcp/%2e%2e/x",
        "//mcp",
        "/mcp//x",
        "/mcp/a\"b",
        "/mcp/a/b",
        "/mcp/<script>",
        "/base/base/mcp",
        "/basemcp",
        "/other",
        "/mcp/",
        "/health",
        "/metrics",
    ] {
        let (status, text, head) = ask("GET", &format!("{well_known}{path}"), "");
        assert!(matches!(status, 400 | 404), "{path}: {head}{text}");
        assert!(
            !text.contains("passwd") && !text.contains("script"),
            "{text}"
        );
    }
    for method in ["POST", "DELETE", "PUT", "OPTIONS"] {
        let (status, ..) = ask(method, &format!("{well_known}/mcp"), "");
        assert_eq!(status, 405, "{method}");
    }
    // What a client sends changes nothing of what others are told.
    let (status, text, _) = ask(
        "GET",
        &format!("{well_known}/mcp?resource=https://evil.test"),
        "X-Forwarded-Host: evil.test\r\nX-Forwarded-Proto: ftp\r\nForwarded: host=evil.test\r\n",
    );
    assert_eq!(status, 200);
    assert!(!text.contains("evil"), "{text}");
    let (status, ..) = ask(
        "GET",
        &format!("{well_known}/mcp"),
        "Origin: https://evil.test\r\n",
    );
    assert_eq!(status, 403);
    // A path that is asked for appears in no challenge but as a server's name.
    for path in ["/mcp/a\"b", "/mcp/%22", "/mcp/x,y", "/mcp/é"] {
        let (_, _, head) = ask("POST", path, "Content-Type: application/json\r\n");
        let challenge = head.to_lowercase();
        assert!(
            !challenge.contains("a\"b") && !challenge.contains("%22"),
            "{head}"
        );
        assert!(!challenge.contains("x,y"), "{head}");
    }
}
