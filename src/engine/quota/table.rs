//! The buckets of every identity, and the handles that a worker keeps to them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::bounded::{Bounded, Expendable};
use super::{Cell, Charge, Exceeded, QuotaPlan, Standing, charge};
use crate::engine::identity::Principal;
use crate::engine::limits::{QUOTA_HANDLE_IDLE_MS, QUOTA_HANDLES_PER_WORKER_MAX, TOOL_LIMITS_MAX};

const MS_NS: u64 = 1_000_000;

/// The buckets of one identity: its own, and one for each tool limit of the plan that they were laid out by.
#[derive(Debug)]
pub struct IdentityCells {
    own: Arc<Cell>,
    tools: Box<[Arc<Cell>]>,
    patterns: Arc<[Arc<str>]>,
    // Buckets of patterns that a reload took away while they were in debt: a reload that brings a pattern back must not
    // bring a fresh burst.
    retired: Vec<(Arc<str>, Arc<Cell>)>,
}

impl IdentityCells {
    fn fresh(plan: &QuotaPlan) -> Self {
        Self {
            own: Arc::default(),
            tools: plan.patterns().iter().map(|_| Arc::default()).collect(),
            patterns: plan.patterns().clone(),
            retired: Vec::new(),
        }
    }

    /// The same buckets laid out for another plan.
    fn for_plan(&self, plan: &QuotaPlan, now_ns: u64) -> Self {
        let wanted = plan.patterns();
        let gone = self
            .all_tools()
            .filter(|(pattern, cell)| !wanted.contains(pattern) && cell.debt_ns(now_ns) > 0);
        Self {
            own: self.own.clone(),
            tools: wanted
                .iter()
                .map(|pattern| self.tool(pattern).cloned().unwrap_or_default())
                .collect(),
            patterns: wanted.clone(),
            retired: gone
                .map(|(pattern, cell)| (pattern.clone(), cell.clone()))
                .collect(),
        }
    }

    fn all_tools(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Cell>)> {
        let retired = self.retired.iter().map(|(pattern, cell)| (pattern, cell));
        self.patterns.iter().zip(&self.tools).chain(retired)
    }

    fn tool(&self, pattern: &str) -> Option<&Arc<Cell>> {
        self.all_tools()
            .find(|(own, _)| ***own == *pattern)
            .map(|(_, cell)| cell)
    }

    fn fits(&self, plan: &QuotaPlan) -> bool {
        Arc::ptr_eq(&self.patterns, plan.patterns()) || self.patterns == *plan.patterns()
    }

    /// Charges one call for each of `calls`, all or nothing: to the identity's own bucket, and to those of the tool limits
    /// that match. A call is `Some(tool)` for `tools/call`, `None` for any other message. Errors: the bucket that refuses.
    ///
    /// Cost: O(calls × tool limits); allocates nothing.
    pub fn charge(
        &self,
        plan: &QuotaPlan,
        principal: &Principal,
        server: &str,
        calls: &[Option<&str>],
        now_ns: u64,
    ) -> Result<Option<Standing>, Exceeded> {
        let own_quota = principal.quota().unwrap_or(plan.default);
        let own = Charge {
            cell: &self.own,
            quota: own_quota,
            n: count(calls.len()),
        };
        let mut counts = [0_u32; TOOL_LIMITS_MAX];
        for (limit, n) in plan.tool_limits().iter().zip(&mut counts) {
            *n = count(
                calls
                    .iter()
                    .flatten()
                    .filter(|tool| limit.pattern.matches(server, tool))
                    .count(),
            );
        }
        let limits = plan.tool_limits().iter().zip(&self.tools).zip(&counts);
        let tools = limits.map(|((limit, cell), &n)| Charge {
            cell,
            quota: limit.quota,
            n,
        });
        charge(
            std::iter::once(own)
                .chain(tools)
                .filter(|charge| charge.n > 0),
            now_ns,
        )
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// An entry of the table, with the time-to-live that its plan gives it.
#[derive(Debug)]
struct Held {
    cells: Arc<IdentityCells>,
}

impl Expendable for Held {
    /// Refilled, and held by no worker: handles are taken under the shard's lock only, so the counts cannot rise meanwhile.
    fn is_expendable(&self, now_ns: u64) -> bool {
        let cells = &self.cells;
        let held_elsewhere = Arc::strong_count(cells) > 1 || Arc::strong_count(&cells.own) > 1;
        !held_elsewhere
            && cells.own.debt_ns(now_ns) == 0
            && cells.all_tools().all(|(_, cell)| cell.debt_ns(now_ns) == 0)
    }
}

/// The table has no room for another identity, since every bucket in it is in use.
///
/// The answer is a refusal: sharing a bucket among the newcomers would let one of them be admitted twice over once it got
/// its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableFull;

impl TableFull {
    /// `Retry-After` in seconds.
    pub const RETRY_AFTER_SECS: u32 = 1;
}

impl fmt::Display for TableFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("quota table is full of identities in use; raise rate_limit.identities_max")
    }
}

impl std::error::Error for TableFull {}

/// The buckets of every identity. One for the whole process; it outlives configurations. Its locks are touched only when a
/// worker meets an identity that it holds no handle for.
#[derive(Debug)]
pub struct QuotaTable {
    identities: Bounded<Arc<str>, Held>,
    refused: AtomicU64,
}

impl QuotaTable {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self {
            identities: Bounded::new(),
            refused: AtomicU64::new(0),
        }
    }

    /// Identities with a bucket, for the gauge.
    #[must_use]
    pub fn identities(&self) -> usize {
        self.identities.len()
    }

    /// Times that the table was full, for the counter.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// The buckets of `principal`, laid out for `plan`; made where missing.
    pub fn cells(
        &self,
        principal: &Principal,
        plan: &QuotaPlan,
        now_ns: u64,
    ) -> Result<Arc<IdentityCells>, TableFull> {
        let make = || {
            (
                Arc::from(principal.identity()),
                Held {
                    cells: Arc::new(IdentityCells::fresh(plan)),
                },
            )
        };
        let handle = |held: &mut Held| {
            if !held.cells.fits(plan) {
                held.cells = Arc::new(held.cells.for_plan(plan, now_ns));
            }
            held.cells.clone()
        };
        self.identities
            .with(
                principal.identity(),
                plan.identities_max,
                now_ns,
                make,
                handle,
            )
            .map_err(|_| {
                self.refused.fetch_add(1, Ordering::Relaxed);
                TableFull
            })
    }

    /// Forgets identities unused for the plan's `identity_ttl`. Call it from time to time; it locks one shard at a time.
    pub fn sweep(&self, plan: &QuotaPlan, now_ns: u64) -> usize {
        // A bucket that has been full for the whole time-to-live was full that long ago.
        self.identities
            .sweep(now_ns.saturating_sub(plan.identity_ttl_ms.saturating_mul(MS_NS)))
    }
}

impl Default for QuotaTable {
    fn default() -> Self {
        Self::new()
    }
}

/// One worker's handles to the buckets of the identities that it serves. Not shared.
#[derive(Debug, Default)]
pub struct HandleCache {
    handles: HashMap<Box<str>, Handle>,
    swept_ns: u64,
}

#[derive(Debug)]
struct Handle {
    cells: Arc<IdentityCells>,
    used_ns: u64,
}

impl HandleCache {
    /// An empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Charges `calls` to `principal`, as [`IdentityCells::charge`] does, through a handle of this worker.
    ///
    /// Errors: `Ok(Err(Exceeded))` where a bucket refuses, `Err(TableFull)` where the identity is new and has no room.
    pub fn charge(
        &mut self,
        table: &QuotaTable,
        plan: &QuotaPlan,
        principal: &Principal,
        server: &str,
        calls: &[Option<&str>],
        now_ns: u64,
    ) -> Result<Result<Option<Standing>, Exceeded>, TableFull> {
        if !plan.enabled {
            return Ok(Ok(None));
        }
        if let Some(handle) = self.handles.get_mut(principal.identity())
            && handle.cells.fits(plan)
        {
            handle.used_ns = now_ns;
            return Ok(handle.cells.charge(plan, principal, server, calls, now_ns));
        }
        let cells = table.cells(principal, plan, now_ns)?;
        let verdict = cells.charge(plan, principal, server, calls, now_ns);
        self.keep(principal.identity(), cells, now_ns);
        Ok(verdict)
    }

    /// Drops handles that were not used of late, so that the table may forget their identities. Call it every few seconds.
    pub fn sweep(&mut self, now_ns: u64) {
        self.swept_ns = now_ns;
        self.handles.retain(|_, handle| {
            now_ns.saturating_sub(handle.used_ns) < QUOTA_HANDLE_IDLE_MS * MS_NS
        });
    }

    /// Handles held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.handles.len()
    }

    /// Whether none is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.handles.is_empty()
    }

    fn keep(&mut self, identity: &str, cells: Arc<IdentityCells>, now_ns: u64) {
        if self.handles.len() >= QUOTA_HANDLES_PER_WORKER_MAX {
            self.make_room(now_ns);
        }
        self.handles.insert(
            identity.into(),
            Handle {
                cells,
                used_ns: now_ns,
            },
        );
    }

    /// Sweeps at most once a second, and else drops any one handle: losing one costs a look at the table, nothing more.
    fn make_room(&mut self, now_ns: u64) {
        if now_ns.saturating_sub(self.swept_ns) >= 1_000 * MS_NS {
            self.sweep(now_ns);
        }
        if self.handles.len() >= QUOTA_HANDLES_PER_WORKER_MAX
            && let Some(victim) = self.handles.keys().next().cloned()
        {
            self.handles.remove(&victim);
        }
    }
}

#[cfg(test)]
#[path = "table/tests.rs"]
mod tests;
