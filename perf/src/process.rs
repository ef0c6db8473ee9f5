//! What a process and its children have used: CPU time and memory, from /proc.
//!
//! CPU time is the scheduler's own nanosecond sum (`schedstat`) over every thread. `utime + stime` counts in ticks of 10 ms on most
//! kernels and guesses at short runs; it is read only where the kernel was built without schedstat.

use std::fs;

/// Nanoseconds in one clock tick of /proc/PID/stat (`USER_HZ` is 100 on every Linux ABI).
const TICK_NS: u64 = 10_000_000;

/// A process whose use, with its children's, is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// CPU time used so far by every live thread of the process and its descendants, in ns.
    pub(crate) fn cpu_ns(self) -> u64 {
        let mut sum = 0;
        self.walk(&mut |pid| sum += threads(pid).map(|task| task_cpu_ns(pid, task)).sum::<u64>());
        sum
    }

    /// Resident memory of the process and its descendants, shared pages counted once each process, in bytes.
    pub(crate) fn rss_bytes(self) -> u64 {
        let mut sum = 0;
        self.walk(&mut |pid| sum += status_kib(pid, "VmRSS:") * 1024);
        sum
    }

    fn walk(self, visit: &mut impl FnMut(u32)) {
        visit(self.0);
        for task in threads(self.0) {
            let children = fs::read_to_string(format!("/proc/{}/task/{task}/children", self.0))
                .unwrap_or_default();
            for child in children
                .split_ascii_whitespace()
                .filter_map(|pid| pid.parse().ok())
            {
                Self(child).walk(visit);
            }
        }
    }
}

fn threads(pid: u32) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn task_cpu_ns(pid: u32, task: u32) -> u64 {
    let folder = format!("/proc/{pid}/task/{task}");
    let schedstat = fs::read_to_string(format!("{folder}/schedstat")).unwrap_or_default();
    let exact = schedstat
        .split_ascii_whitespace()
        .next()
        .and_then(|ns| ns.parse().ok());
    exact.unwrap_or_else(|| {
        stat_cpu_ns(&fs::read_to_string(format!("{folder}/stat")).unwrap_or_default())
    })
}

/// `utime + stime`, fields 14 and 15; the name in field 2 may hold spaces, so fields are counted after its bracket.
fn stat_cpu_ns(stat: &str) -> u64 {
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_ascii_whitespace().skip(11).take(2);
    ticks
        .filter_map(|field| field.parse::<u64>().ok())
        .sum::<u64>()
        * TICK_NS
}

fn status_kib(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_ascii_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_something() {
        let this = Process(std::process::id());
        assert!(this.cpu_ns() > 0);
        assert!(this.rss_bytes() > 100_000);
    }

    #[test]
    fn ticks_are_found_behind_a_hostile_name() {
        let stat = "7 (a) b 1) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0";
        assert_eq!(stat_cpu_ns(stat), 42 * TICK_NS);
    }
}
