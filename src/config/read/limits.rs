//! `[server.limits]`: each bound within a range in which the gateway still works.

use std::time::Duration;

use crate::config::model::Limits;
use crate::config::read::table::Table;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn read(table: &Table<'_>) -> Limits {
    let default = Limits::default();
    Limits {
        head_bytes: bytes(table, "head_bytes", 1 << 10, 1 << 20).unwrap_or(default.head_bytes),
        headers: table
            .integer("headers", 8..=1_000)
            .unwrap_or(default.headers),
        header_timeout: table
            .duration("header_timeout", SECOND..=HOUR)
            .unwrap_or(default.header_timeout),
        body_timeout: table
            .duration("body_timeout", SECOND..=HOUR)
            .unwrap_or(default.body_timeout),
        idle_timeout: table
            .duration("idle_timeout", SECOND..=HOUR)
            .unwrap_or(default.idle_timeout),
        write_timeout: table
            .duration("write_timeout", SECOND..=HOUR)
            .unwrap_or(default.write_timeout),
        connections: table
            .integer("connections", 1..=10_000_000)
            .unwrap_or(default.connections),
        connections_per_ip: table
            .integer("connections_per_ip", 1..=10_000_000)
            .unwrap_or(default.connections_per_ip),
        json_depth: table
            .integer("json_depth", 4..=512)
            .unwrap_or(default.json_depth),
        streams_per_principal: table
            .integer("streams_per_principal", 1..=1_000_000)
            .unwrap_or(default.streams_per_principal),
        list_bytes: bytes(table, "list_bytes", 1 << 10, 1 << 30).unwrap_or(default.list_bytes),
        sse_keepalive: table
            .duration("sse_keepalive", SECOND..=HOUR)
            .unwrap_or(default.sse_keepalive),
    }
}

fn bytes(table: &Table<'_>, key: &str, min: u64, max: u64) -> Option<u32> {
    table
        .size(key, min..=max)
        .and_then(|bytes| u32::try_from(bytes).ok())
}
