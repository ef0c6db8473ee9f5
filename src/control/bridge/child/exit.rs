//! Waiting for a child's end without reaping it.

use std::os::fd::OwnedFd;
use std::time::Duration;

use guard_io::process::ProcessGroup;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::sleep;

/// How often a child is looked at where the kernel offers no descriptor for it.
const POLL: Duration = Duration::from_millis(25);

/// First and last pause while the dead of a group are collected.
const REAP_POLL_MIN: Duration = Duration::from_millis(1);
const REAP_POLL_MAX: Duration = Duration::from_millis(100);

/// Knows when one child ends.
#[derive(Debug)]
pub(super) enum ExitWatch {
    /// A descriptor that becomes readable. It wakes nobody else, unlike SIGCHLD.
    Descriptor(AsyncFd<OwnedFd>),
    /// For kernels before 5.3 and sandboxes that refuse pidfd_open(2).
    Polling,
}

impl ExitWatch {
    /// Watches the leader of `group`.
    pub(super) fn new(group: &ProcessGroup) -> Self {
        let pid = i32::try_from(group.id()).ok().and_then(Pid::from_raw);
        pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
            .and_then(watched)
            .map_or(Self::Polling, Self::Descriptor)
    }

    /// Completes when the leader of `group` has ended.
    pub(super) async fn ended(&self, group: &ProcessGroup) {
        if let Self::Descriptor(fd) = self {
            // It stays readable, so readiness is not cleared.
            let _ = fd.readable().await;
        }
        while !group.has_ended() {
            sleep(POLL).await;
        }
    }
}

#[expect(
    deprecated,
    reason = "sound for an OwnedFd, whose number never changes; the successor is unsafe to call"
)]
fn watched(fd: OwnedFd) -> Option<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(fd, Interest::READABLE).ok()
}

/// Kills what is left of a group whose leader has ended, and waits until all of it is reaped. A process that the kernel cannot
/// end (in uninterruptible sleep) is waited for as long as it takes: it exists, so it counts.
pub(super) async fn reap(group: &mut ProcessGroup) -> std::process::ExitStatus {
    let mut pause = REAP_POLL_MIN;
    loop {
        if let Some(status) = group.reap() {
            return status;
        }
        sleep(pause).await;
        pause = (pause * 2).min(REAP_POLL_MAX);
    }
}
