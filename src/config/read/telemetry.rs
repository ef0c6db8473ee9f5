//! `[rate_limit]` and `[audit]`.

use std::time::Duration;

use crate::config::model::{Audit, Overflow, RateLimit, ToolLimit};
use crate::config::read::table::Table;
use crate::engine::limits::BURST_MAX;

const PATTERN: &str = "a glob over tool names, such as \"delete_*\"";
const OVERFLOW: [(&str, Overflow); 2] = [("refuse", Overflow::Refuse), ("drop", Overflow::Drop)];

pub(super) fn rate_limit(table: &Table<'_>) -> RateLimit {
    let default = RateLimit::default();
    let burst_size = table
        .integer("burst_size", 1..=BURST_MAX)
        .unwrap_or(default.burst_size);
    let ttl = Duration::from_secs(1)..=Duration::from_secs(30 * 86_400);
    RateLimit {
        enabled: table.flag("enabled").unwrap_or(default.enabled),
        requests_per_second: table
            .rate("requests_per_second")
            .unwrap_or(default.requests_per_second),
        burst_size,
        tool_limits: table
            .sections("tool_limits")
            .iter()
            .filter_map(|table| tool_limit(table, burst_size))
            .collect(),
        unauthenticated_per_ip: table
            .rate("unauthenticated_per_ip")
            .unwrap_or(default.unauthenticated_per_ip),
        identity_ttl: table
            .duration("identity_ttl", ttl)
            .unwrap_or(default.identity_ttl),
        identities_max: table
            .integer("identities_max", 1..=10_000_000)
            .unwrap_or(default.identities_max),
    }
}

fn tool_limit(table: &Table<'_>, burst_size: u32) -> Option<ToolLimit> {
    let tool_pattern = table.required_text("tool_pattern", PATTERN);
    table.require("requests_per_second", "calls per second");
    let requests_per_second = table.rate("requests_per_second");
    let burst_size = table
        .integer("burst_size", 1..=BURST_MAX)
        .unwrap_or(burst_size);
    Some(ToolLimit {
        key_path: table.path.clone(),
        tool_pattern: tool_pattern?.to_owned(),
        requests_per_second: requests_per_second?,
        burst_size,
    })
}

pub(super) fn audit(table: &Table<'_>) -> Audit {
    let default = Audit::default();
    let flush = Duration::from_millis(1)..=Duration::from_secs(60);
    Audit {
        enabled: table.flag("enabled").unwrap_or(default.enabled),
        file: table.file_path("file"),
        stdout: table.flag("stdout").unwrap_or(default.stdout),
        overflow: table
            .choice("overflow", &OVERFLOW)
            .unwrap_or(default.overflow),
        flush_interval: table
            .duration("flush_interval", flush)
            .unwrap_or(default.flush_interval),
    }
}
