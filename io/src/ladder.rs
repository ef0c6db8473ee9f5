//! The ladder of IO drivers: the best that the kernel grants, found by trying.

use std::{fmt, fs, io};

use io_uring::{Builder, IoUring};
use monoio::{IoUringDriver, LegacyDriver, RuntimeBuilder, time::TimeDriver};

use crate::{limits, sys};

/// Which driver a runtime may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IoMode {
    /// The best that works.
    #[default]
    Auto,
    /// io_uring on any rung, or an error.
    Uring,
    /// epoll, even where io_uring works.
    Epoll,
}

/// A rung of the ladder, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IoRung {
    /// io_uring, one issuing thread, completions worked off when that thread waits (Linux 6.1).
    UringDeferred,
    /// io_uring, completions worked off at the thread's next system call (Linux 5.19).
    UringCooperative,
    /// io_uring with no setup flags.
    UringPlain,
    /// Readiness by epoll.
    Epoll,
}

impl IoRung {
    /// The rungs that use io_uring, best first.
    pub const URING: [Self; 3] = [
        Self::UringDeferred,
        Self::UringCooperative,
        Self::UringPlain,
    ];

    /// A short name without spaces, for logs and machine-readable output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UringDeferred => "io_uring-deferred",
            Self::UringCooperative => "io_uring-cooperative",
            Self::UringPlain => "io_uring-plain",
            Self::Epoll => "epoll",
        }
    }

    fn flags(self) -> Builder {
        let mut builder = IoUring::builder();
        match self {
            Self::UringDeferred => {
                builder
                    .setup_single_issuer()
                    .setup_defer_taskrun()
                    .setup_coop_taskrun();
            }
            Self::UringCooperative => {
                builder.setup_coop_taskrun();
            }
            Self::UringPlain | Self::Epoll => {}
        }
        builder
    }
}

impl fmt::Display for IoRung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UringDeferred => "io_uring with deferred task work",
            Self::UringCooperative => "io_uring with cooperative task work",
            Self::UringPlain => "io_uring without setup flags",
            Self::Epoll => "epoll",
        })
    }
}

/// Why no runtime could be built.
#[derive(Debug)]
pub enum RuntimeError {
    /// io_uring was demanded and every rung failed; the cause is that of the plainest one.
    UringUnavailable(io::Error),
    /// epoll failed, which means that descriptors or memory are exhausted.
    EpollUnavailable(io::Error),
}

impl fmt::Display for RuntimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UringUnavailable(cause) => write!(
                f,
                "io_uring is not available: {cause}; choose automatic IO or epoll, or allow io_uring (sysctl \
                 kernel.io_uring_disabled, the container's seccomp profile)"
            ),
            Self::EpollUnavailable(cause) => {
                write!(
                    f,
                    "event loop cannot be created: {cause}; raise the limit of open files (ulimit -n)"
                )
            }
        }
    }
}

impl std::error::Error for RuntimeError {}

/// A runtime of this thread, not yet running.
pub(crate) enum Runtime {
    Uring(monoio::Runtime<TimeDriver<IoUringDriver>>),
    Epoll(monoio::Runtime<TimeDriver<LegacyDriver>>),
}

/// Builds the best runtime that `mode` and the kernel allow, on the thread that will run it.
pub(crate) fn climb(mode: IoMode) -> Result<(Runtime, IoRung), RuntimeError> {
    if mode == IoMode::Epoll {
        return build_epoll();
    }
    let mut cause = None;
    for rung in IoRung::URING {
        match build_uring(rung) {
            Ok(runtime) => return Ok((runtime, rung)),
            Err(error) => cause = Some(error),
        }
    }
    match (mode, cause) {
        (IoMode::Uring, Some(cause)) => Err(RuntimeError::UringUnavailable(cause)),
        _ => build_epoll(),
    }
}

fn build_uring(rung: IoRung) -> io::Result<Runtime> {
    let mut builder = rung.flags();
    sys::ring::try_out(&builder)?;
    builder.setup_cqsize(limits::RING_COMPLETIONS);
    let runtime = RuntimeBuilder::<IoUringDriver>::new()
        .with_entries(limits::RING_ENTRIES)
        .uring_builder(builder)
        .enable_timer()
        .build()?;
    Ok(Runtime::Uring(runtime))
}

fn build_epoll() -> Result<(Runtime, IoRung), RuntimeError> {
    let runtime = RuntimeBuilder::<LegacyDriver>::new()
        .with_entries(limits::RING_ENTRIES)
        .enable_timer()
        .build()
        .map_err(RuntimeError::EpollUnavailable)?;
    Ok((Runtime::Epoll(runtime), IoRung::Epoll))
}

/// One rung of io_uring, tried.
#[derive(Debug)]
pub struct RungProbe {
    /// What was tried.
    pub rung: IoRung,
    /// How the kernel refused it, when it did.
    pub refusal: Option<io::Error>,
}

/// What the kernel offers to the event loop.
#[derive(Debug)]
pub struct KernelAbilities {
    /// The kernel's release, `6.18.44` for example; empty when it cannot be read.
    pub release: String,
    /// The rungs of io_uring, best first.
    pub rungs: Vec<RungProbe>,
}

impl KernelAbilities {
    /// The rung that [`IoMode::Auto`] would stand on.
    #[must_use]
    pub fn best(&self) -> IoRung {
        let granted = self.rungs.iter().find(|probe| probe.refusal.is_none());
        granted.map_or(IoRung::Epoll, |probe| probe.rung)
    }
}

impl fmt::Display for KernelAbilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "linux {}: {}", self.release, self.best())?;
        for probe in &self.rungs {
            if let Some(refusal) = &probe.refusal {
                write!(f, "; no {}: {refusal}", probe.rung)?;
            }
        }
        Ok(())
    }
}

/// Tries every rung of io_uring on a thread of its own.
#[must_use]
pub fn probe() -> KernelAbilities {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let rungs = std::thread::spawn(|| IoRung::URING.map(probe_rung).into())
        .join()
        .unwrap_or_default();
    KernelAbilities {
        release: release.trim().to_owned(),
        rungs,
    }
}

fn probe_rung(rung: IoRung) -> RungProbe {
    RungProbe {
        rung,
        refusal: sys::ring::try_out(&rung.flags()).err(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn forced_epoll_never_builds_a_ring() {
        assert_eq!(climb(IoMode::Epoll).unwrap().1, IoRung::Epoll);
    }

    #[test]
    fn automatic_choice_is_the_best_rung_of_the_probe() {
        assert_eq!(climb(IoMode::Auto).unwrap().1, probe().best());
    }

    #[test]
    fn refusal_names_cause_and_remedy() {
        let text =
            RuntimeError::UringUnavailable(io::Error::from_raw_os_error(libc::EPERM)).to_string();
        assert!(
            text.contains("Operation not permitted") && text.contains("io_uring_disabled"),
            "{text}"
        );
    }
}
