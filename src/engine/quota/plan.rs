//! The quotas of one configuration.

use std::sync::Arc;

use super::Quota;
use crate::engine::limits::{self, TOOL_LIMITS_MAX};
use crate::engine::policy::ToolPattern;

/// One `[[rate_limit.tool_limits]]`: each identity has its own bucket for the tools that match.
#[derive(Clone, Debug)]
pub struct ToolLimit {
    /// The tools concerned.
    pub pattern: ToolPattern,
    /// Their bucket.
    pub quota: Quota,
}

/// `[rate_limit]`, compiled.
#[derive(Clone, Debug)]
pub struct QuotaPlan {
    /// Whether anything is limited at all.
    pub enabled: bool,
    /// The quota of identities that have none of their own.
    pub default: Quota,
    /// Failed authentications of one address, or `None` for no limit.
    pub unauthenticated: Option<Quota>,
    /// Identities whose buckets are kept at once.
    pub identities_max: usize,
    /// How long an unused bucket is kept.
    pub identity_ttl_ms: u64,
    tool_limits: Vec<ToolLimit>,
    patterns: Arc<[Arc<str>]>,
}

impl QuotaPlan {
    /// A plan with `default` for everybody, `tool_limits` on top, and the default bounds.
    ///
    /// Of several limits with one pattern the first counts; limits beyond [`TOOL_LIMITS_MAX`] are for the configuration to
    /// refuse and are dropped here.
    #[must_use]
    pub fn new(default: Quota, tool_limits: Vec<ToolLimit>) -> Self {
        let mut kept: Vec<ToolLimit> = Vec::with_capacity(tool_limits.len());
        for limit in tool_limits {
            let repeated = kept
                .iter()
                .any(|other| other.pattern.as_str() == limit.pattern.as_str());
            if !repeated && kept.len() < TOOL_LIMITS_MAX {
                kept.push(limit);
            }
        }
        Self {
            enabled: true,
            default,
            unauthenticated: None,
            identities_max: limits::IDENTITIES_MAX_DEFAULT,
            identity_ttl_ms: limits::IDENTITY_TTL_MS_DEFAULT,
            patterns: kept
                .iter()
                .map(|limit| Arc::from(limit.pattern.as_str()))
                .collect(),
            tool_limits: kept,
        }
    }

    /// The tool limits, in order.
    #[must_use]
    pub fn tool_limits(&self) -> &[ToolLimit] {
        &self.tool_limits
    }

    /// The patterns of the tool limits, in their order: what an identity's cells are laid out by.
    pub(super) const fn patterns(&self) -> &Arc<[Arc<str>]> {
        &self.patterns
    }
}
