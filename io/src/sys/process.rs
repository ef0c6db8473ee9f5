//! Starting, signalling and reaping child processes.

use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::{io, mem};

/// Highest signal number of Linux.
const SIGNAL_MAX: i32 = 64;

/// First descriptor that a child must not inherit.
const FD_PRIVATE_MIN: libc::c_uint = 3;

/// Makes `command` start its child in a session and process group of its own, with default signals, no descriptor beyond the
/// standard three and `open_files` as its soft limit of more, and die with the thread that spawns it.
pub(crate) fn isolate(command: &mut Command, open_files: Option<u64>) {
    let parent = own_id();
    let prepare = move || {
        own_session()?;
        die_with(parent)?;
        default_signals()?;
        limit_open_files(open_files)?;
        close_on_exec()
    };
    // SAFETY: the closure runs between fork and exec, where only async-signal-safe calls are sound: it makes system calls
    // and nothing else, and an error made of an errno does not allocate.
    unsafe { command.pre_exec(prepare) };
}

/// A session of its own has no controlling terminal: a child can neither read the operator's keys nor type for him.
fn own_session() -> io::Result<()> {
    // SAFETY: setsid(2) has no arguments.
    check(unsafe { libc::setsid() })
}

/// SIGKILL when the spawning thread ends, and at once where it has ended already.
fn die_with(parent: libc::pid_t) -> io::Result<()> {
    // SAFETY: PR_SET_PDEATHSIG takes a signal number.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })?;
    // SAFETY: getppid(2) has no arguments and cannot fail.
    match unsafe { libc::getppid() } == parent {
        true => Ok(()),
        false => Err(io::Error::from_raw_os_error(libc::ESRCH)),
    }
}

/// Ignored and blocked signals survive exec(2), and a server that cannot be terminated must be killed.
fn default_signals() -> io::Result<()> {
    for signal in 1..=SIGNAL_MAX {
        // SAFETY: SIG_DFL installs no handler. The few signals that refuse it (SIGKILL, SIGSTOP) have it.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: an all-zero set is valid memory for sigemptyset(3), which initialises it.
    let mut none: libc::sigset_t = unsafe { mem::zeroed() };
    // SAFETY: `none` is writable.
    check(unsafe { libc::sigemptyset(&raw mut none) })?;
    // SAFETY: `none` is initialised; the old mask is not asked for.
    check(unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()) })
}

/// The hard limit stays, so that a child can raise its own.
fn limit_open_files(soft: Option<u64>) -> io::Result<()> {
    let Some(soft) = soft else { return Ok(()) };
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is writable.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    limit.rlim_cur = soft.min(limit.rlim_max);
    // SAFETY: `limit` is initialised.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })
}

/// Marks what a library may have opened without O_CLOEXEC. Kernels before 5.11 cannot; every descriptor of ours has the flag.
fn close_on_exec() -> io::Result<()> {
    let last = libc::c_uint::MAX;
    // SAFETY: CLOSE_RANGE_CLOEXEC closes nothing before exec(2).
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            FD_PRIVATE_MIN,
            last,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    Ok(())
}

/// Sends `signal` to every process of the group `group`, which must be a positive number.
pub(crate) fn signal_group(group: libc::pid_t, signal: i32) -> io::Result<()> {
    if group <= 1 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: kill(2) takes numbers.
    check(unsafe { libc::kill(-group, signal) })
}

/// Whether the child `pid` has ended; it is not reaped, so its number stays taken.
pub(crate) fn has_ended(pid: libc::pid_t) -> io::Result<bool> {
    let id = libc::id_t::try_from(pid).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: an all-zero `siginfo_t` is valid.
    let mut found: libc::siginfo_t = unsafe { mem::zeroed() };
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `found` is writable.
    check(unsafe { libc::waitid(libc::P_PID, id, &raw mut found, flags) })?;
    // SAFETY: waitid(2) has filled `found`, or left its pid zero where nothing has ended.
    Ok(unsafe { found.si_pid() } != 0)
}

/// Reaps one ended child of this process that belongs to `group`. `Ok(None)`: such children run; an error of ECHILD: there
/// are none.
pub(crate) fn reap_member(group: libc::pid_t) -> io::Result<Option<libc::pid_t>> {
    if group <= 1 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the status is not asked for.
    match unsafe { libc::waitpid(-group, std::ptr::null_mut(), libc::WNOHANG) } {
        0 => Ok(None),
        pid if pid > 0 => Ok(Some(pid)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Reaps the child `pid` where it is dead. `Ok(false)`: it runs; an error of ECHILD: it is no child of ours.
pub(crate) fn reap(pid: libc::pid_t) -> io::Result<bool> {
    if pid <= 1 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the status is not asked for.
    match unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::WNOHANG) } {
        -1 => Err(io::Error::last_os_error()),
        reaped => Ok(reaped == pid),
    }
}

/// A dead child that nobody has reaped. An error of ECHILD: there are no children.
pub(crate) fn peek_dead() -> io::Result<Option<libc::pid_t>> {
    // SAFETY: an all-zero `siginfo_t` is valid.
    let mut found: libc::siginfo_t = unsafe { mem::zeroed() };
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `found` is writable.
    check(unsafe { libc::waitid(libc::P_ALL, 0, &raw mut found, flags) })?;
    // SAFETY: waitid(2) has filled `found`, or left its pid zero where nothing has ended.
    let pid = unsafe { found.si_pid() };
    Ok((pid != 0).then_some(pid))
}

/// Whether `pid` is of this process' session, or nobody.
pub(crate) fn is_of_own_session(pid: libc::pid_t) -> bool {
    // SAFETY: getsid(2) takes numbers.
    let (own, theirs) = unsafe { (libc::getsid(0), libc::getsid(pid)) };
    theirs == own || theirs == -1
}

/// This process.
pub(crate) fn own_id() -> libc::pid_t {
    // SAFETY: getpid(2) has no arguments and cannot fail.
    unsafe { libc::getpid() }
}

/// Sends SIGKILL to the child `pid`, which is not reaped.
pub(crate) fn kill(pid: libc::pid_t) -> io::Result<()> {
    if pid <= 1 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: kill(2) takes numbers.
    check(unsafe { libc::kill(pid, libc::SIGKILL) })
}

/// Orphans of this process' descendants become its children. Source: prctl(2), PR_SET_CHILD_SUBREAPER.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    let yes: libc::c_ulong = 1;
    // SAFETY: PR_SET_CHILD_SUBREAPER takes a number.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, yes) })
}

fn check(status: i32) -> io::Result<()> {
    match status {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
