//! What a worker thread knows about itself.

use std::{cell::Cell, io, rc::Rc};

use monoio::net::UnixStream;

use crate::ladder::IoRung;

thread_local! {
    static LOCAL: Local = const { Local { rung: Cell::new(None), tasks_live: Cell::new(0), turnstile: Cell::new(None) } };
}

/// State of the runtime on this thread.
struct Local {
    rung: Cell<Option<IoRung>>,
    tasks_live: Cell<usize>,
    /// A socket that is always writable: waiting for it passes one turn of the ring.
    turnstile: Cell<Option<Rc<UnixStream>>>,
}

/// Marks this thread as running a runtime on `rung` until it is dropped.
pub(crate) struct Entered;

/// Enters a runtime on this thread.
pub(crate) fn enter(rung: IoRung) -> Entered {
    LOCAL.with(|local| local.rung.set(Some(rung)));
    Entered
}

impl Drop for Entered {
    fn drop(&mut self) {
        LOCAL.with(|local| local.rung.set(None));
    }
}

/// Says whether this thread's runtime waits with epoll, where a drained socket has to be found out by a call.
pub(crate) fn is_epoll() -> bool {
    LOCAL.with(|local| local.rung.get() == Some(IoRung::Epoll))
}

/// Counts one spawned task until it is dropped.
pub(crate) struct LiveTask(());

/// Begins to count a task of this thread.
pub(crate) fn count_task() -> LiveTask {
    LOCAL.with(|local| local.tasks_live.set(local.tasks_live.get() + 1));
    LiveTask(())
}

impl Drop for LiveTask {
    fn drop(&mut self) {
        // A task may be dropped while the thread ends.
        let _ = LOCAL.try_with(|local| {
            local
                .tasks_live
                .set(local.tasks_live.get().saturating_sub(1))
        });
    }
}

/// Returns how many spawned tasks of this thread have not ended.
pub(crate) fn tasks_live() -> usize {
    LOCAL.with(|local| local.tasks_live.get())
}

/// Returns a socket that is always writable, for waiting through one turn of the event loop. Fails when descriptors are
/// exhausted.
///
/// The ring reports any writable socket one turn later, so one serves all. epoll has to be asked anew: only a socket
/// that was just registered is reported by its next turn.
pub(crate) fn turnstile() -> io::Result<Rc<UnixStream>> {
    if is_epoll() {
        return open_turnstile();
    }
    LOCAL.with(|local| {
        let socket = local.turnstile.take().map_or_else(open_turnstile, Ok)?;
        local.turnstile.set(Some(socket.clone()));
        Ok(socket)
    })
}

fn open_turnstile() -> io::Result<Rc<UnixStream>> {
    let (kept, _closed) = std::os::unix::net::UnixStream::pair()?;
    Ok(Rc::new(UnixStream::from_std(kept)?))
}

/// Closes the turnstile, which must not outlive the runtime.
pub(crate) fn close_turnstile() {
    LOCAL.with(|local| drop(local.turnstile.take()));
}
