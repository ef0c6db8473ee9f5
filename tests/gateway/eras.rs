//! Clients of one era in front of servers of the other: translated whole, or refused with the revisions that are spoken.

use serde_json::{Value, json};

use crate::harness::client::{Answer, bearer, modern, post};
use crate::harness::gateway::{ADMIN, Gateway, READER, Setup};
use crate::harness::upstream::{Recorded, Step, Upstream, answer, json as json_answer};

fn modern_call(gateway: &Gateway, id: u32, method: &str, name: Option<&str>) -> Answer {
    let (fields, body) = modern(id, method, name);
    let fields = format!("{}{fields}", bearer(ADMIN));
    gateway.client().exchange(post("/mcp", &fields, &body))
}

/// In front of `url`, with nothing said of eras.
fn auto(url: &str, keys: &str) -> Gateway {
    let mut setup = Setup::in_front_of("");
    setup.config = format!("[upstream]\nurl = \"{url}\"\n{keys}\n");
    setup.start()
}

fn result(request: &Recorded, result: &Value) -> Vec<Step> {
    let id = &request.json()["id"];
    json_answer(&json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string())
}

fn error(request: &Recorded, status: u16, code: i32) -> Vec<Step> {
    let id = &request.json()["id"];
    let body = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": "no" } });
    answer(
        status,
        "Content-Type: application/json\r\n",
        &body.to_string(),
    )
}

const TOOLS: &str = r#"[{"name":"read_a","inputSchema":{"type":"object"}},{"name":"write_a","inputSchema":{"type":"object"}}]"#;

/// A server of 2025-11-25 without sessions, which would run a modern call if it got one.
fn legacy_server(request: &Recorded) -> Vec<Step> {
    let message = request.json();
    match message["method"].as_str() {
        Some("initialize") => result(
            request,
            &json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} }, "serverInfo": { "name": "old", "version": "1" } }),
        ),
        Some("tools/list") => result(
            request,
            &json!({ "tools": serde_json::from_str::<Value>(TOOLS).unwrap() }),
        ),
        Some("tools/call") => result(
            request,
            &json!({ "content": [{ "type": "text", "text": message["params"]["name"] }] }),
        ),
        Some("server/discover") => error(request, 200, -32601),
        _ if message["id"].is_null() && !request.body.is_empty() => answer(202, "", ""),
        _ => answer(405, "", ""),
    }
}

/// A server of 2026-07-28 alone.
fn modern_server(request: &Recorded) -> Vec<Step> {
    let message = request.json();
    match message["method"].as_str() {
        Some("server/discover") => result(
            request,
            &json!({ "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {} }, "ttlMs": 0, "cacheScope": "private", "_meta": { "io.modelcontextprotocol/serverInfo": { "name": "new", "version": "1" } } }),
        ),
        Some("tools/list") => result(
            request,
            &json!({ "resultType": "complete", "tools": serde_json::from_str::<Value>(TOOLS).unwrap(), "ttlMs": 5, "cacheScope": "public" }),
        ),
        Some("tools/call") => result(
            request,
            &json!({ "resultType": "complete", "content": [{ "type": "text", "text": message["params"]["name"] }] }),
        ),
        _ => error(request, 404, -32601),
    }
}

#[test]
fn a_modern_call_is_translated_for_a_legacy_server_and_never_forwarded_as_it_is() {
    let upstream = Upstream::start(legacy_server);
    let gateway = auto(&upstream.url(), "");
    for id in [3, 4] {
        let answer = modern_call(&gateway, id, "tools/call", Some("read_a"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let message = answer.json();
        assert_eq!(message["id"], id);
        assert_eq!(message["result"]["resultType"], "complete");
        assert_eq!(message["result"]["content"][0]["text"], "read_a");
    }
    let seen = upstream.requests();
    let calls = seen
        .iter()
        .filter(|request| request.body.contains("tools/call"));
    for call in calls {
        assert!(call.header("mcp-method").is_none());
        assert!(
            !call.body.contains("io.modelcontextprotocol/"),
            "{}",
            call.body
        );
        assert_eq!(call.header("mcp-protocol-version"), Some("2025-11-25"));
    }
    let opened = seen.iter().filter(|request| {
        request.body.contains("\"initialize\"") && !request.body.contains("check-upstream")
    });
    assert!(
        opened.count() <= 2,
        "one session serves both calls, one probe at most"
    );
}

#[test]
fn a_legacy_server_is_translated_for_from_the_first_discover_on() {
    let upstream = Upstream::start(legacy_server);
    let gateway = auto(&upstream.url(), "");
    for id in [1, 2] {
        let answer = modern_call(&gateway, id, "server/discover", None);
        let versions = &answer.json()["result"]["supportedVersions"];
        assert_eq!(versions, &json!(["2026-07-28"]), "{answer:?}");
    }
}

#[test]
fn mirrored_arguments_are_checked_for_a_legacy_server() {
    let upstream = Upstream::start(|request| {
        if request.json()["method"] != "tools/list" {
            return legacy_server(request);
        }
        let schema = json!({ "type": "object", "properties": { "region": { "type": "string", "x-mcp-header": "Region" } } });
        result(
            request,
            &json!({ "tools": [{ "name": "read_a", "inputSchema": schema }] }),
        )
    });
    let gateway = auto(&upstream.url(), "");
    let call = |field: &str| {
        let (fields, body) = modern(1, "tools/call", Some("read_a"));
        let body = body.replace(
            "\"name\":\"read_a\"",
            r#""name":"read_a","arguments":{"region":"eu"}"#,
        );
        let fields = format!("{}{fields}Mcp-Param-Region: {field}\r\n", bearer(ADMIN));
        let answer = gateway.client().exchange(post("/mcp", &fields, &body));
        (answer.status, answer.json()["error"]["code"].clone())
    };
    assert_eq!(call("eu"), (200, Value::Null));
    assert_eq!(call("us"), (400, json!(-32020)));
}

#[test]
fn lists_are_filtered_behind_a_translation_too() {
    let upstream = Upstream::start(legacy_server);
    let gateway = auto(&upstream.url(), "");
    let (fields, body) = modern(1, "tools/list", None);
    let fields = format!("{}{fields}", bearer(READER));
    let listed = gateway
        .client()
        .exchange(post("/mcp", &fields, &body))
        .json();
    assert_eq!(
        listed["result"]["tools"].as_array().unwrap().len(),
        1,
        "{listed}"
    );
    assert_eq!(listed["result"]["cacheScope"], "private");
}

#[test]
fn a_modern_server_is_asked_once_and_then_spoken_to_directly() {
    let upstream = Upstream::start(modern_server);
    let gateway = auto(&upstream.url(), "");
    for id in 1..4 {
        let answer = modern_call(&gateway, id, "tools/call", Some("read_a"));
        assert_eq!(
            (answer.status, answer.json()["id"].as_u64()),
            (200, Some(id.into()))
        );
    }
    let seen = upstream.requests();
    let asked = |method: &str| {
        seen.iter()
            .filter(|request| request.body.contains(method))
            .count()
    };
    assert_eq!(
        (
            asked("server/discover"),
            asked("tools/call"),
            asked("initialize")
        ),
        (1, 3, 0)
    );
}

#[test]
fn what_shows_no_era_gets_the_request_as_it_is() {
    let upstream = Upstream::start(|request| match request.json()["method"].as_str() {
        Some("tools/call") => result(request, &json!({ "content": [] })),
        _ => answer(404, "Content-Type: text/plain\r\n", "nothing here"),
    });
    let gateway = auto(&upstream.url(), "");
    assert_eq!(
        modern_call(&gateway, 1, "tools/call", Some("read_a")).status,
        200
    );
}

#[test]
fn an_era_that_is_not_to_be_translated_is_refused_by_name() {
    let upstream = Upstream::start(legacy_server);
    let gateway = auto(&upstream.url(), "era = \"legacy\"\ntranslate = false");
    let refused = modern_call(&gateway, 6, "tools/call", Some("read_a"));
    assert_eq!(
        (refused.status, refused.code()),
        (400, -32022),
        "{refused:?}"
    );
    let message = refused.json();
    assert_eq!(message["id"], 6);
    assert!(
        message["error"]["data"]["supported"]
            .as_array()
            .unwrap()
            .contains(&json!("2025-11-25"))
    );
    assert_eq!(message["error"]["data"]["requested"], "2026-07-28");
    assert_eq!(upstream.count(), 0);
}

/// Opens a legacy session and gives its fields and the result of `initialize`.
fn initialize(gateway: &Gateway) -> (String, Value) {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    let opened = gateway.post(ADMIN, body);
    assert_eq!(opened.status, 200, "{opened:?}");
    let session = opened.header("mcp-session-id").unwrap();
    let fields = format!(
        "{}Mcp-Session-Id: {session}\r\nMCP-Protocol-Version: 2025-06-18\r\n",
        bearer(ADMIN)
    );
    let result = opened.json()["result"].clone();
    let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let told = gateway
        .client()
        .exchange(post("/mcp", &fields, initialized));
    assert_eq!(told.status, 202);
    (fields, result)
}

#[test]
fn a_legacy_client_has_a_session_with_a_modern_server() {
    let upstream = Upstream::start(modern_server);
    let gateway = auto(&upstream.url(), "");
    let (fields, begun) = initialize(&gateway);
    assert_eq!(begun["protocolVersion"], "2025-06-18");
    assert_eq!(begun["serverInfo"]["name"], "new");
    let ask = |body: &str| {
        gateway
            .client()
            .exchange(post("/mcp", &fields, body))
            .json()
    };
    let listed = ask(r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#);
    assert_eq!(
        listed["result"]["tools"].as_array().unwrap().len(),
        2,
        "{listed}"
    );
    assert!(listed["result"]["ttlMs"].is_null() && listed["result"]["resultType"].is_null());
    let called = ask(
        r#"{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"read_a","arguments":{}}}"#,
    );
    assert_eq!(
        (&called["id"], &called["result"]["content"][0]["text"]),
        (&json!("x"), &json!("read_a"))
    );
    let call = upstream
        .requests()
        .into_iter()
        .rfind(|request| request.body.contains("tools/call"))
        .unwrap();
    assert_eq!(call.header("mcp-name"), Some("read_a"));
    assert_eq!(call.header("mcp-protocol-version"), Some("2026-07-28"));
    assert_eq!(
        ask(r#"{"jsonrpc":"2.0","id":3,"method":"ping"}"#)["result"],
        json!({})
    );
}

#[test]
fn children_of_either_era_serve_clients_of_both() {
    for era in ["legacy", "modern", "both"] {
        let gateway = Setup::in_front_of_child(&["--era", era], "").start();
        let answer = modern_call(&gateway, 5, "tools/call", Some("echo"));
        assert_eq!(
            (answer.status, answer.json()["id"].as_u64()),
            (200, Some(5)),
            "{era}: {answer:?}"
        );
        assert_eq!(answer.json()["result"]["resultType"], "complete", "{era}");
        let (fields, _) = initialize(&gateway);
        let call = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"n":1}}}"#;
        let called = gateway.client().exchange(post("/mcp", &fields, call));
        assert_eq!(called.json()["id"], 2, "{era}: {called:?}");
        assert!(called.json()["result"]["resultType"].is_null(), "{era}");
    }
}

#[test]
fn a_question_of_a_legacy_child_becomes_a_round_trip_of_its_modern_client() {
    let gateway = Setup::in_front_of_child(&["--era", "legacy"], "").start();
    let send = |id: u32, more: &str| {
        let (fields, body) = modern(id, "tools/call", Some("ask"));
        let body = body
            .replace(
                "clientCapabilities\":{}",
                "clientCapabilities\":{\"roots\":{}}",
            )
            .replace(
                "\"name\":\"ask\"",
                &format!("\"name\":\"ask\",\"arguments\":{{\"what\":\"roots\"}}{more}"),
            );
        let fields = format!("{}{fields}", bearer(ADMIN));
        gateway
            .client()
            .exchange(post("/mcp", &fields, &body))
            .json()
    };
    let asked = send(1, "");
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    let inputs = asked["result"]["inputRequests"].as_object().unwrap();
    let (key, request) = inputs.iter().next().unwrap();
    assert_eq!(request["method"], "roots/list");
    let more = format!(
        r#","inputResponses":{{"{key}":{{"roots":[{{"uri":"file:///nonce-88"}}]}}}},"requestState":{}"#,
        asked["result"]["requestState"]
    );
    let answered = send(2, &more);
    assert_eq!(answered["result"]["resultType"], "complete", "{answered}");
    assert!(answered.to_string().contains("nonce-88"), "{answered}");
    let replayed = send(3, &more);
    assert_eq!(
        replayed["error"]["code"], -32602,
        "a parked call is answered once: {replayed}"
    );
}

#[test]
fn one_child_for_all_is_never_shared_by_legacy_clients() {
    let keys = "instances = \"shared\"\ntranslate = false";
    let gateway = Setup::in_front_of_child(&["--era", "both"], keys).start();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    let refused = gateway.post(ADMIN, body);
    assert_eq!(
        (refused.status, refused.code()),
        (400, -32022),
        "{refused:?}"
    );
    assert_eq!(
        modern_call(&gateway, 1, "tools/call", Some("echo")).status,
        200
    );
    let gateway = Setup::in_front_of_child(&["--era", "both"], "instances = \"shared\"").start();
    let (fields, _) = initialize(&gateway);
    let call =
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"pid","arguments":{}}}"#;
    let legacy = gateway
        .client()
        .exchange(post("/mcp", &fields, call))
        .json();
    let modern = modern_call(&gateway, 3, "tools/call", Some("pid")).json();
    let pid = |message: &Value| message["result"]["structuredContent"]["pid"].clone();
    assert_eq!(
        pid(&legacy),
        pid(&modern),
        "translated, on the one child: {legacy} {modern}"
    );
}

#[test]
fn a_shared_child_that_is_not_to_be_restarted_stays_down() {
    for (restart, status) in [("always", 200), ("never", 502)] {
        let keys = format!("restart = \"{restart}\"");
        let gateway = Setup::in_front_of_child(&["--era", "modern"], &keys).start();
        assert_eq!(
            modern_call(&gateway, 1, "tools/call", Some("pid")).status,
            200
        );
        assert_eq!(
            modern_call(&gateway, 2, "tools/call", Some("crash")).status,
            502
        );
        let after = modern_call(&gateway, 3, "tools/call", Some("pid"));
        assert_eq!(after.status, status, "{restart}: {after:?}");
    }
}
