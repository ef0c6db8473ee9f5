//! The workers: one pinned thread each, with a runtime of its own that never leaves it.

use std::{
    any::Any,
    fmt,
    future::Future,
    io,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{Builder, JoinHandle},
};

use crate::{
    IoMode, IoRung, RuntimeError,
    ladder::{Runtime, climb},
    runtime::run_on,
    sys,
};

/// How workers are started.
#[derive(Clone, Copy, Debug)]
pub struct WorkerSpec {
    /// The driver.
    pub io: IoMode,
    /// Bind worker `n` to the `n`-th core that the process may use, counting round when there are more workers.
    pub pin: bool,
}

/// What a worker's body is told.
#[derive(Clone, Copy, Debug)]
pub struct WorkerContext {
    /// Position among the workers, from 0.
    pub index: usize,
    /// The core that the thread is bound to.
    pub core: Option<usize>,
    /// The driver that was found.
    pub rung: IoRung,
}

/// Why workers did not start. None of them has run its body then.
#[derive(Debug)]
pub enum StartError {
    /// A thread could not be made.
    Thread {
        /// Which worker.
        index: usize,
        /// What the system answered.
        cause: io::Error,
    },
    /// The cores that the process may use could not be read, or a thread could not be bound to one.
    Pin {
        /// Which worker.
        index: usize,
        /// What the system answered.
        cause: io::Error,
    },
    /// No event loop could be built.
    Runtime {
        /// Which worker.
        index: usize,
        /// Why not.
        cause: RuntimeError,
    },
    /// A thread ended before it reported.
    Lost {
        /// Which worker.
        index: usize,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thread { index, cause } => {
                write!(
                    f,
                    "worker {index} has no thread: {cause}; run fewer workers or raise the limit of processes (ulimit -u)"
                )
            }
            Self::Pin { index, cause } => write!(
                f,
                "worker {index} cannot be bound to a core: {cause}; turn pinning off"
            ),
            Self::Runtime { index, cause } => write!(f, "worker {index}: {cause}"),
            Self::Lost { index } => write!(f, "worker {index} ended while it started"),
        }
    }
}

impl std::error::Error for StartError {}

/// How a worker ended.
#[derive(Debug, PartialEq, Eq)]
pub enum WorkerExit {
    /// Its body returned.
    Finished {
        /// Which worker.
        index: usize,
    },
    /// Its body panicked; what the panic said, when that was text.
    Panicked {
        /// Which worker.
        index: usize,
        /// The panic's message.
        message: String,
    },
}

impl fmt::Display for WorkerExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished { index } => write!(f, "worker {index} has finished"),
            Self::Panicked { index, message } => write!(f, "worker {index} panicked: {message}"),
        }
    }
}

/// Running workers. Dropping it does not stop them: their bodies decide when they end.
#[derive(Debug)]
pub struct WorkerPool {
    threads: Vec<Option<JoinHandle<()>>>,
    exits: Receiver<usize>,
    contexts: Vec<WorkerContext>,
}

impl WorkerPool {
    /// Starts one worker for each of `seats` and runs `body` on each, with its context and its seat.
    ///
    /// A seat is what the worker owns from the start: its listener, its mailbox. Returns when every runtime stands; no
    /// body runs before that. Errors: see [`StartError`].
    pub fn start<S, B, F>(spec: WorkerSpec, seats: Vec<S>, body: B) -> Result<Self, StartError>
    where
        S: Send + 'static,
        B: Fn(WorkerContext, S) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + 'static,
    {
        let body = Arc::new(body);
        let cores = cores_for(spec, seats.len())?;
        let (exit_sender, exits) = channel();
        let mut pool = Self {
            threads: Vec::new(),
            exits,
            contexts: Vec::new(),
        };
        let mut starters = Vec::new();
        for (index, (seat, core)) in seats.into_iter().zip(cores).enumerate() {
            let plan = Plan {
                index,
                core,
                io: spec.io,
            };
            let (starter, thread) = launch(
                plan,
                seat,
                body.clone(),
                ExitNotice {
                    index,
                    to: exit_sender.clone(),
                },
            )?;
            starters.push(starter);
            pool.threads.push(Some(thread));
        }
        for (index, starter) in starters.iter().enumerate() {
            let report = starter
                .report
                .recv()
                .map_err(|_| StartError::Lost { index })?;
            pool.contexts.push(report?);
        }
        for starter in starters {
            // The thread waits for this and cannot be gone; if it were, `wait_exit` would say so.
            let _ = starter.go.send(());
        }
        Ok(pool)
    }

    /// The workers, in order.
    #[must_use]
    pub fn contexts(&self) -> &[WorkerContext] {
        &self.contexts
    }

    /// Waits until some worker ends. Returns `None` when all have ended and were reported.
    pub fn wait_exit(&mut self) -> Option<WorkerExit> {
        while self.threads.iter().any(Option::is_some) {
            let index = self.exits.recv().ok()?;
            if let Some(thread) = self.threads.get_mut(index).and_then(Option::take) {
                return Some(outcome(index, thread));
            }
        }
        None
    }

    /// Waits until all workers have ended. The error is the first panic.
    pub fn join(mut self) -> Result<(), WorkerExit> {
        let mut first = Ok(());
        while let Some(exit) = self.wait_exit() {
            if first.is_ok() && matches!(exit, WorkerExit::Panicked { .. }) {
                first = Err(exit);
            }
        }
        first
    }
}

fn outcome(index: usize, thread: JoinHandle<()>) -> WorkerExit {
    match thread.join() {
        Ok(()) => WorkerExit::Finished { index },
        Err(payload) => WorkerExit::Panicked {
            index,
            message: panic_text(payload.as_ref()),
        },
    }
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let literal = payload.downcast_ref::<&str>().map(ToString::to_string);
    literal
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}

fn cores_for(spec: WorkerSpec, workers: usize) -> Result<Vec<Option<usize>>, StartError> {
    if !spec.pin {
        return Ok(vec![None; workers]);
    }
    let allowed =
        sys::affinity::allowed_cores().map_err(|cause| StartError::Pin { index: 0, cause })?;
    Ok(allowed
        .into_iter()
        .map(Some)
        .cycle()
        .take(workers)
        .collect())
}

/// What a thread is to build.
struct Plan {
    index: usize,
    core: Option<usize>,
    io: IoMode,
}

/// The starting line: a thread reports that it stands there and waits for the word.
struct Starter {
    report: Receiver<Result<WorkerContext, StartError>>,
    go: Sender<()>,
}

/// Tells the pool that a thread is ending, however it ends.
struct ExitNotice {
    index: usize,
    to: Sender<usize>,
}

impl Drop for ExitNotice {
    fn drop(&mut self) {
        // The pool may be gone: then nobody wants to know.
        let _ = self.to.send(self.index);
    }
}

fn launch<S, B, F>(
    plan: Plan,
    seat: S,
    body: Arc<B>,
    notice: ExitNotice,
) -> Result<(Starter, JoinHandle<()>), StartError>
where
    S: Send + 'static,
    B: Fn(WorkerContext, S) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + 'static,
{
    let index = plan.index;
    let (report_sender, report) = channel();
    let (go, go_receiver) = channel();
    let thread = Builder::new()
        .name(format!("worker-{index}"))
        .spawn(move || {
            let _notice = notice;
            let (runtime, context) = match prepare(&plan) {
                Ok(prepared) => prepared,
                Err(error) => return drop(report_sender.send(Err(error))),
            };
            // When the start fails elsewhere the word never comes, and the sender is dropped.
            if report_sender.send(Ok(context)).is_ok() && go_receiver.recv().is_ok() {
                run_on(runtime, context.rung, |_| body(context, seat));
            }
        });
    match thread {
        Ok(thread) => Ok((Starter { report, go }, thread)),
        Err(cause) => Err(StartError::Thread { index, cause }),
    }
}

fn prepare(plan: &Plan) -> Result<(Runtime, WorkerContext), StartError> {
    let index = plan.index;
    if let Some(core) = plan.core {
        sys::affinity::pin_thread(core).map_err(|cause| StartError::Pin { index, cause })?;
    }
    let (runtime, rung) = climb(plan.io).map_err(|cause| StartError::Runtime { index, cause })?;
    Ok((
        runtime,
        WorkerContext {
            index,
            core: plan.core,
            rung,
        },
    ))
}

#[cfg(test)]
mod tests;
