#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::{METHODS_MAX, UpstreamSource, control, method_label, upstreams, workers};
use crate::engine::audit::Decision;
use crate::engine::identity::Provider;
use crate::engine::mcp::methods::Method;
use crate::metrics::{
    AuthResult, Bound, ControlMetrics, Exposition, ReloadResult, UpstreamCells, UpstreamResult,
    WorkerMetrics,
};

fn check(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(
            text.lines().any(|found| found == *line),
            "{line} is missing in\n{text}"
        );
    }
}

#[test]
fn workers_are_added_up() {
    let (first, second) = (WorkerMetrics::default(), WorkerMetrics::default());
    let call = Method::ToolsCall as usize;
    first.request(call, 200, 1_000_000);
    second.request(call, 200, 2_000_000);
    second.request(call, 429, 3_000_000);
    second.request(usize::MAX, 418, 1);
    first.auth(Some(Provider::ApiKey), AuthResult::Success);
    second.auth(Some(Provider::ApiKey), AuthResult::Success);
    second.auth(None, AuthResult::Missing);
    second.rate_limit(false);
    first.decision(Decision::Denied);
    first.bound(Bound::Head);
    first.connections.inc();
    second.connections.inc();
    second.connections.inc();
    second.connections.dec();
    let mut out = Exposition::default();
    workers(&mut out, &[&first, &second]);
    check(
        &out.encode(),
        &[
            r#"mcp_guard_requests_total{method="tools/call",status="200"} 2"#,
            r#"mcp_guard_requests_total{method="tools/call",status="429"} 1"#,
            r#"mcp_guard_requests_total{method="other",status="other"} 1"#,
            r#"mcp_guard_request_duration_seconds_count{method="tools/call"} 3"#,
            r#"mcp_guard_auth_total{provider="api_key",result="success"} 2"#,
            r#"mcp_guard_auth_total{provider="none",result="credential_missing"} 1"#,
            r#"mcp_guard_rate_limit_total{allowed="true"} 0"#,
            r#"mcp_guard_rate_limit_total{allowed="false"} 1"#,
            r#"mcp_guard_decisions_total{decision="denied"} 1"#,
            r#"mcp_guard_bounds_reached_total{bound="head"} 1"#,
            "mcp_guard_connections 2",
            r#"mcp_guard_worker_requests_total{worker="0"} 1"#,
            r#"mcp_guard_worker_requests_total{worker="1"} 3"#,
            r#"mcp_guard_worker_connections{worker="1"} 1"#,
        ],
    );
}

#[test]
fn upstreams_are_added_up_by_server_and_result() {
    let cells: Vec<UpstreamCells> = (0..2).map(|_| UpstreamCells::default()).collect();
    cells[0].observe(UpstreamResult::Ok, 1_000);
    cells[1].observe(UpstreamResult::Ok, 1_000);
    cells[1].observe(UpstreamResult::Timeout, 5_000_000_000);
    cells[0].connections_idle.inc();
    cells[1].connections_opened.inc();
    let mut out = Exposition::default();
    upstreams(
        &mut out,
        &[UpstreamSource {
            server: "github",
            transport: "http",
            cells: &cells,
            children: None,
            up: Some(false),
        }],
    );
    check(
        &out.encode(),
        &[
            r#"mcp_guard_upstream_requests_total{server="github",transport="http",result="ok"} 2"#,
            r#"mcp_guard_upstream_requests_total{server="github",transport="http",result="timeout"} 1"#,
            r#"mcp_guard_upstream_latency_seconds_count{server="github",transport="http",result="ok"} 2"#,
            r#"mcp_guard_upstream_connections{server="github",transport="http",state="idle"} 1"#,
            r#"mcp_guard_upstream_connections_opened_total{server="github",transport="http"} 1"#,
            r#"mcp_guard_upstream_up{server="github",transport="http"} 0"#,
        ],
    );
}

#[test]
fn control_counts_its_reloads_by_result() {
    let metrics = ControlMetrics::default();
    metrics.reload(ReloadResult::Rejected);
    metrics.audit_lag_ms.set(1_500);
    let mut out = Exposition::default();
    control(&mut out, &metrics);
    check(
        &out.encode(),
        &[
            r#"mcp_guard_config_reloads_total{result="rejected"} 1"#,
            r#"mcp_guard_config_reloads_total{result="applied"} 0"#,
            "mcp_guard_audit_lag_seconds 1.5",
        ],
    );
}

#[test]
fn every_method_has_a_row_and_the_last_row_is_other() {
    assert!(Method::KNOWN.len() < METHODS_MAX);
    for (index, method) in Method::KNOWN.iter().enumerate() {
        assert_eq!(*method as usize, index);
        assert_eq!(method_label(index), method.as_str());
    }
    assert_eq!(Method::Other as usize, Method::KNOWN.len());
    assert_eq!(method_label(METHODS_MAX - 1), "other");
}
