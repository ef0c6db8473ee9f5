//! Messages to a worker from other threads.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// Makes a mailbox that holds at most `capacity` messages.
#[must_use]
pub fn mailbox<T: Send>(capacity: usize) -> (MailboxSender<T>, Mailbox<T>) {
    let state = State {
        queue: VecDeque::new(),
        reader: None,
        senders: 1,
        is_open: true,
    };
    let shared = Arc::new(Shared {
        capacity,
        state: Mutex::new(state),
    });
    (
        MailboxSender {
            shared: shared.clone(),
        },
        Mailbox { shared },
    )
}

/// Why a message was not taken. It is given back.
#[derive(Debug, PartialEq, Eq)]
pub enum Rejected<T> {
    /// The mailbox holds as many messages as it may.
    Full(T),
    /// The worker has dropped its end.
    Closed(T),
}

impl<T> fmt::Display for Rejected<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "mailbox is full",
            Self::Closed(_) => "mailbox is closed",
        })
    }
}

struct Shared<T> {
    capacity: usize,
    state: Mutex<State<T>>,
}

struct State<T> {
    queue: VecDeque<T>,
    reader: Option<Waker>,
    senders: usize,
    is_open: bool,
}

impl<T> Shared<T> {
    /// No code that can panic runs under the lock, so what a poisoned lock guards is whole.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sending end, for any thread and any number of them.
pub struct MailboxSender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> MailboxSender<T> {
    /// Puts `message` into the mailbox and wakes the worker. Never waits for room.
    pub fn try_send(&self, message: T) -> Result<(), Rejected<T>> {
        let reader = {
            let mut state = self.shared.lock();
            if !state.is_open {
                return Err(Rejected::Closed(message));
            }
            if state.queue.len() >= self.shared.capacity {
                return Err(Rejected::Full(message));
            }
            state.queue.push_back(message);
            state.reader.take()
        };
        wake(reader);
        Ok(())
    }
}

/// Wakes outside of the lock, which the worker takes next.
fn wake(reader: Option<Waker>) {
    if let Some(reader) = reader {
        reader.wake();
    }
}

impl<T> Clone for MailboxSender<T> {
    fn clone(&self) -> Self {
        self.shared.lock().senders += 1;
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<T> Drop for MailboxSender<T> {
    fn drop(&mut self) {
        let reader = {
            let mut state = self.shared.lock();
            state.senders -= 1;
            if state.senders == 0 {
                state.reader.take()
            } else {
                None
            }
        };
        wake(reader);
    }
}

impl<T> fmt::Debug for MailboxSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailboxSender")
            .field("capacity", &self.shared.capacity)
            .finish()
    }
}

/// The worker's end. One task reads it.
pub struct Mailbox<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Mailbox<T> {
    /// Waits for the next message. Returns `None` when it is empty and all senders are gone. May be dropped.
    pub async fn recv(&mut self) -> Option<T> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = self.shared.lock();
        match state.queue.pop_front() {
            Some(message) => Poll::Ready(Some(message)),
            None if state.senders == 0 => Poll::Ready(None),
            None => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Takes a message that is there already.
    pub fn try_recv(&mut self) -> Option<T> {
        self.shared.lock().queue.pop_front()
    }
}

impl<T> Drop for Mailbox<T> {
    fn drop(&mut self) {
        let unread = {
            let mut state = self.shared.lock();
            state.is_open = false;
            state.reader = None;
            std::mem::take(&mut state.queue)
        };
        drop(unread);
    }
}

impl<T> fmt::Debug for Mailbox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox")
            .field("capacity", &self.shared.capacity)
            .finish()
    }
}

#[cfg(test)]
mod tests;
