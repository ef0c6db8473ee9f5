//! Child processes, each with everything that it starts: a process group that is signalled, killed and reaped as one.
//!
//! Some programs put what they start into groups of its own (browsers are started so). What a child had started when it was
//! told to end goes with it; what a child leaves behind that ends by itself becomes ours, is reaped when it dies and killed by
//! [`kill_orphans`].
//!
//! **Invariant:** a group is signalled only while its leader is not reaped: until then the kernel gives its number to nobody
//! else, so no signal ever meets a stranger.

use std::io;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};

use crate::sys::process as sys;

mod kin;

/// What can be sent to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: please end.
    Terminate,
    /// SIGKILL.
    Kill,
}

/// A child and the process group that it leads. Dropping it kills the group.
#[derive(Debug)]
pub struct ProcessGroup {
    leader: Child,
    ended: Option<ExitStatus>,
    /// What the leader had started, directly or not, when it was signalled.
    kin: Vec<libc::pid_t>,
}

/// The child's ends that were piped.
#[derive(Debug)]
pub struct Pipes {
    /// What the child reads.
    pub stdin: Option<ChildStdin>,
    /// What the child writes.
    pub stdout: Option<ChildStdout>,
    /// What the child complains about.
    pub stderr: Option<ChildStderr>,
}

/// Lets orphans of groups become children of this process, so that [`ProcessGroup::reap`] finds them. Once, at the start.
/// Without it they fall to the system's init, which reaps them too.
pub fn adopt_orphans() -> io::Result<()> {
    sys::adopt_orphans()
}

/// Kills what children have left behind. For the end of the process, when no group is left.
pub fn kill_orphans() {
    kin::kill_orphans();
}

impl ProcessGroup {
    /// Starts `command` as the leader of a session and group of its own: default signals, no inherited descriptor beyond the
    /// standard three, killed when the calling thread ends. `open_files` is its soft limit of descriptors, where it is not to be
    /// ours: a program that closes every number up to the limit takes seconds under a server's. Blocks until the program was found or not; call it on a thread
    /// that lives as long as the process.
    pub fn spawn(command: &mut Command, open_files: Option<u64>) -> io::Result<(Self, Pipes)> {
        sys::isolate(command, open_files);
        let mut leaders = kin::leaders();
        let mut leader = command.spawn()?;
        leaders.insert(number(&leader));
        drop(leaders);
        let pipes = Pipes {
            stdin: leader.stdin.take(),
            stdout: leader.stdout.take(),
            stderr: leader.stderr.take(),
        };
        let group = Self {
            leader,
            ended: None,
            kin: Vec::new(),
        };
        Ok((group, pipes))
    }

    /// The leader's process id, which is the group's number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.leader.id()
    }

    /// Whether the leader has ended. It is not reaped, and others of the group may run.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        // What cannot be waited for has no more to do with us.
        self.ended.is_some() || sys::has_ended(self.number()).unwrap_or(true)
    }

    /// Sends `signal` to all of the group. Nothing happens once the leader is reaped.
    ///
    /// Cost: a walk through the leader's descendants in `/proc`.
    pub fn signal(&mut self, signal: Signal) {
        let number = match signal {
            Signal::Terminate => libc::SIGTERM,
            Signal::Kill => libc::SIGKILL,
        };
        if self.ended.is_none() {
            self.kin.extend(kin::descendants(self.number()));
            // The one failure: nobody is left.
            let _ = sys::signal_group(self.number(), number);
        }
    }

    /// Where the leader has ended: kills the rest of the group and reaps what is dead. `Some` once nothing of it is left,
    /// neither process nor zombie; till then to be asked again.
    pub fn reap(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            if !self.has_ended() {
                return None;
            }
            self.signal(Signal::Kill);
            self.ended = self
                .leader
                .wait()
                .ok()
                .or_else(|| Some(ExitStatus::default()));
            kin::leaders().remove(&self.number());
        }
        let is_gone = self.is_empty() & self.is_without_kin();
        if is_gone {
            kin::reap_orphans();
        }
        is_gone.then_some(self.ended).flatten()
    }

    /// Reaps the dead. A killed process that has not died yet is waited for, also where its parent is dying too and it is not
    /// ours yet.
    fn is_empty(&self) -> bool {
        while let Ok(found) = sys::reap_member(self.number()) {
            if found.is_none() {
                return false;
            }
        }
        sys::signal_group(self.number(), 0).is_err()
    }

    /// Kills and reaps those of the leader's kin that fell to us. Each comes to us when its parent has died; who never does,
    /// because orphans fall to somebody else, is not waited for.
    fn is_without_kin(&mut self) -> bool {
        if self.kin.is_empty() {
            return true;
        }
        let ours = kin::children(sys::own_id());
        let all = self.kin.clone();
        self.kin.retain(|pid| match ours.contains(pid) {
            true => matches!(sys::reap(*pid), Ok(false)) && sys::kill(*pid).is_ok(),
            false => kin::parent(*pid).is_some_and(|parent| all.contains(&parent)),
        });
        self.kin.is_empty()
    }

    fn number(&self) -> libc::pid_t {
        number(&self.leader)
    }
}

/// Process ids of Linux have 22 bits.
fn number(leader: &Child) -> libc::pid_t {
    libc::pid_t::try_from(leader.id()).unwrap_or_default()
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.signal(Signal::Kill);
            // SIGKILL cannot be refused: this does not wait for the program, but for the kernel.
            self.ended = self.leader.wait().ok();
            kin::leaders().remove(&self.number());
            self.is_empty();
            self.is_without_kin();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);
    const OPEN_FILES: u64 = 123;

    fn shell(script: &str) -> (ProcessGroup, Pipes) {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        ProcessGroup::spawn(&mut command, Some(OPEN_FILES)).unwrap()
    }

    fn first_line(pipes: &mut Pipes) -> String {
        let mut line = String::new();
        BufReader::new(pipes.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        line.trim().to_owned()
    }

    fn until(what: &str, mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < PATIENCE, "{what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn reap(mut group: ProcessGroup) -> ExitStatus {
        let mut status = None;
        until("group is reaped", || {
            status = group.reap();
            status.is_some()
        });
        status.unwrap()
    }

    fn is_known(pid: &str) -> bool {
        std::path::Path::new(&format!("/proc/{pid}")).exists()
    }

    #[test]
    fn grandchildren_end_with_the_group_and_leave_no_zombie() {
        adopt_orphans().unwrap();
        let (mut group, mut pipes) = shell("sleep 1000 & echo $!; wait");
        let grandchild = first_line(&mut pipes);
        assert!(is_known(&grandchild));
        group.signal(Signal::Kill);
        assert!(!reap(group).success());
        assert!(!is_known(&grandchild));
    }

    #[test]
    fn what_a_leader_leaves_behind_is_killed() {
        adopt_orphans().unwrap();
        let (group, mut pipes) = shell("sleep 1000 & echo $!; exit 7");
        let orphan = first_line(&mut pipes);
        until("leader ends", || group.has_ended());
        assert_eq!(reap(group).code(), Some(7));
        assert!(!is_known(&orphan));
    }

    #[test]
    fn a_running_leader_is_not_reaped() {
        let (mut group, _pipes) = shell("read line");
        assert!(!group.has_ended());
        assert_eq!(group.reap(), None);
        group.signal(Signal::Terminate);
        reap(group);
    }

    #[test]
    fn a_dropped_group_is_gone() {
        let (group, mut pipes) = shell("trap '' TERM; echo $$; while :; do sleep 1; done");
        let leader = first_line(&mut pipes);
        drop(group);
        assert!(!is_known(&leader));
    }

    #[test]
    fn a_child_leads_a_session_without_our_descriptors_or_ignored_signals() {
        let (theirs, _ours) = std::os::unix::net::UnixStream::pair().unwrap();
        // SAFETY: the descriptor is open, and clearing its flags touches no memory.
        #[expect(unsafe_code, reason = "std opens nothing without O_CLOEXEC")]
        unsafe {
            libc::fcntl(std::os::fd::AsRawFd::as_raw_fd(&theirs), libc::F_SETFD, 0);
        }
        let script = "cut -d' ' -f6 /proc/$$/stat; ls -l /proc/$$/fd; exec grep -E 'SigIgn|SigBlk' /proc/self/status";
        let (group, mut pipes) = shell(script);
        let leader = group.id();
        let mut said = String::new();
        let _ = pipes.stdout.as_mut().unwrap().read_to_string(&mut said);
        assert_eq!(said.lines().next().unwrap(), leader.to_string(), "{said}");
        assert!(!said.contains("socket:"), "{said}");
        let is_default = |name: &str| {
            let mask = said.lines().find_map(|line| line.strip_prefix(name));
            let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
            // The C library keeps 32 and 33 to itself.
            mask & !(0b11 << 31) == 0
        };
        assert!(is_default("SigIgn:") && is_default("SigBlk:"), "{said}");
        reap(group);
    }

    #[test]
    fn a_child_has_its_own_limit_of_open_files_and_may_raise_it() {
        let (group, mut pipes) = shell("echo $(ulimit -Sn); ulimit -Sn $(ulimit -Hn)");
        assert_eq!(first_line(&mut pipes), OPEN_FILES.to_string());
        assert!(reap(group).success());
    }

    const DETACHED: &str = "setsid sh -c 'sleep 1000 & echo $$ $!; wait' &";

    #[test]
    fn a_group_that_is_told_to_end_takes_its_detached_kin_along() {
        adopt_orphans().unwrap();
        for signal in [Signal::Terminate, Signal::Kill] {
            let (mut group, mut pipes) = shell(&format!("{DETACHED} wait"));
            let kin = first_line(&mut pipes);
            assert!(kin.split(' ').all(is_known), "{signal:?}");
            group.signal(signal);
            reap(group);
            // A dead leader of another test may stand before them in the queue of the dead.
            until("kin is gone", || {
                kin::reap_orphans();
                !kin.split(' ').any(is_known)
            });
        }
    }

    #[test]
    fn what_an_ended_child_detached_is_killed_at_the_end_and_reaped() {
        adopt_orphans().unwrap();
        let (group, mut pipes) = shell(&format!("{DETACHED} read line"));
        let kin = first_line(&mut pipes);
        drop(pipes.stdin.take());
        until("leader ends", || group.has_ended());
        reap(group);
        assert!(kin.split(' ').all(is_known), "it ended by itself");
        until("orphans are gone", || {
            kill_orphans();
            kin::reap_orphans();
            !kin.split(' ').any(is_known)
        });
    }
}
