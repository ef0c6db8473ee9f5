//! Whose turn it is to accept from a listener that workers share.
//!
//! Were all workers to watch the socket, each connection would wake all of them, and the one that watched last would win
//! nearly always. So one watches at a time, and each connection passes the turn to the next worker that waits: a round
//! robin, for the price of one wake-up a connection.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// The order of turns among a fixed number of workers.
#[derive(Debug)]
pub(crate) struct Rota {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    holder: Option<usize>,
    /// By worker: how to wake it, while it waits.
    waiting: Vec<Option<Waker>>,
}

impl Rota {
    /// Nobody's turn yet: whoever asks first has it.
    pub(crate) fn new(workers: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                holder: None,
                waiting: vec![None; workers],
            }),
        })
    }

    /// Waits until it is the turn of `worker`, which lasts until the result is dropped. One wait a worker at a time.
    pub(crate) fn turn(&self, worker: usize) -> Wait<'_> {
        Wait {
            rota: self,
            worker,
            is_over: false,
        }
    }

    /// No code that can panic runs under the lock, so what a poisoned lock guards is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_take(&self, worker: usize, waker: &Waker) -> bool {
        let mut state = self.lock();
        let is_mine = *state.holder.get_or_insert(worker) == worker;
        state.waiting[worker] = (!is_mine).then(|| waker.clone());
        is_mine
    }

    /// Ends the turn of `worker`, or its wait for one.
    fn pass_on(&self, worker: usize) {
        let next = {
            let mut state = self.lock();
            state.waiting[worker] = None;
            if state.holder != Some(worker) {
                return;
            }
            state.pass_on_from(worker)
        };
        if let Some(next) = next {
            next.wake();
        }
    }
}

impl State {
    fn pass_on_from(&mut self, worker: usize) -> Option<Waker> {
        let workers = self.waiting.len();
        let mut after = (1..workers).map(|step| (worker + step) % workers);
        self.holder = after.find(|&next| self.waiting[next].is_some());
        self.holder.and_then(|next| self.waiting[next].take())
    }
}

/// A worker waits for its turn. Dropping it gives the place up.
pub(crate) struct Wait<'a> {
    rota: &'a Rota,
    worker: usize,
    is_over: bool,
}

/// It is this worker's turn. Dropping it passes the turn on.
pub(crate) struct Turn<'a> {
    rota: &'a Rota,
    worker: usize,
}

impl<'a> Future for Wait<'a> {
    type Output = Turn<'a>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Turn<'a>> {
        if !self.rota.try_take(self.worker, cx.waker()) {
            return Poll::Pending;
        }
        self.is_over = true;
        Poll::Ready(Turn {
            rota: self.rota,
            worker: self.worker,
        })
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.rota.pass_on(self.worker);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.rota.pass_on(self.worker);
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, task::Wake};

    use super::*;

    struct Noop;

    impl Wake for Noop {
        fn wake(self: Arc<Self>) {}
    }

    fn poll<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
        match future.poll(&mut Context::from_waker(&Waker::from(Arc::new(Noop)))) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    #[test]
    fn turns_go_round_among_those_who_wait() {
        let rota = Rota::new(4);
        let mut order = Vec::new();
        let mut turn = poll(pin!(rota.turn(0)));
        for _ in 0..2 {
            // Worker 3 never asks.
            let mut waits = [Box::pin(rota.turn(1)), Box::pin(rota.turn(2))];
            assert!(waits.iter_mut().all(|wait| poll(wait.as_mut()).is_none()));
            let mut zero = Box::pin(rota.turn(0));
            for wait in &mut waits {
                drop(turn.take());
                turn = poll(wait.as_mut());
                order.extend(turn.as_ref().map(|turn| turn.worker));
                assert!(poll(zero.as_mut()).is_none());
            }
            drop(turn.take());
            turn = poll(zero.as_mut());
            order.extend(turn.as_ref().map(|turn| turn.worker));
        }
        assert_eq!(order, [1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn wait_that_is_dropped_holds_nobody_up() {
        let rota = Rota::new(3);
        let turn = poll(pin!(rota.turn(0)));
        let mut one = Box::pin(rota.turn(1));
        let mut two = Box::pin(rota.turn(2));
        assert!(poll(one.as_mut()).is_none() && poll(two.as_mut()).is_none());
        // The turn is handed to worker 1, which gives up before it looks.
        drop(turn);
        drop(one);
        assert_eq!(poll(two.as_mut()).map(|turn| turn.worker), Some(2));
    }

    #[test]
    fn only_one_has_the_turn() {
        let rota = Rota::new(2);
        let turn = poll(pin!(rota.turn(0)));
        assert!(poll(pin!(rota.turn(1))).is_none());
        drop(turn);
        assert!(poll(pin!(rota.turn(1))).is_some());
    }

    #[test]
    fn lone_worker_has_every_turn() {
        let rota = Rota::new(1);
        for _ in 0..3 {
            assert!(poll(pin!(rota.turn(0))).is_some());
        }
    }
}
