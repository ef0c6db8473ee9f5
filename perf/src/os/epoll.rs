//! A level-triggered epoll instance with nanosecond timeouts.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

/// Events taken from the kernel in one wait.
const EVENTS_MAX: usize = 256;

/// What a socket waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// Bytes to read, or the end of the stream.
    Read,
    /// As `Read`, and room to write.
    ReadWrite,
    /// Room to write only; reading is paused.
    Write,
    /// Neither; errors are reported still.
    Nothing,
}

impl Interest {
    fn bits(self) -> u32 {
        let bits = match self {
            Self::Read => libc::EPOLLIN | libc::EPOLLRDHUP,
            Self::ReadWrite => libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLOUT,
            Self::Write => libc::EPOLLOUT,
            Self::Nothing => 0,
        };
        bits.cast_unsigned()
    }
}

/// One epoll instance; closing it is dropping it.
pub(crate) struct Epoll(OwnedFd);

/// Reusable space for the events of one wait.
pub(crate) struct Events {
    list: Vec<libc::epoll_event>,
    filled: usize,
}

impl Events {
    /// Empty space for [`EVENTS_MAX`] events.
    pub(crate) fn new() -> Self {
        Self {
            list: vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS_MAX],
            filled: 0,
        }
    }

    /// The tokens that the last wait reported, and whether each may now be written.
    pub(crate) fn ready(&self) -> impl Iterator<Item = Ready> + '_ {
        self.list[..self.filled].iter().map(|event| Ready {
            token: event.u64,
            writable: event.events & libc::EPOLLOUT.cast_unsigned() != 0,
            readable: event.events & !libc::EPOLLOUT.cast_unsigned() != 0,
        })
    }
}

/// One reported socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    /// The token given when it was added.
    pub(crate) token: u64,
    /// There is room to write.
    pub(crate) writable: bool,
    /// There are bytes, the end, or an error to read.
    pub(crate) readable: bool,
}

impl Epoll {
    /// A new, empty instance.
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: takes no pointer; the result is checked before use.
        let fd = checked(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the kernel just returned `fd`, and nothing else owns it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Watches `socket`, to be reported as `token`. The kernel forgets it when the socket closes.
    pub(crate) fn add(&self, socket: &impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, socket, token, interest)
    }

    /// Changes what a watched `socket` waits for.
    pub(crate) fn change(
        &self,
        socket: &impl AsFd,
        token: u64,
        interest: Interest,
    ) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, socket, token, interest)
    }

    fn control(
        &self,
        operation: i32,
        socket: &impl AsFd,
        token: u64,
        interest: Interest,
    ) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: interest.bits(),
            u64: token,
        };
        let fd = socket.as_fd().as_raw_fd();
        // SAFETY: `event` outlives the call, both descriptors are open for its duration.
        checked(unsafe { libc::epoll_ctl(self.0.as_raw_fd(), operation, fd, &raw mut event) })?;
        Ok(())
    }

    /// Waits for events, at most `timeout` (forever when absent). An interrupted wait reports none.
    pub(crate) fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        let limit = timeout.map(|timeout| libc::timespec {
            tv_sec: timeout.as_secs().cast_signed(),
            tv_nsec: i64::from(timeout.subsec_nanos()),
        });
        let limit = limit.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: the list has room for `EVENTS_MAX` events, `limit` is null or points into this frame, the signal mask is absent.
        let count = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                self.0.as_raw_fd(),
                events.list.as_mut_ptr(),
                EVENTS_MAX,
                limit,
                ptr::null::<libc::sigset_t>(),
                0_usize,
            )
        };
        events.filled = usize::try_from(count).unwrap_or(0);
        match count {
            0.. => Ok(()),
            _ => ignore_interruption(io::Error::last_os_error()),
        }
    }
}

fn ignore_interruption(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(()),
        _ => Err(error),
    }
}

fn checked(result: i32) -> io::Result<i32> {
    match result {
        0.. => Ok(result),
        _ => Err(io::Error::last_os_error()),
    }
}
