//! Waiting for a started process to answer.

use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use crate::load::exchange;
use crate::scenario::{ALL, Endpoint};

use super::Running;

/// Longest time from start to first answer.
const START_DEADLINE: Duration = Duration::from_secs(10);

/// Time between two attempts: the precision of "start to first answer".
const ATTEMPT_EVERY: Duration = Duration::from_micros(200);

/// Waits for the first right answer and notes how long after `started` it came.
pub(super) fn wait(running: &mut Running, started: Instant) -> Option<()> {
    let child = running.child.as_mut()?;
    let answered = first_answer(&running.endpoint, child);
    running.first_answer = started.elapsed();
    answered.then_some(())
}

/// Asks until a right answer comes, the process ends, or the deadline passes.
pub(super) fn first_answer(endpoint: &Endpoint, child: &mut Child) -> bool {
    let plan = ALL[0].plan(endpoint, 0, START_DEADLINE);
    let deadline = Instant::now() + START_DEADLINE;
    while Instant::now() < deadline {
        if exchange::check_one(&endpoint.address, &plan.template, plan.expectation).is_ok() {
            return true;
        }
        if !matches!(child.try_wait(), Ok(None)) {
            return false;
        }
        thread::sleep(ATTEMPT_EVERY);
    }
    false
}
