//! One request's way to its client: a queue bounded in messages and bytes, and a watch on whether the client is there.

use std::collections::VecDeque;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use crate::control::bridge::Answers;
use crate::engine::bridge::shared::RequestKey;

/// Messages that wait for one client, the last one included.
const MESSAGES_MAX: usize = 256;

/// Bytes that wait for one client beside the message that is being added. An empty lane takes any message.
const BYTES_MAX: usize = 1_024 * 1_024;

/// A full lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// The sending side.
#[derive(Debug)]
pub(super) struct Lane {
    sender: mpsc::Sender<Vec<u8>>,
    /// Lengths of the messages that were in the queue when last looked, oldest first.
    waiting: VecDeque<usize>,
    watch: AbortHandle,
}

impl Lane {
    /// A lane for `key`, whose task in `gone` ends with the key when the client drops the other side.
    pub(super) fn open(key: RequestKey, gone: &mut JoinSet<RequestKey>) -> (Self, Answers) {
        let (sender, answers) = mpsc::channel(MESSAGES_MAX);
        let client = sender.clone();
        let watch = gone.spawn(async move {
            client.closed().await;
            key
        });
        let lane = Self {
            sender,
            waiting: VecDeque::new(),
            watch,
        };
        (lane, answers)
    }

    /// Adds a message that more may follow. One place stays free for the last.
    pub(super) fn push(&mut self, message: Vec<u8>) -> Result<(), Full> {
        let waiting = self.sender.max_capacity() - self.sender.capacity();
        while self.waiting.len() > waiting {
            self.waiting.pop_front();
        }
        let bytes: usize = self.waiting.iter().sum();
        let is_full = waiting + 1 >= MESSAGES_MAX;
        if is_full || (bytes > 0 && bytes + message.len() > BYTES_MAX) {
            return Err(Full);
        }
        self.waiting.push_back(message.len());
        // A client that is gone is the watch's to tell of.
        let _ = self.sender.try_send(message);
        Ok(())
    }

    /// Adds the last message. There is always room for it.
    pub(super) fn finish(self, message: Vec<u8>) {
        let _ = self.sender.try_send(message);
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // The watch holds the queue open.
        self.watch.abort();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use tokio::task::JoinSet;

    use super::{BYTES_MAX, Full, Lane, MESSAGES_MAX};
    use crate::engine::bridge::shared::RequestKey;

    #[tokio::test]
    async fn a_lane_is_bounded_and_keeps_room_for_the_last_message() {
        let mut gone = JoinSet::new();
        let (mut lane, mut answers) = Lane::open(RequestKey::FIRST, &mut gone);
        for _ in 1..MESSAGES_MAX {
            lane.push(b"m".to_vec()).unwrap();
        }
        assert_eq!(lane.push(b"m".to_vec()), Err(Full));
        let _ = answers.recv().await.unwrap();
        lane.push(b"m".to_vec()).unwrap();
        assert_eq!(lane.push(b"m".to_vec()), Err(Full));
        lane.finish(b"last".to_vec());
        let mut last = Vec::new();
        while let Some(message) = answers.recv().await {
            last = message;
        }
        assert_eq!(last, b"last");
    }

    #[tokio::test]
    async fn bytes_are_bounded_and_an_empty_lane_takes_any_message() {
        let mut gone = JoinSet::new();
        let (mut lane, mut answers) = Lane::open(RequestKey::FIRST, &mut gone);
        lane.push(vec![0; 2 * BYTES_MAX]).unwrap();
        assert_eq!(lane.push(vec![0]), Err(Full));
        let _ = answers.recv().await.unwrap();
        lane.push(vec![0; BYTES_MAX]).unwrap();
        assert_eq!(lane.push(vec![0]), Err(Full));
    }

    #[tokio::test]
    async fn a_client_that_leaves_is_noticed() {
        let mut gone = JoinSet::new();
        let (lane, answers) = Lane::open(RequestKey::FIRST, &mut gone);
        drop(answers);
        assert_eq!(gone.join_next().await.unwrap().unwrap(), RequestKey::FIRST);
        drop(lane);
    }
}
