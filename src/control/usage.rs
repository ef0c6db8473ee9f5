//! What the process uses, read from the kernel at a scrape.

use std::fs;

use rustix::time::{ClockId, clock_gettime};

use super::process::open_files_max;
use crate::mailbox::Shared;
use crate::metrics::{Exposition, family};

/// Adds processor time, memory and descriptors. What cannot be read is left out.
pub(super) fn expose(out: &mut Exposition, shared: &Shared) {
    let mut cpu = out.family(&family::WORKER_CPU);
    for (index, worker) in shared.workers.iter().enumerate() {
        if let Some(seconds) = worker.metrics.thread_id().and_then(thread_cpu_secs) {
            cpu.value(&[&index.to_string()], seconds);
        }
    }
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
    out.family(&family::PROCESS_CPU).value(&[], seconds);
    let readings = [
        (&family::PROCESS_MEMORY, resident_bytes()),
        (&family::PROCESS_FDS, open_files()),
        (&family::PROCESS_FDS_MAX, open_files_max()),
    ];
    for (family, reading) in readings {
        if let Some(value) = reading {
            out.family(family).value(&[], value as f64);
        }
    }
}

/// Processor time of one thread: the first number of its schedstat, in nanoseconds.
fn thread_cpu_secs(thread_id: i32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/self/task/{thread_id}/schedstat")).ok()?;
    let nanoseconds: u64 = text.split_ascii_whitespace().next()?.parse().ok()?;
    Some(nanoseconds as f64 / 1e9)
}

fn resident_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

fn open_files() -> Option<u64> {
    fs::read_dir("/proc/self/fd")
        .ok()
        .map(|entries| entries.count() as u64)
}
