//! Where processes run and how they end: core affinity, descriptor limits, timer slack, signals.

use std::io;
use std::mem;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Pins the calling thread, and what it starts later, to one core.
pub(crate) fn pin(core: usize) -> io::Result<()> {
    // SAFETY: a zeroed cpu_set_t is the empty set.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: CPU_SET indexes the set's fixed array and panics on a core beyond it.
    unsafe { libc::CPU_SET(core, &mut set) };
    // SAFETY: `set` is initialised and its true size is passed; 0 names the calling thread.
    match unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The cores that the calling thread may run on, in order.
pub(crate) fn allowed_cores() -> io::Result<Vec<usize>> {
    // SAFETY: a zeroed cpu_set_t is the empty set.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: `set` is writable and its true size is passed; 0 names the calling thread.
    let result = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    let in_set = |core: &usize| {
        // SAFETY: the core is below CPU_SETSIZE.
        unsafe { libc::CPU_ISSET(*core, &set) }
    };
    Ok((0..libc::CPU_SETSIZE.cast_unsigned() as usize)
        .filter(in_set)
        .collect())
}

/// Makes `command` run on `core` (where given) and end with the thread that starts it.
pub(crate) fn confine(command: &mut Command, core: Option<usize>) -> &mut Command {
    let prepare = move || {
        // SAFETY: PR_SET_PDEATHSIG takes one integer and no pointer.
        if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) } != 0 {
            return Err(io::Error::last_os_error());
        }
        core.map_or(Ok(()), pin)
    };
    // SAFETY: between fork and exec `prepare` makes system calls only: no allocation, no lock.
    unsafe { command.pre_exec(prepare) }
}

/// Asks process `pid` to end. An error means that it is gone already.
pub(crate) fn terminate(pid: u32) {
    let Ok(pid) = i32::try_from(pid) else { return };
    // SAFETY: takes no pointer; the caller started `pid` and has not reaped it.
    unsafe { libc::kill(pid, libc::SIGTERM) };
}

/// Raises the soft limit of open files to the hard one, for this process and its children.
pub(crate) fn open_files_to_the_maximum() -> io::Result<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is writable for the call.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: `limit` is readable for the call.
    match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } {
        0 => Ok(limit.rlim_cur),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Lets this thread's timeouts end on time: the default slack of 50 µs would be added to open-loop latencies.
pub(crate) fn sharpen_timers() {
    // SAFETY: PR_SET_TIMERSLACK takes one integer and no pointer.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_usize) };
}
