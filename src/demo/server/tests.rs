#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use guard_io::http1::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::DemoServer;
use crate::control::http::{Bounds, Client, Endpoint, serve};

struct Bench {
    port: u16,
}

struct Seen {
    status: u16,
    session: Option<String>,
    body: String,
}

impl Seen {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

async fn start() -> Bench {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(
        listener,
        Bounds::default(),
        Arc::new(DemoServer::new(address)),
    ));
    Bench {
        port: address.port(),
    }
}

impl Bench {
    async fn send(&self, method: Method, fields: &[(&str, &str)], body: &str) -> Seen {
        let sent = self.send_for_ever(method, fields, body);
        let seen = tokio::time::timeout(std::time::Duration::from_secs(10), sent).await;
        seen.unwrap_or_else(|_| panic!("no answer to {body}"))
    }

    async fn send_for_ever(&self, method: Method, fields: &[(&str, &str)], body: &str) -> Seen {
        let mut client = Client::connect(&Endpoint::Tcp("127.0.0.1".into(), self.port))
            .await
            .unwrap();
        let own = [("Host", "localhost"), ("Content-Type", "application/json")];
        let answer = client
            .send(
                method,
                "/mcp",
                &[&own[..], fields].concat(),
                body.as_bytes(),
            )
            .await
            .unwrap();
        let session = answer
            .header("mcp-session-id")
            .map(|id| String::from_utf8(id.to_vec()).unwrap());
        let status = answer.status;
        let body = String::from_utf8(answer.body(1 << 20).await.unwrap()).unwrap();
        Seen {
            status,
            session,
            body,
        }
    }

    async fn post(&self, fields: &[(&str, &str)], body: &Value) -> Seen {
        self.send(Method::Post, fields, &body.to_string()).await
    }

    /// A request of 2026-07-28 with its mirrored headers.
    async fn modern(&self, method: &str, mut params: Value) -> Seen {
        params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        let name = params["name"]
            .as_str()
            .or(params["uri"].as_str())
            .map(str::to_owned);
        let mut fields = vec![
            ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", method),
        ];
        if let Some(name) = &name {
            fields.push(("Mcp-Name", name));
        }
        let body = json!({ "jsonrpc": "2.0", "id": "x-1", "method": method, "params": params });
        self.post(&fields, &body).await
    }

    async fn initialize(&self, version: &str) -> (String, Value) {
        let params = json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
        let seen = self.post(&[], &body).await;
        assert_eq!(seen.status, 200);
        (seen.session.clone().unwrap(), seen.json())
    }
}

fn request(id: i32, method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "current_thread")]
async fn a_modern_client_needs_no_session() {
    let bench = start().await;
    let discovered = bench.modern("server/discover", json!({})).await.json();
    assert_eq!(
        discovered["result"]["supportedVersions"],
        json!(["2026-07-28"])
    );
    let listed = bench.modern("tools/list", json!({})).await;
    assert_eq!(listed.session, None);
    let listed = listed.json();
    assert_eq!(listed["id"], "x-1");
    assert_eq!(
        names(&listed["result"]["tools"]),
        ["echo", "add", "slow", "delete_everything"]
    );
    assert_eq!(listed["result"]["resultType"], "complete");
    assert!(listed["result"]["ttlMs"].is_u64() && listed["result"]["cacheScope"] == "public");
    let added = bench
        .modern(
            "tools/call",
            json!({ "name": "add", "arguments": { "a": 2, "b": 40 } }),
        )
        .await
        .json();
    assert_eq!(added["result"]["content"][0]["text"], "42");
    let read = bench
        .modern("resources/read", json!({ "uri": "demo://greeting" }))
        .await
        .json();
    assert!(
        read["result"]["contents"][0]["text"]
            .as_str()
            .unwrap()
            .contains("demo server")
    );
    let prompt = bench
        .modern(
            "prompts/get",
            json!({ "name": "introduce", "arguments": { "who": "Ada" } }),
        )
        .await
        .json();
    assert!(
        prompt["result"]["messages"][0]["content"]["text"]
            .as_str()
            .unwrap()
            .contains("Ada")
    );
}

#[tokio::test(flavor = "current_thread")]
async fn modern_faults_have_their_status_and_code() {
    let bench = start().await;
    let rows = [
        ("initialize", json!({}), 404, -32601),
        ("ping", json!({}), 404, -32601),
        ("no/such", json!({}), 404, -32601),
        ("tools/call", json!({ "name": "nothing" }), 200, -32602),
        (
            "resources/read",
            json!({ "uri": "demo://nothing" }),
            200,
            -32602,
        ),
    ];
    for (method, params, status, code) in rows {
        let seen = bench.modern(method, params).await;
        assert_eq!(
            (seen.status, seen.json()["error"]["code"].as_i64()),
            (status, Some(code)),
            "{method}"
        );
    }
    let meta = |version: &str| json!({ "_meta": { "io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": {} } });
    let future = request(1, "tools/list", &meta("2099-01-01"));
    let seen = bench
        .post(
            &[
                ("MCP-Protocol-Version", "2099-01-01"),
                ("Mcp-Method", "tools/list"),
            ],
            &future,
        )
        .await;
    assert_eq!(
        (seen.status, seen.json()["error"]["code"].as_i64()),
        (400, Some(-32022))
    );
    assert_eq!(
        seen.json()["error"]["data"]["supported"],
        json!(["2026-07-28"])
    );
    let seen = bench
        .post(
            &[("MCP-Protocol-Version", "2026-07-28")],
            &request(1, "tools/list", &meta("2026-07-28")),
        )
        .await;
    assert_eq!(
        (seen.status, seen.json()["error"]["code"].as_i64()),
        (400, Some(-32020))
    );
}

#[tokio::test(flavor = "current_thread")]
async fn an_older_client_gets_a_session_and_must_keep_it() {
    let bench = start().await;
    for (asked, given) in [
        ("2025-03-26", "2025-03-26"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("x", "2025-11-25"),
    ] {
        assert_eq!(
            bench.initialize(asked).await.1["result"]["protocolVersion"],
            given
        );
    }
    let (session, _) = bench.initialize("2025-11-25").await;
    let fields = [
        ("Mcp-Session-Id", session.as_str()),
        ("MCP-Protocol-Version", "2025-11-25"),
    ];
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let seen = bench.post(&fields, &initialized).await;
    assert_eq!((seen.status, seen.body.as_str()), (202, ""));
    let list = request(2, "tools/list", &json!({}));
    let seen = bench.post(&fields, &list).await.json();
    assert_eq!(names(&seen["result"]["tools"]).len(), 4);
    assert_eq!(
        seen["result"].as_object().unwrap().len(),
        1,
        "older revisions know no lifetimes"
    );
    assert_eq!(
        bench
            .post(&fields, &request(3, "ping", &json!({})))
            .await
            .json()["result"],
        json!({})
    );
    let missing = bench
        .post(
            &fields,
            &request(4, "resources/read", &json!({ "uri": "demo://x" })),
        )
        .await;
    assert_eq!(
        (missing.status, missing.json()["error"]["code"].as_i64()),
        (200, Some(-32002))
    );
    assert_eq!(bench.post(&[], &list).await.status, 400);
    assert_eq!(
        bench
            .post(&[("Mcp-Session-Id", "0123")], &list)
            .await
            .status,
        404
    );
    assert_eq!(bench.send(Method::Get, &fields, "").await.status, 405);
    assert_eq!(bench.send(Method::Delete, &fields, "").await.status, 204);
    assert_eq!(bench.send(Method::Delete, &fields, "").await.status, 404);
    assert_eq!(bench.post(&fields, &list).await.status, 404);
}

#[tokio::test(flavor = "current_thread")]
async fn batches_belong_to_one_revision() {
    let bench = start().await;
    let (session, _) = bench.initialize("2025-03-26").await;
    let batch = json!([request(1, "ping", &json!({})), { "jsonrpc": "2.0", "method": "notifications/x" }, request(2, "no/such", &json!({}))]);
    let seen = bench
        .post(&[("Mcp-Session-Id", &session)], &batch)
        .await
        .json();
    assert_eq!(seen[0], json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
    assert_eq!(
        (&seen[1]["id"], &seen[1]["error"]["code"]),
        (&json!(2), &json!(-32601))
    );
    assert_eq!(seen.as_array().unwrap().len(), 2);
    let newer = [
        ("Mcp-Session-Id", session.as_str()),
        ("MCP-Protocol-Version", "2025-06-18"),
    ];
    assert_eq!(bench.post(&newer, &batch).await.status, 400);
}

#[tokio::test(flavor = "current_thread")]
async fn slow_reports_progress_before_its_result() {
    let bench = start().await;
    let params = json!({ "name": "slow", "arguments": { "steps": 3, "pause_ms": 1 }, "_meta": { "progressToken": 7 } });
    let seen = bench.modern("tools/call", params).await;
    let events: Vec<Value> = seen
        .body
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
        .collect();
    let progress: Vec<_> = events[..3]
        .iter()
        .map(|event| {
            (
                &event["params"]["progressToken"],
                &event["params"]["progress"],
            )
        })
        .collect();
    assert_eq!(
        progress,
        [
            (&json!(7), &json!(1)),
            (&json!(7), &json!(2)),
            (&json!(7), &json!(3))
        ]
    );
    assert_eq!(events[3]["result"]["content"][0]["text"], "done in 3 steps");
    assert_eq!(events.len(), 4);
    let plain = json!({ "name": "slow", "arguments": { "steps": 2, "pause_ms": 1 } });
    assert_eq!(
        bench.modern("tools/call", plain).await.json()["result"]["content"][0]["text"],
        "done in 2 steps"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn foreign_pages_and_broken_messages_are_refused() {
    let bench = start().await;
    let list = request(1, "tools/list", &json!({})).to_string();
    let seen = bench
        .send(Method::Post, &[("Origin", "http://evil.example")], &list)
        .await;
    assert_eq!(seen.status, 403);
    assert_eq!(
        bench.send(Method::Post, &[], "{").await.json()["error"]["code"],
        -32700
    );
    assert_eq!(
        bench.send(Method::Post, &[], "{}").await.json()["error"]["code"],
        -32600
    );
}
