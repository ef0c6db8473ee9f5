//! A socket shared by the futures that wait on it.

use std::{
    cell::Cell,
    io,
    os::fd::{AsFd, BorrowedFd},
    rc::Rc,
};

use crate::{deadline::Deadline, local, sys::handle::Handle, watch::Interest};

/// A registered socket and the outcomes of the waits on it that nobody has taken yet.
pub(crate) struct Descriptor {
    handle: Handle,
    is_epoll: bool,
    deadline: Deadline,
    outcomes: [Cell<Option<io::Result<()>>>; 2],
}

impl Descriptor {
    /// Takes over `handle`. Must be called on a worker.
    pub(crate) fn new(handle: Handle) -> Rc<Self> {
        Rc::new(Self {
            handle,
            is_epoll: local::is_epoll(),
            deadline: Deadline::none(),
            outcomes: Default::default(),
        })
    }

    /// Says whether waiting for readiness costs a system call here, so that acting first is the cheaper question.
    pub(crate) fn is_epoll(&self) -> bool {
        self.is_epoll
    }

    /// The deadline, which the worker's wheel enforces.
    pub(crate) fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// The outcome of the wait for `interest` that ended last, until it is taken.
    pub(crate) fn outcome(&self, interest: Interest) -> &Cell<Option<io::Result<()>>> {
        match interest {
            Interest::Read => &self.outcomes[0],
            Interest::Write => &self.outcomes[1],
        }
    }

    /// Waits for `interest` once.
    pub(crate) async fn ready(&self, interest: Interest) -> io::Result<()> {
        match interest {
            Interest::Read => self.handle.readable().await,
            Interest::Write => self.handle.writable().await,
        }
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}
