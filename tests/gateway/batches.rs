//! Batches exist in one revision and are judged member by member.

use crate::harness::client::{bearer, call, post};
use crate::harness::gateway::{ADMIN, READER, Setup};
use crate::harness::upstream::{Upstream, json, plain_server, tools_list};

#[test]
fn a_batch_passes_only_when_every_member_does() {
    let upstream = Upstream::start(|_| json("[]"));
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let good = format!("[{},{}]", call(1, "read_a"), call(2, "read_b"));
    assert_eq!(gateway.post(READER, &good).status, 200);
    assert_eq!(upstream.requests()[0].body, good);
    let bad = format!("[{},{}]", call(1, "read_a"), call(2, "delete_all"));
    let answer = gateway.post(READER, &bad);
    assert_eq!(answer.status, 200);
    let errors = answer.json();
    assert_eq!(
        errors.as_array().unwrap().len(),
        2,
        "each request gets its answer"
    );
    assert_eq!(errors[1]["error"]["code"], 40302);
    assert_eq!(upstream.count(), 1, "the whole batch is kept back");
}

#[test]
fn batches_of_other_revisions_and_shapes_are_refused() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let pair = format!("[{},{}]", call(1, "read_a"), call(2, "read_a"));
    for version in ["2025-06-18", "2025-11-25", "2026-07-28"] {
        let fields = format!("{}MCP-Protocol-Version: {version}\r\n", bearer(ADMIN));
        assert_eq!(
            gateway
                .client()
                .exchange(post("/mcp", &fields, &pair))
                .status,
            400,
            "{version}"
        );
    }
    let mixed = format!(
        r#"[{},{{"jsonrpc":"2.0","id":9,"result":{{}}}}]"#,
        call(1, "read_a")
    );
    let initialize = r#"[{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}]"#;
    let many = format!("[{}]", vec![call(1, "read_a"); 5000].join(","));
    for body in [
        "[]",
        mixed.as_str(),
        initialize,
        "[1]",
        "[[]]",
        many.as_str(),
    ] {
        assert_eq!(
            gateway.post(ADMIN, body).status,
            400,
            "{}",
            &body[..body.len().min(80)]
        );
    }
    assert_eq!(upstream.count(), 0);
}

#[test]
fn lists_inside_batch_answers_are_filtered() {
    let upstream = Upstream::start(|_| json(&format!("[{},{}]", tools_list("1"), tools_list("2"))));
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let body = r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"},{"jsonrpc":"2.0","id":2,"method":"ping"}]"#;
    let text = gateway.post(READER, body).text();
    assert!(
        text.contains("read_a") && !text.contains("delete_all"),
        "{text}"
    );
}

#[test]
fn a_batch_is_charged_by_member() {
    let upstream = Upstream::start(|_| json("[]"));
    let gateway = Setup::in_front_of(&upstream.url())
        .rate_limit("requests_per_second = 0.01\nburst_size = 5")
        .start();
    let four = format!(
        "[{}]",
        (1..=4)
            .map(|id| call(id, "read_a"))
            .collect::<Vec<_>>()
            .join(",")
    );
    assert_eq!(gateway.post(READER, &four).status, 200);
    assert_eq!(
        gateway.post(READER, &four).status,
        429,
        "four more do not fit"
    );
    assert_eq!(
        gateway.post(READER, &call(9, "read_a")).status,
        200,
        "and nothing was charged for them"
    );
    assert_eq!(upstream.count(), 2);
}
