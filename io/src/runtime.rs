//! Running a future to its end on this thread, with the event loop under it.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::Duration,
};

use crate::{
    Either, IoMode, IoRung, RuntimeError, deadline,
    ladder::{Runtime, climb},
    limits, local, select, time,
};

/// Builds a runtime on this thread, runs the future that `body` makes until it ends, and takes the runtime down.
///
/// Tasks that are still alive then never run again, and what they own is leaked: bring them to their end first.
/// Panics when the thread runs a runtime already.
pub fn run<B, F>(mode: IoMode, body: B) -> Result<F::Output, RuntimeError>
where
    B: FnOnce(IoRung) -> F,
    F: Future,
{
    let (runtime, rung) = climb(mode)?;
    Ok(run_on(runtime, rung, body))
}

/// Runs `body` on a runtime that was built on this thread.
pub(crate) fn run_on<B, F>(mut runtime: Runtime, rung: IoRung, body: B) -> F::Output
where
    B: FnOnce(IoRung) -> F,
    F: Future,
{
    let _entered = local::enter(rung);
    let whole = async {
        let output = with_deadlines(body(rung)).await;
        settle().await;
        output
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| match &mut runtime {
        Runtime::Uring(runtime) => runtime.block_on(whole),
        Runtime::Epoll(runtime) => runtime.block_on(whole),
    }));
    if outcome.is_err() || local::tasks_live() > 0 {
        // A task that still waits may be woken from another thread. While the runtime exists the wake-up ends in its
        // queue; without it, that thread would drop the task, which is not allowed to leave this one.
        std::mem::forget(runtime);
    }
    outcome.unwrap_or_else(|panic| resume_unwind(panic))
}

async fn with_deadlines<F: Future>(body: F) -> F::Output {
    match select(body, deadline::keep_time()).await {
        Either::Left(output) => output,
        Either::Right(never) => match never {},
    }
}

/// Lets cancelled waits come back from the kernel, which closes the sockets that they held.
async fn settle() {
    local::close_turnstile();
    for _ in 0..limits::SETTLE_TURNS_MAX {
        time::sleep(Duration::from_millis(1)).await;
        if local::tasks_live() == 0 {
            break;
        }
    }
    time::sleep(Duration::from_millis(1)).await;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use std::{cell::Cell, rc::Rc};

    use super::*;
    use crate::{Panicked, join, spawn, testing::on_each_driver, yield_now};

    #[test]
    fn task_that_panics_ends_alone() {
        on_each_driver(async || {
            let outcome = spawn(async { panic!("on purpose") }).await;
            assert_eq!(outcome, Err::<(), _>(Panicked));
            assert_eq!(spawn(async { 7 }).await, Ok(7));
        });
    }

    #[test]
    fn yielding_task_lets_timers_and_other_tasks_run() {
        on_each_driver(async || {
            let done = Rc::new(Cell::new(false));
            let seen = done.clone();
            let sleeper = spawn(async move {
                time::sleep(Duration::from_millis(5)).await;
                seen.set(true);
            });
            while !done.get() {
                yield_now().await;
            }
            sleeper.await.unwrap();
        });
    }

    #[test]
    fn several_tasks_may_yield_at_once() {
        on_each_driver(async || {
            let a = async {
                for _ in 0..100 {
                    yield_now().await
                }
            };
            let b = async {
                for _ in 0..100 {
                    yield_now().await
                }
            };
            let tasks = (spawn(a), spawn(b));
            let (a, b) = join(tasks.0, tasks.1).await;
            assert!(a.is_ok() && b.is_ok());
        });
    }

    #[test]
    fn timeout_drops_what_is_late_and_keeps_what_is_not() {
        on_each_driver(async || {
            let late = time::timeout(Duration::from_millis(5), std::future::pending::<()>()).await;
            assert_eq!(late, Err(time::Elapsed));
            assert_eq!(
                time::timeout(Duration::from_secs(60), async { 3 }).await,
                Ok(3)
            );
        });
    }
}
