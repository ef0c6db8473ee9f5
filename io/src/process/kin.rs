//! Which processes a process has started, and which of ours are orphans of somebody else. Source: proc(5).

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sys::process as sys;

/// Descendants of one process that are looked at.
const DESCENDANTS_MAX: usize = 4_096;

/// Leaders that are not reaped yet. Everybody else in a session that is not ours is an orphan.
static LEADERS: Mutex<BTreeSet<libc::pid_t>> = Mutex::new(BTreeSet::new());

/// No code that can panic runs under the lock, so what a poisoned lock guards is whole.
pub(super) fn leaders() -> MutexGuard<'static, BTreeSet<libc::pid_t>> {
    LEADERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Children, grandchildren and so on of `pid`, parents first. Where the kernel does not tell (CONFIG_PROC_CHILDREN), none.
pub(super) fn descendants(pid: libc::pid_t) -> Vec<libc::pid_t> {
    let mut found = children(pid);
    let mut next = 0;
    while next < found.len() && found.len() < DESCENDANTS_MAX {
        let more = children(found[next]);
        found.extend(more);
        next += 1;
    }
    found
}

/// What the threads of `pid` have started and not reaped.
pub(super) fn children(pid: libc::pid_t) -> Vec<libc::pid_t> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let lists = threads
        .into_iter()
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok());
    lists.flat_map(|list| numbers(&list)).collect()
}

/// Who `pid` was started by, or fell to.
pub(super) fn parent(pid: libc::pid_t) -> Option<libc::pid_t> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // pid (name) state ppid …, and a name may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(1)?.parse().ok()
}

fn numbers(list: &str) -> Vec<libc::pid_t> {
    list.split_ascii_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect()
}

/// Reaps every dead orphan that fell to this process. Children that were started otherwise than as a group are of our own
/// session, and left to whoever started them.
pub(super) fn reap_orphans() {
    let leaders = leaders();
    // A dead leader is reaped soon by who looks after it; what lies behind it is found at the next call.
    while let Ok(Some(dead)) = sys::peek_dead() {
        if leaders.contains(&dead) || sys::is_of_own_session(dead) || sys::reap(dead).is_err() {
            return;
        }
    }
}

/// Kills every orphan that fell to this process.
pub(super) fn kill_orphans() {
    let leaders = leaders();
    for child in children(sys::own_id()) {
        if !leaders.contains(&child) && !sys::is_of_own_session(child) {
            // It is our child and not reaped, so its number is nobody else's.
            let _ = sys::kill(child);
        }
    }
}
