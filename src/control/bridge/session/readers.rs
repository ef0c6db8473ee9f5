//! The open answers of one session: who reads which stream, and what waits for a reader that is slow.

use std::collections::{HashMap, VecDeque};

use tokio::sync::mpsc;

use crate::engine::bridge::session::StreamId;

/// Pieces that wait between a session's task and the connection that writes them.
const PIECES_MAX: usize = 1;

/// Readers by stream. At most one piece waits beside each reader's queue of one: while any waits, the session hears nothing
/// more from its server, so a reader that stalls holds up its session, not memory. A worker ends a write that stalls.
#[derive(Debug, Default)]
pub(super) struct Readers {
    open: HashMap<StreamId, mpsc::Sender<Vec<u8>>>,
    waiting: VecDeque<(StreamId, Piece)>,
}

#[derive(Debug)]
enum Piece {
    Bytes(Vec<u8>),
    End,
}

impl Readers {
    /// A new reader of `stream`, which has none.
    pub(super) fn open(&mut self, stream: StreamId) -> mpsc::Receiver<Vec<u8>> {
        let (sender, receiver) = mpsc::channel(PIECES_MAX);
        self.open.insert(stream, sender);
        receiver
    }

    /// Gives `bytes` to the reader of `stream`. What nobody reads any more is dropped.
    pub(super) fn emit(&mut self, stream: StreamId, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let Some(sender) = self.open.get(&stream) else {
            return;
        };
        if self.is_waiting(stream) {
            self.waiting.push_back((stream, Piece::Bytes(bytes)));
        } else if let Err(mpsc::error::TrySendError::Full(bytes)) = sender.try_send(bytes) {
            self.waiting.push_back((stream, Piece::Bytes(bytes)));
        }
    }

    /// Ends the answer of `stream`'s reader, after what waits for it.
    pub(super) fn end(&mut self, stream: StreamId) {
        if self.is_waiting(stream) {
            self.waiting.push_back((stream, Piece::End));
        } else {
            self.open.remove(&stream);
        }
    }

    /// Ends it at once, since the reader left or another takes over; returns what waited for it.
    pub(super) fn forget(&mut self, stream: StreamId) -> Vec<u8> {
        self.open.remove(&stream);
        let mut owed = Vec::new();
        self.waiting.retain_mut(|(waiting, piece)| {
            let is_its = *waiting == stream;
            if let (true, Piece::Bytes(bytes)) = (is_its, piece) {
                owed.append(bytes);
            }
            !is_its
        });
        owed
    }

    /// Whether a reader holds up the session.
    pub(super) fn is_blocked(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Waits until the piece that has waited longest can go, and lets it go. Never returns while none waits. Dropping this
    /// loses nothing.
    pub(super) async fn unblock(&mut self) {
        let Some((stream, _)) = self.waiting.front() else {
            return std::future::pending().await;
        };
        let stream = *stream;
        let Some(sender) = self.open.get(&stream) else {
            self.forget(stream);
            return;
        };
        let Ok(permit) = sender.reserve().await else {
            // It stays open, so that the session is told that the reader left.
            self.waiting.retain(|(waiting, _)| *waiting != stream);
            return;
        };
        match self.waiting.pop_front() {
            Some((_, Piece::Bytes(bytes))) => permit.send(bytes),
            Some((_, Piece::End)) | None => {
                drop(permit);
                self.open.remove(&stream);
            }
        }
    }

    /// Returns when the reader of `stream` left; never while it has none.
    pub(super) async fn left(&self, stream: StreamId) {
        match self.open.get(&stream) {
            Some(sender) => sender.closed().await,
            None => std::future::pending().await,
        }
    }

    /// Removes the readers that left, and returns their streams.
    pub(super) fn sweep(&mut self) -> Vec<StreamId> {
        let is_gone = |sender: &mpsc::Sender<_>| sender.is_closed();
        let gone = self.open.iter().filter(|(_, sender)| is_gone(sender));
        let gone: Vec<_> = gone.map(|(stream, _)| *stream).collect();
        for stream in &gone {
            self.forget(*stream);
        }
        gone
    }

    /// Lets what waits go in the background, as fast as its readers take it, and ends every answer after it.
    pub(super) fn close(mut self) {
        if !self.is_blocked() {
            return;
        }
        let streams: Vec<_> = self.waiting.iter().map(|(stream, _)| *stream).collect();
        self.open.retain(|stream, _| streams.contains(stream));
        tokio::spawn(async move {
            while self.is_blocked() {
                self.unblock().await;
            }
        });
    }

    fn is_waiting(&self, stream: StreamId) -> bool {
        self.waiting.iter().any(|(waiting, _)| *waiting == stream)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{PIECES_MAX, Readers, StreamId};

    #[tokio::test]
    async fn what_a_slow_reader_is_owed_waits_in_order_and_then_ends() {
        let (mut readers, stream) = (Readers::default(), StreamId::STANDALONE);
        let mut receiver = readers.open(stream);
        for piece in 0..=PIECES_MAX {
            assert!(!readers.is_blocked());
            readers.emit(stream, vec![piece as u8]);
        }
        assert!(readers.is_blocked());
        readers.end(stream);
        for piece in 0..=PIECES_MAX {
            assert_eq!(receiver.recv().await.unwrap(), [piece as u8]);
            readers.unblock().await;
        }
        assert!(!readers.is_blocked() && readers.is_empty());
        assert_eq!(receiver.recv().await, None);
    }

    #[tokio::test]
    async fn a_reader_that_left_blocks_nobody_and_is_swept() {
        let (mut readers, stream) = (Readers::default(), StreamId::STANDALONE);
        let receiver = readers.open(stream);
        readers.emit(stream, vec![1]);
        readers.emit(stream, vec![2]);
        drop(receiver);
        readers.unblock().await;
        assert!(!readers.is_blocked());
        readers.left(stream).await;
        assert_eq!(readers.sweep(), [stream]);
        assert_eq!(readers.sweep(), []);
    }

    #[tokio::test]
    async fn a_closed_session_still_pays_what_it_owes() {
        let (mut readers, stream) = (Readers::default(), StreamId::STANDALONE);
        let mut receiver = readers.open(stream);
        readers.emit(stream, vec![1]);
        readers.emit(stream, vec![2]);
        readers.end(stream);
        readers.close();
        assert_eq!(receiver.recv().await, Some(vec![1]));
        assert_eq!(receiver.recv().await, Some(vec![2]));
        assert_eq!(receiver.recv().await, None);
    }
}
