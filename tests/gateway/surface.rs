//! The paths beside MCP.

use crate::harness::client::{bearer, call, post};
use crate::harness::eventually;
use crate::harness::gateway::{ADMIN, READER, Setup};
use crate::harness::upstream::{Upstream, plain_server};

fn get(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
}

#[test]
fn health_needs_no_credential_and_metrics_stay_on_the_admin_listener() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    for path in ["/health", "/live", "/ready"] {
        // A moment passes between the log line that a start is told by and the last worker's first accept.
        eventually(path, || {
            let main = gateway.client().exchange(get(path, "")).status;
            (main == 200 && gateway.admin_get(path).status == 200).then_some(())
        });
    }
    assert!(gateway.client().exchange(get("/health", "")).json()["uptime_secs"].is_u64());
    assert_ne!(
        gateway
            .client()
            .exchange(get("/metrics", &bearer(ADMIN)))
            .status,
        200
    );
    assert_eq!(gateway.post(READER, &call(1, "read_a")).status, 200);
    for line in [
        "mcp_guard_requests_total{method=\"tools/call\",status=\"200\"} 1",
        "mcp_guard_auth_total{provider=\"api_key\",result=\"success\"} 1",
        "# HELP mcp_guard_request_duration_seconds",
        "mcp_guard_request_duration_seconds_bucket{",
    ] {
        // A request is counted once its answer has gone out.
        eventually(line, || {
            gateway
                .admin_get("/metrics")
                .text()
                .contains(line)
                .then_some(())
        });
    }
}

#[test]
fn unknown_paths_methods_and_spellings_are_refused() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let request = |line: &str| {
        format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\n{}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}",
            bearer(ADMIN)
        )
    };
    for line in [
        "POST /",
        "POST /mcpx",
        "POST /mcp/",
        "POST //mcp",
        "POST /mcp/../mcp",
        "POST /%6dcp",
        "POST /mcp/default/x",
        "POST /MCP",
    ] {
        let status = gateway.client().exchange(request(line)).status;
        assert!([400, 404].contains(&status), "{line}: {status}");
    }
    for line in ["PUT /mcp", "PATCH /mcp", "TRACE /mcp", "POST /health"] {
        let answer = gateway.client().exchange(request(line));
        assert!([405, 501].contains(&answer.status), "{line}: {answer:?}");
    }
    assert_eq!(upstream.count(), 0);
}

#[test]
fn routes_list_what_the_caller_may_reach() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    assert_eq!(gateway.client().exchange(get("/routes", "")).status, 401);
    let answer = gateway.client().exchange(get("/routes", &bearer(READER)));
    assert_eq!(answer.status, 200);
    assert!(
        answer.text().contains("default")
            && !answer.text().contains(&upstream.address.port().to_string()),
        "{answer:?}"
    );
}

#[test]
fn head_is_answered_like_get_without_a_body() {
    let upstream = Upstream::start(plain_server);
    let gateway = Setup::in_front_of(&upstream.url()).start();
    let mut client = gateway.client();
    let head = client
        .send("HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .head();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(
        client
            .exchange(post("/mcp", &bearer(READER), &call(1, "read_a")))
            .status,
        200,
        "the connection stays in step"
    );
}

#[test]
fn metrics_on_the_main_listener_want_a_credential_even_where_callers_need_none() {
    let upstream = Upstream::start(plain_server);
    let mut setup = Setup::in_front_of(&upstream.url());
    setup
        .config
        .push_str("\n[auth.anonymous]\nallowed_tools = [\"*\"]\n");
    setup.admin = "metrics_on_main = true".to_owned();
    let gateway = setup.start();
    assert_eq!(gateway.client().exchange(get("/metrics", "")).status, 401);
    let shown = gateway.client().exchange(get("/metrics", &bearer(READER)));
    assert_eq!(shown.status, 200);
    assert!(shown.text().contains("mcp_guard_requests_total"));
}
