//! How often each may ask.

use std::collections::HashMap;

use crate::config::compile::Findings;
use crate::config::compile::identity::refuse_unknown_servers;
use crate::config::model::{Config, ToolLimit};
use crate::config::problem::Problem;
use crate::engine::limits::{TOOL_LIMITS_MAX, UNAUTHENTICATED_BURST};
use crate::engine::policy::ToolPattern;
use crate::engine::quota::{self, QuotaPlan};

/// The plan, unless the quota of everybody is out of bounds.
pub(super) fn plan(config: &Config, findings: &mut Findings) -> Option<QuotaPlan> {
    let limit = &config.rate_limit;
    let default = findings.quota(
        "rate_limit.requests_per_second",
        limit.requests_per_second,
        limit.burst_size,
    );
    let unauthenticated = limit.unauthenticated_per_ip;
    let unauthenticated = findings.quota(
        "rate_limit.unauthenticated_per_ip",
        unauthenticated,
        UNAUTHENTICATED_BURST,
    );
    refuse_repeated(&limit.tool_limits, findings);
    let tool_limits = limit
        .tool_limits
        .iter()
        .filter_map(|limit| tool_limit(config, limit, findings))
        .collect();
    let mut plan = QuotaPlan::new(default?, tool_limits);
    plan.enabled = limit.enabled;
    plan.unauthenticated = unauthenticated;
    plan.identities_max = limit.identities_max;
    plan.identity_ttl_ms = u64::try_from(limit.identity_ttl.as_millis()).unwrap_or(u64::MAX);
    Some(plan)
}

fn tool_limit(
    config: &Config,
    limit: &ToolLimit,
    findings: &mut Findings,
) -> Option<quota::ToolLimit> {
    let path = format!("{}.tool_pattern", limit.key_path);
    let quota = findings.quota(&limit.key_path, limit.requests_per_second, limit.burst_size);
    refuse_unknown_servers(
        &path,
        std::slice::from_ref(&limit.tool_pattern),
        &config.upstreams,
        findings,
    );
    match ToolPattern::parse(&limit.tool_pattern) {
        Ok(pattern) => quota.map(|quota| quota::ToolLimit { pattern, quota }),
        Err(reason) => {
            let entry = limit.tool_pattern.clone();
            findings.add(
                path,
                Problem::BadEntry {
                    entry,
                    reason: reason.to_string(),
                },
            );
            None
        }
    }
}

/// Each pattern has one bucket: a second limit for it would be silently ignored.
fn refuse_repeated(limits: &[ToolLimit], findings: &mut Findings) {
    if limits.len() > TOOL_LIMITS_MAX {
        let accepted = format!("up to {TOOL_LIMITS_MAX} limits");
        findings.add(
            "rate_limit.tool_limits",
            Problem::OutOfRange {
                value: limits.len().to_string(),
                accepted,
            },
        );
    }
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for limit in limits {
        if let Some(first) = seen.insert(&limit.tool_pattern, &limit.key_path) {
            let other = format!("{first}.tool_pattern");
            findings.add(
                format!("{}.tool_pattern", limit.key_path),
                Problem::SameAs { other },
            );
        }
    }
}
