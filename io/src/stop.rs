//! A flag that is raised once and that tasks of all threads can wait for.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use slab::Slab;

/// The flag. Clones are the same flag.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    is_raised: bool,
    waiters: Slab<Waker>,
}

impl Stop {
    /// Makes a flag that is down.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the flag and wakes everybody who waits for it. Raising it again does nothing.
    pub fn raise(&self) {
        let waiters = {
            let mut state = self.lock();
            state.is_raised = true;
            std::mem::take(&mut state.waiters)
        };
        for (_, waker) in waiters {
            waker.wake();
        }
    }

    /// Says whether the flag is up.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.lock().is_raised
    }

    /// Waits until the flag is up. May be dropped.
    pub async fn raised(&self) {
        Wait {
            stop: self,
            key: None,
        }
        .await;
    }

    /// No code that can panic runs under the lock, so what a poisoned lock guards is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Wait<'a> {
    stop: &'a Stop,
    key: Option<usize>,
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.stop.lock();
        if state.is_raised {
            drop(state);
            self.key = None;
            return Poll::Ready(());
        }
        match self.key.and_then(|key| state.waiters.get_mut(key)) {
            Some(waker) => waker.clone_from(cx.waker()),
            None => {
                let key = state.waiters.insert(cx.waker().clone());
                drop(state);
                self.key = Some(key);
            }
        }
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            // When the flag was raised in between the waiters are gone.
            self.stop.lock().waiters.try_remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use std::time::Duration;

    use super::*;
    use crate::{join, testing::on_each_driver, time};

    #[test]
    fn raised_from_another_thread_wakes_all_waiters() {
        on_each_driver(async || {
            let stop = Stop::new();
            let remote = stop.clone();
            let thread = std::thread::spawn(move || {
                while remote.lock().waiters.len() < 2 {
                    std::thread::yield_now();
                }
                remote.raise();
            });
            join(stop.raised(), stop.raised()).await;
            assert!(stop.is_raised());
            stop.raised().await;
            thread.join().unwrap();
        });
    }

    #[test]
    fn dropped_wait_leaves_nothing_behind() {
        on_each_driver(async || {
            let stop = Stop::new();
            for _ in 0..3 {
                assert!(
                    time::timeout(Duration::from_millis(1), stop.raised())
                        .await
                        .is_err()
                );
            }
            assert!(stop.lock().waiters.is_empty());
        });
    }
}
