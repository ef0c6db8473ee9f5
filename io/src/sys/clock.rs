//! Reading the kernel's clocks, in nanoseconds.

/// A clock of clock_gettime(2).
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// Since some fixed point; never set back.
    Monotonic,
    /// The same at the kernel's tick (1 to 4 ms), without reading the hardware counter.
    MonotonicCoarse,
    /// Since 1970-01-01 UTC; may be set.
    Real,
}

/// Reads `source`. Cost: one vDSO call, no system call.
#[inline]
pub(crate) fn now_ns(source: Source) -> u64 {
    let id = match source {
        Source::Monotonic => libc::CLOCK_MONOTONIC,
        Source::MonotonicCoarse => libc::CLOCK_MONOTONIC_COARSE,
        Source::Real => libc::CLOCK_REALTIME,
    };
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is writable. The three clocks exist on every Linux, so the call cannot fail; if it did, `now`
    // would stay zero.
    unsafe { libc::clock_gettime(id, &raw mut now) };
    (now.tv_sec.max(0) as u64)
        .saturating_mul(1_000_000_000)
        .saturating_add(now.tv_nsec.max(0) as u64)
}
