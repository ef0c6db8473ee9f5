//! `[server.limits]`: each bound within a range in which the gateway still works.

use std::time::Duration;

use crate::config::read::table::Table;
use crate::engine::limits::Limits;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// Largest bound of bytes: spans are 32 bits wide.
const BYTES_MAX: u64 = 1 << 30;

/// Largest bound of things that are counted.
const COUNT_MAX: usize = 10_000_000;

/// Largest bound of child processes.
pub(super) const CHILDREN_MAX: usize = 100_000;

/// Reads `[server.limits]` at `table`, and `max_request_size` at `server`.
pub(super) fn read(server: &Table<'_>, table: &Table<'_>) -> Limits {
    let default = Limits::DEFAULT;
    Limits {
        head_bytes: bytes(table, "head_bytes", 4 << 10, 1 << 20).unwrap_or(default.head_bytes),
        headers: table
            .integer("headers", 8..=1_000)
            .unwrap_or(default.headers),
        body_bytes: bytes(server, "max_request_size", 1 << 10, BYTES_MAX)
            .unwrap_or(default.body_bytes),
        json_depth: table
            .integer("json_depth", 4..=512)
            .unwrap_or(default.json_depth),
        list_bytes: bytes(table, "list_bytes", 1 << 10, BYTES_MAX).unwrap_or(default.list_bytes),
        event_bytes: bytes(table, "event_bytes", 1 << 10, BYTES_MAX).unwrap_or(default.event_bytes),
        header_timeout_ms: millis(table, "header_timeout", HOUR)
            .unwrap_or(default.header_timeout_ms),
        body_timeout_ms: millis(table, "body_timeout", HOUR).unwrap_or(default.body_timeout_ms),
        idle_timeout_ms: millis(table, "idle_timeout", HOUR).unwrap_or(default.idle_timeout_ms),
        write_stall_ms: millis(table, "write_timeout", HOUR).unwrap_or(default.write_stall_ms),
        sse_keepalive_ms: millis(table, "sse_keepalive", HOUR).unwrap_or(default.sse_keepalive_ms),
        detached_ms: millis(table, "detached_timeout", DAY).unwrap_or(default.detached_ms),
        detached_requests: table
            .integer("detached_requests", 0..=COUNT_MAX)
            .unwrap_or(default.detached_requests),
        connections: table
            .integer("connections", 1..=COUNT_MAX)
            .unwrap_or(default.connections),
        connections_per_ip: table
            .integer("connections_per_ip", 1..=COUNT_MAX)
            .unwrap_or(default.connections_per_ip),
        streams_per_principal: table
            .integer("streams_per_principal", 1..=COUNT_MAX)
            .unwrap_or(default.streams_per_principal),
        requests_in_flight: table
            .integer("requests_in_flight", 1..=COUNT_MAX)
            .unwrap_or(default.requests_in_flight),
        upstream_idle_connections: table
            .integer("upstream_idle_connections", 0..=COUNT_MAX)
            .unwrap_or(default.upstream_idle_connections),
        upstream_idle_timeout_ms: millis(table, "upstream_idle_timeout", HOUR)
            .unwrap_or(default.upstream_idle_timeout_ms),
        children: table
            .integer("children", 1..=CHILDREN_MAX)
            .unwrap_or(default.children),
        children_per_principal: table
            .integer("children_per_principal", 1..=CHILDREN_MAX)
            .unwrap_or(default.children_per_principal),
        sessions: table
            .integer("sessions", 1..=COUNT_MAX)
            .unwrap_or(default.sessions),
        sessions_per_principal: table
            .integer("sessions_per_principal", 1..=COUNT_MAX)
            .unwrap_or(default.sessions_per_principal),
        session_idle_timeout_ms: millis(table, "session_idle_timeout", DAY)
            .unwrap_or(default.session_idle_timeout_ms),
        session_events_bytes: bytes(table, "session_events_bytes", 0, BYTES_MAX)
            .unwrap_or(default.session_events_bytes),
        line_bytes: bytes(table, "line_bytes", 1 << 10, BYTES_MAX).unwrap_or(default.line_bytes),
    }
}

fn bytes(table: &Table<'_>, key: &str, min: u64, max: u64) -> Option<usize> {
    table
        .size(key, min..=max)
        .and_then(|bytes| usize::try_from(bytes).ok())
}

fn millis(table: &Table<'_>, key: &str, max: Duration) -> Option<u64> {
    table
        .duration(key, SECOND..=max)
        .and_then(|duration| u64::try_from(duration.as_millis()).ok())
}
