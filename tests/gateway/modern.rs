//! 2026-07-28: headers and body agree, nothing has a session, lists are private.

use crate::harness::client::{bearer, modern, post};
use crate::harness::gateway::{READER, Setup};
use crate::harness::upstream::{Recorded, Step, Upstream, answer, json, plain_server, tools_list};

#[test]
fn headers_that_differ_from_the_body_are_refused() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let (fields, body) = modern(1, "tools/call", Some("read_a"));
    let send = |fields: &str, body: &str| {
        gateway
            .client()
            .exchange(post("/mcp", &format!("{}{fields}", bearer(READER)), body))
    };
    assert_eq!(send(&fields, &body).status, 200);
    assert_eq!(
        send(
            &fields.replace("Mcp-Name: read_a", "Mcp-Name: =?base64?cmVhZF9h?="),
            &body
        )
        .status,
        200
    );
    for (fields, body, code) in [
        (
            fields.replace("tools/call", "tools/list"),
            body.clone(),
            -32020,
        ),
        (
            fields.replace("Mcp-Name: read_a", "Mcp-Name: read_b"),
            body.clone(),
            -32020,
        ),
        (
            fields.replace("Mcp-Name: read_a", "Mcp-Name: =?base64?!!?="),
            body.clone(),
            -32020,
        ),
        (
            fields.replace("Mcp-Name: read_a\r\n", ""),
            body.clone(),
            -32020,
        ),
        (
            fields.replace("Mcp-Method: tools/call\r\n", ""),
            body.clone(),
            -32020,
        ),
        (
            fields.replace("2026-07-28", "2025-11-25"),
            body.clone(),
            -32020,
        ),
        (
            fields.clone(),
            body.replace(
                "\"io.modelcontextprotocol/clientCapabilities\":{}",
                "\"x\":1",
            ),
            -32602,
        ),
        (
            format!("{fields}Mcp-Name: read_b\r\n"),
            body.clone(),
            -32020,
        ),
    ] {
        let answer = send(&fields, &body);
        assert_eq!(
            (answer.status, answer.code()),
            (400, code),
            "{fields} {body}"
        );
    }
    assert_eq!(upstream.count(), 2);
    assert_eq!(upstream.requests()[0].header("mcp-name"), Some("read_a"));
    assert_eq!(
        upstream.requests()[0].header("mcp-method"),
        Some("tools/call")
    );
}

#[test]
fn lists_become_private_and_short_lived() {
    let upstream = Upstream::start(|request: &Recorded| {
        let with = |extra: &str| json(&tools_list("1").replace(r#","nextCursor":"c""#, extra));
        match request.header("mcp-param-case") {
            Some("public") => with(r#","cacheScope":"public","ttlMs":3600000"#),
            Some("short") => with(r#","ttlMs":5,"cacheScope":"private""#),
            _ => with(""),
        }
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let (fields, body) = modern(1, "tools/list", None);
    for (case, ttl) in [("public", 60_000), ("short", 5), ("none", 60_000)] {
        let fields = format!("{}{fields}Mcp-Param-Case: {case}\r\n", bearer(READER));
        let list = gateway
            .client()
            .exchange(post("/mcp", &fields, &body))
            .json();
        assert_eq!(list["result"]["cacheScope"], "private", "{case}");
        assert!(
            list["result"]["ttlMs"].as_u64().unwrap() <= ttl,
            "{case}: {list}"
        );
        assert_eq!(list["result"]["tools"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn sessions_do_not_exist() {
    let upstream = Upstream::start(|_| {
        answer(
            200,
            "Content-Type: application/json\r\nMcp-Session-Id: minted\r\n",
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        )
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let (fields, body) = modern(1, "tools/call", Some("read_a"));
    let fields = format!(
        "{}{fields}Mcp-Session-Id: stale\r\nLast-Event-ID: 5\r\n",
        bearer(READER)
    );
    let answer = gateway.client().exchange(post("/mcp", &fields, &body));
    assert_eq!(answer.status, 200);
    assert!(answer.header("mcp-session-id").is_none());
    let seen = &upstream.requests()[0];
    assert!(seen.header("mcp-session-id").is_none() && seen.header("last-event-id").is_none());
    for method in ["GET", "DELETE"] {
        let request = format!(
            "{method} /mcp HTTP/1.1\r\nHost: localhost\r\n{}MCP-Protocol-Version: 2026-07-28\r\n\r\n",
            bearer(READER)
        );
        let answer = gateway.client().exchange(request);
        assert_eq!(
            (answer.status, answer.header("allow").is_some()),
            (405, true)
        );
        assert!(
            answer.json()["error"]["code"].is_i64(),
            "a body keeps clients from falling back"
        );
    }
}

#[test]
fn statuses_of_the_upstream_pass_with_their_bodies() {
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no","data":{"a":1}}}"#;
    let upstream = Upstream::start(move |_| -> Vec<Step> {
        answer(
            404,
            "Content-Type: application/json\r\nRetry-After: 3\r\n",
            error,
        )
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let (fields, body) = modern(1, "tools/call", Some("read_a"));
    let answer =
        gateway
            .client()
            .exchange(post("/mcp", &format!("{}{fields}", bearer(READER)), &body));
    assert_eq!(
        (
            answer.status,
            answer.text().as_str(),
            answer.header("retry-after")
        ),
        (404, error, Some("3"))
    );
}

#[test]
fn notifications_need_no_mirrored_headers() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let body = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    let fields = format!("{}MCP-Protocol-Version: 2026-07-28\r\n", bearer(READER));
    assert_eq!(
        gateway
            .client()
            .exchange(post("/mcp", &fields, body))
            .status,
        202
    );
}

#[test]
fn methods_that_are_gone_are_not_found_whoever_asks() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "tasks/result",
        "tasks/list",
    ] {
        let (fields, body) = modern(5, method, None);
        let answer =
            gateway
                .client()
                .exchange(post("/mcp", &format!("{}{fields}", bearer(READER)), &body));
        assert_eq!((answer.status, answer.code()), (404, -32601), "{method}");
        assert_eq!(answer.json()["id"], 5);
    }
    assert_eq!(upstream.count(), 0);
}
