//! What is allowed, and that lists show exactly that.

use crate::harness::client::{bearer, call, post};
use crate::harness::gateway::{ADMIN, READER, Setup};
use crate::harness::upstream::{
    Recorded, Step, Upstream, answer, chunk, json, last_chunk, plain_server, sse_head, tools_list,
};

const LIST: &str = r#"{"jsonrpc":"2.0","id":"l","method":"tools/list"}"#;

#[test]
fn a_call_passes_byte_for_byte_when_a_rule_allows_it() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let body = "{\"jsonrpc\":\"2.0\", \"id\":12345678901234567890,\n\"method\":\"tools/call\",\"params\":{\"name\":\"read_a\",\"arguments\":{\"big\":9007199254740993,\"f\":1.0,\"s\":\"\\u00e9\"},\"unknown\":[]}}";
    let answer = gateway.post(READER, body);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(upstream.requests()[0].body, body);
    assert!(answer.text().contains("12345678901234567890"));
    assert!(answer.header("x-request-id").is_some());
}

#[test]
fn a_denied_call_is_answered_here_and_looks_like_a_missing_tool() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    for tool in ["delete_all", "no_such_tool", "Read_a", "read", ""] {
        let answer = gateway.post(READER, &call(3, tool));
        assert_eq!((answer.status, answer.code()), (200, 40302), "{tool}");
        assert_eq!(answer.json()["error"]["message"], "tool not available");
        assert_eq!(answer.json()["id"], 3);
    }
    assert_eq!(upstream.count(), 0);
    let record = gateway.record("a record of the denial", |record| {
        record["event_type"] == "authz_denied" && record["tool"] == "delete_all"
    });
    assert_eq!(record["identity_id"], "key:reader");
    assert_eq!(record["decision"], "denied");
}

#[test]
fn messages_that_two_parsers_read_differently_are_refused() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_a","name":"delete_all"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_a","Name":"delete_all"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_a","n\u0061me":"delete_all"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call","params":{"name":"read_a"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_a"},"PARAMS":{"name":"delete_all"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_a"},"paramſ":{"name":"delete_all"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["read_a"]}}"#,
        r#"{"jsonrpc":"2.0","id":1.0,"method":"tools/call","params":{"name":"read_a"}}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"read_a"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_a"}} {}"#,
        "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"read_a\"}}",
        "",
        "null",
        "[]",
        "{",
    ] {
        let answer = gateway.post(ADMIN, body);
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert!(
            [-32700, -32600, -32602].contains(&answer.code()),
            "{body}: {answer:?}"
        );
    }
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"read_a","arguments":{}{}}}}}"#,
        "[".repeat(5000),
        "]".repeat(5000)
    );
    assert_eq!(gateway.post(ADMIN, &deep).status, 400);
    assert_eq!(upstream.count(), 0);
    assert_eq!(
        gateway.post(ADMIN, &call(1, "read_a")).status,
        200,
        "the next request works"
    );
}

fn names(list: &serde_json::Value) -> Vec<&str> {
    list["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect()
}

#[test]
fn lists_show_exactly_what_may_be_called_and_nothing_else_in_them_changes() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let answer = gateway.post(READER, LIST);
    assert_eq!(names(&answer.json()), ["read_a", "read_b"], "{answer:?}");
    let text = answer.text();
    assert!(
        text.contains("9007199254740993")
            && text.contains(r#""_meta":{"x":1.0}"#)
            && text.contains(r#""nextCursor":"c""#)
    );
    assert!(
        !text.contains("cacheScope"),
        "older revisions never get the field"
    );
    let whole = gateway.post(ADMIN, LIST);
    assert_eq!(
        whole.text(),
        tools_list("\"l\""),
        "nothing removed: byte for byte"
    );
}

fn in_sse(request: &Recorded) -> Vec<Step> {
    if !request.body.contains("tools/list") {
        return plain_server(request);
    }
    let list = tools_list("\"l\"");
    let (first, second) = list.split_at(100);
    vec![
        sse_head(""),
        chunk(": hello\n\nid: 1\nretry: 10\ndata:\n\n"),
        chunk("event: message\nid: 2\ndata: "),
        chunk(first),
        chunk(second),
        chunk("\n"),
        chunk("\n"),
        last_chunk(),
    ]
}

#[test]
fn lists_in_event_streams_are_filtered_however_they_are_cut() {
    let upstream = Upstream::start(in_sse);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let answer = gateway.post(READER, LIST);
    assert!(answer.is_complete);
    let text = answer.text();
    assert!(!text.contains("delete_all"), "{text}");
    assert!(text.contains("read_a") && text.contains("read_b"));
    for kept in [": hello", "id: 1", "retry: 10", "id: 2"] {
        assert!(text.contains(kept), "{kept} is lost: {text}");
    }
}

#[test]
fn a_list_that_cannot_be_read_strictly_is_not_passed_on() {
    let upstream = Upstream::start(|request| {
        let id = &request.json()["id"];
        match id.as_i64() {
            Some(1) => json(
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"delete_all\"}",
            ),
            Some(2) => json(
                r#"{"jsonrpc":"2.0","id":2,"result":{"tools":[],"tools":[{"name":"delete_all"}]}}"#,
            ),
            Some(3) => json(
                r#"{"jsonrpc":"2.0","id":3,"result":{"tools":[{"name":"read_a","name":"delete_all"}]}}"#,
            ),
            Some(4) => answer(200, "Content-Type: text/plain\r\n", "delete_all"),
            Some(5) => answer(
                200,
                "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
                "delete_all",
            ),
            _ => json(r#"{"jsonrpc":"2.0","id":6,"result":{"tools":[{"name":7}]}}"#),
        }
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    for id in 1..=6 {
        let answer = gateway.post(
            READER,
            &format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/list"}}"#),
        );
        assert_eq!(answer.status, 502, "{id}: {answer:?}");
        assert!(!answer.text().contains("delete_all"));
    }
}

#[test]
fn prompts_resources_and_unknown_methods_follow_the_same_rules() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let request = |method: &str, params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
    };
    for (method, params, allowed) in [
        ("prompts/get", r#"{"name":"p1"}"#, true),
        ("prompts/get", r#"{"name":"q1"}"#, false),
        ("resources/read", r#"{"uri":"file:///docs/a"}"#, true),
        ("resources/read", r#"{"uri":"file:///etc/passwd"}"#, false),
        (
            "resources/subscribe",
            r#"{"uri":"file:///etc/passwd"}"#,
            false,
        ),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","name":"p1"},"argument":{"name":"a","value":"b"}}"#,
            true,
        ),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","name":"q1"},"argument":{"name":"a","value":"b"}}"#,
            false,
        ),
        ("ping", "{}", true),
        ("logging/setLevel", r#"{"level":"info"}"#, true),
        ("vendor/secret", "{}", false),
        ("tasks/get", r#"{"taskId":"somebody-elses"}"#, false),
    ] {
        let before = upstream.count();
        let answer = gateway.post(READER, &request(method, params));
        assert_eq!(answer.status, 200, "{method} {params}: {answer:?}");
        assert_eq!(upstream.count() > before, allowed, "{method} {params}");
        if !allowed {
            assert_eq!(answer.code(), 40302, "{method} {params}");
        }
    }
    assert!(gateway.post(ADMIN, &request("vendor/secret", "{}")).json()["result"].is_object());
}

#[test]
fn a_server_ceiling_binds_everybody_and_servers_are_told_apart() {
    let (one, two) = (Upstream::start(plain_server), Upstream::start(plain_server));
    let mut setup = Setup::in_front_of("");
    setup.config = format!(
        "[[upstream.servers]]\nname = \"one\"\ntransport = \"http\"\nurl = \"{}\"\nallowed_tools = [\"read_*\"]\n\n[[upstream.servers]]\nname = \"two\"\ntransport = \"http\"\nurl = \"{}\"\n",
        one.url(),
        two.url()
    );
    let gateway = setup.start();
    let call_at = |path: &str, tool: &str| {
        gateway
            .client()
            .exchange(post(path, &bearer(ADMIN), &call(1, tool)))
    };
    assert_eq!(call_at("/mcp/one", "delete_all").code(), 40302);
    assert!(call_at("/mcp/two", "delete_all").json()["result"].is_object());
    assert!(call_at("/mcp", "read_a").json()["result"].is_object());
    assert_eq!((one.count(), two.count()), (1, 1));
    assert_eq!(call_at("/mcp/three", "read_a").status, 404);
    assert_eq!(
        gateway
            .client()
            .exchange(post("/mcp/three", "", &call(1, "x")))
            .status,
        401,
        "existence is not revealed"
    );
}

#[test]
fn a_stream_is_filtered_whatever_its_status() {
    let upstream = Upstream::start(|_| {
        let body = format!("event: message\ndata: {}\n\n", tools_list("\"l\""));
        answer(400, "Content-Type: text/event-stream\r\n", &body)
    });
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let refused = gateway.post(READER, LIST);
    assert_eq!(refused.status, 400);
    assert!(!refused.text().contains("delete_all"), "{refused:?}");
}
