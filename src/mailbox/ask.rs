//! Questions that workers put to control, each answered once.
//!
//! For what is rare and slow: a login, a token that its issuer must be asked about. A question waits in a bounded queue; whoever
//! asks waits for the answer with a bound of their own and may leave at any time.
//!
//! **Invariant:** each [`Awaited`] is woken: by the answer, or because the question was dropped unanswered.

use std::sync::{Arc, Mutex, PoisonError};

use guard_io::Stop;
use tokio::sync::mpsc;

/// Where workers put questions, and control takes them.
#[derive(Debug)]
pub struct Asks<Q, A> {
    sender: mpsc::Sender<Ask<Q, A>>,
    receiver: Mutex<Option<mpsc::Receiver<Ask<Q, A>>>>,
}

impl<Q, A> Asks<Q, A> {
    /// An empty queue for `asks_max` questions.
    #[must_use]
    pub fn new(asks_max: usize) -> Self {
        let (sender, receiver) = mpsc::channel(asks_max);
        Self {
            sender,
            receiver: Mutex::new(Some(receiver)),
        }
    }

    /// Hands `question` to control and wakes it. `None`: control takes no more at the moment.
    #[must_use]
    pub fn put(&self, question: Q) -> Option<Awaited<A>> {
        let slot = Arc::new(Slot {
            answer: Mutex::new(None),
            settled: Stop::new(),
        });
        let ask = Ask {
            question,
            reply: Reply(Arc::clone(&slot)),
        };
        self.sender.try_send(ask).ok()?;
        Some(Awaited(slot))
    }

    /// The taking end, once. For control alone.
    #[must_use]
    pub fn take(&self) -> Option<mpsc::Receiver<Ask<Q, A>>> {
        lock(&self.receiver).take()
    }
}

/// A question and where its answer goes.
#[derive(Debug)]
pub struct Ask<Q, A> {
    /// What is asked.
    pub question: Q,
    /// Where the answer goes.
    pub reply: Reply<A>,
}

/// Where an answer goes. Dropped without one, whoever waits is told that there is none.
#[derive(Debug)]
#[must_use = "dropping it tells whoever waits that there is no answer"]
pub struct Reply<A>(Arc<Slot<A>>);

impl<A> Reply<A> {
    /// Gives the answer.
    pub fn with(self, answer: A) {
        *lock(&self.0.answer) = Some(answer);
    }

    /// Whether nobody waits any more.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

impl<A> Drop for Reply<A> {
    fn drop(&mut self) {
        self.0.settled.raise();
    }
}

/// An answer that is awaited.
#[derive(Debug)]
pub struct Awaited<A>(Arc<Slot<A>>);

impl<A> Awaited<A> {
    /// Waits for the answer; `None`: there is none. May be dropped.
    pub async fn answer(&self) -> Option<A> {
        self.0.settled.raised().await;
        lock(&self.0.answer).take()
    }
}

#[derive(Debug)]
struct Slot<A> {
    answer: Mutex<Option<A>>,
    settled: Stop,
}

/// The value, also after a panic of another thread: no code that can panic runs under these locks.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::Asks;

    #[tokio::test(flavor = "current_thread")]
    async fn a_question_is_answered_or_known_to_have_no_answer() {
        let asks: Asks<u8, u8> = Asks::new(2);
        let mut taken = asks.take().unwrap();
        assert!(asks.take().is_none());
        let (good, dropped) = (asks.put(1).unwrap(), asks.put(2).unwrap());
        assert!(asks.put(3).is_none(), "the queue is full");
        let one = taken.recv().await.unwrap();
        assert_eq!(one.question, 1);
        one.reply.with(10);
        drop(taken.recv().await.unwrap());
        assert_eq!(good.answer().await, Some(10));
        assert_eq!(dropped.answer().await, None);
    }

    #[test]
    fn a_question_that_nobody_waits_for_shows_it() {
        let asks: Asks<u8, u8> = Asks::new(1);
        let mut taken = asks.take().unwrap();
        let awaited = asks.put(1).unwrap();
        let ask = taken.try_recv().unwrap();
        assert!(!ask.reply.is_abandoned());
        drop(awaited);
        assert!(ask.reply.is_abandoned());
    }
}
