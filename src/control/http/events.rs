//! The events of an answer that is an event stream.

use std::borrow::BorrowMut;

use super::client::Client;
use super::client_error::ClientError;
use super::incoming::Incoming;
use crate::engine::bridge::upstream::event::Event;
use crate::engine::mcp::sse::Splitter;

/// Reads events one after another, each bounded.
#[derive(Debug)]
pub struct Events<C> {
    answer: Incoming<C>,
    splitter: Splitter,
    /// Bytes received and not yet part of a whole event.
    pending: Vec<u8>,
    /// How many of them the splitter has seen.
    fed: usize,
    event_bytes_max: usize,
}

impl<C: BorrowMut<Client>> Events<C> {
    /// The events of `answer`, each of at most `event_bytes_max` bytes.
    pub fn of(answer: Incoming<C>, event_bytes_max: usize) -> Self {
        Self {
            answer,
            splitter: Splitter::new(),
            pending: Vec::new(),
            fed: 0,
            event_bytes_max,
        }
    }

    /// The next event; `None` where the stream ends as it should. An event that was cut off by the end is none.
    ///
    /// Dropped while it waits, it loses nothing. Errors: [`ClientError::TooLarge`] for an event beyond the bound, and those of
    /// the connection.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        loop {
            if let Some(length) = self.splitter.feed(&self.pending[self.fed..]) {
                return self.take(self.fed + length).map(Some);
            }
            self.fed = self.pending.len();
            self.check(self.fed)?;
            let Some(piece) = self.answer.piece().await? else {
                let is_whole = !self.pending.is_empty() && self.splitter.is_complete();
                let event = is_whole.then(|| self.take(self.fed));
                return event.transpose();
            };
            self.pending.extend_from_slice(&piece);
        }
    }

    /// The answer, whose events were read.
    pub fn into_answer(self) -> Incoming<C> {
        self.answer
    }

    fn take(&mut self, length: usize) -> Result<Event, ClientError> {
        self.check(length)?;
        let event = Event::read(&self.pending[..length]);
        self.pending.drain(..length);
        self.fed = 0;
        Ok(event)
    }

    fn check(&self, length: usize) -> Result<(), ClientError> {
        let bytes_max = self.event_bytes_max;
        match length > bytes_max {
            true => Err(ClientError::TooLarge { bytes_max }),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use guard_io::http1::Method;
    use tokio::io::AsyncWriteExt as _;

    use super::{Client, ClientError, Events};

    /// What is read of `stream`, sent in pieces of `piece` bytes.
    async fn read(
        stream: &str,
        piece: usize,
        event_bytes_max: usize,
    ) -> Result<Vec<String>, ClientError> {
        let (near, mut far) = tokio::io::duplex(1 << 16);
        let text = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{stream}");
        tokio::spawn(async move {
            for piece in text.as_bytes().chunks(piece) {
                far.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let answer = Client::over(near).answer(Method::Get).await?;
        let (mut events, mut read) = (Events::of(answer, event_bytes_max), Vec::new());
        while let Some(event) = events.next().await? {
            read.push(String::from_utf8(event.data).unwrap());
        }
        Ok(read)
    }

    #[tokio::test(flavor = "current_thread")]
    async fn events_are_the_same_however_they_are_cut() {
        let stream = "\u{feff}data: a\n\n: x\n\nid: 1\r\ndata: b\r\ndata: c\r\n\r\ndata: cut off\n";
        for piece in 1..stream.len() {
            let events = read(stream, piece, 64).await.unwrap();
            assert_eq!(events, ["a", "", "b\nc"], "{piece}");
        }
        assert_eq!(read("data: a\r\r", 3, 64).await.unwrap(), ["a"]);
        assert!(read("", 1, 64).await.unwrap().is_empty());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn an_event_may_be_as_large_as_its_bound_and_no_larger() {
        let event = format!("data: {}\n\n", "x".repeat(100));
        for piece in [1, 7, 1000] {
            assert!(read(&event, piece, event.len()).await.is_ok(), "{piece}");
            let refused = read(&event, piece, event.len() - 1).await;
            assert!(
                matches!(refused, Err(ClientError::TooLarge { .. })),
                "{piece}"
            );
        }
        let endless = "x".repeat(1000);
        let refused = read(&endless, 10, 100).await;
        assert!(matches!(refused, Err(ClientError::TooLarge { .. })));
    }
}
