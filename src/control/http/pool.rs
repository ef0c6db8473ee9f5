//! Idle connections to one server, kept for a moment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::client::Client;

/// Longest that a connection idles here. Common servers close theirs after five seconds, some after two; a request that meets
/// that close cannot be sent again, since nobody knows whether it was received.
const IDLE_TIME_MAX: Duration = Duration::from_millis(1_500);

/// Idle connections, the latest on top. Clones share them.
#[derive(Clone, Debug)]
pub struct Pool {
    shelf: Arc<Mutex<Shelf>>,
    connections_max: usize,
    idle_time: Duration,
}

#[derive(Debug, Default)]
struct Shelf {
    idle: Vec<(Client, Instant)>,
    is_swept: bool,
}

impl Pool {
    /// A pool of at most `connections_max` connections that idle for at most `idle_time`, and never longer than servers like.
    #[must_use]
    pub fn new(connections_max: usize, idle_time: Duration) -> Self {
        Self {
            shelf: Arc::default(),
            connections_max,
            idle_time: idle_time.min(IDLE_TIME_MAX),
        }
    }

    /// A connection that is still as it was left.
    pub async fn take(&self) -> Option<Client> {
        loop {
            let (mut client, since) = self.with(|shelf| shelf.idle.pop())?;
            if since.elapsed() < self.idle_time && client.is_quiet().await {
                return Some(client);
            }
        }
    }

    /// Keeps `client` for another request; closes it where there is no room.
    pub fn put(&self, client: Client) {
        let begins_sweep = self.with(|shelf| {
            if shelf.idle.len() < self.connections_max {
                shelf.idle.push((client, Instant::now()));
            }
            !std::mem::replace(&mut shelf.is_swept, true)
        });
        if begins_sweep {
            tokio::spawn(self.clone().sweep());
        }
    }

    /// Closes connections that idle too long, until none is left.
    async fn sweep(self) {
        loop {
            sleep(self.idle_time).await;
            let goes_on = self.with(|shelf| {
                shelf
                    .idle
                    .retain(|(_, since)| since.elapsed() < self.idle_time);
                shelf.is_swept = !shelf.idle.is_empty();
                shelf.is_swept
            });
            if !goes_on {
                return;
            }
        }
    }

    /// Never held across an await.
    fn with<T>(&self, work: impl FnOnce(&mut Shelf) -> T) -> T {
        work(&mut self.shelf.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::{IDLE_TIME_MAX, Pool};
    use crate::control::http::Client;

    const LONG: Duration = Duration::from_secs(60);

    fn connection() -> (Client, DuplexStream) {
        let (near, far) = duplex(64);
        (Client::over(near), far)
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_connection_comes_back_only_as_it_was_left() {
        let pool = Pool::new(4, LONG);
        let (quiet, _far) = connection();
        pool.put(quiet);
        assert!(pool.take().await.is_some());
        assert!(pool.take().await.is_none());
        let (closed, far) = connection();
        pool.put(closed);
        drop(far);
        assert!(pool.take().await.is_none());
        let (chatty, mut far) = connection();
        pool.put(chatty);
        far.write_all(b"HTTP/1.1 408 Late\r\n\r\n").await.unwrap();
        assert!(pool.take().await.is_none());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn no_more_are_kept_than_may_be() {
        let pool = Pool::new(1, LONG);
        let (first, _far) = connection();
        let (second, mut far) = connection();
        pool.put(first);
        pool.put(second);
        assert_eq!(far.read(&mut [0]).await.unwrap(), 0, "it is closed");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn none_is_kept_longer_than_it_may() {
        let short = Duration::from_millis(20);
        let pool = Pool::new(4, short);
        let (client, mut far) = connection();
        pool.put(client);
        assert_eq!(
            far.read(&mut [0]).await.unwrap(),
            0,
            "nobody asks, and it is closed"
        );
        let (client, _far) = connection();
        pool.put(client);
        std::thread::sleep(short);
        assert!(pool.take().await.is_none());
        assert_eq!(Pool::new(4, LONG).idle_time, IDLE_TIME_MAX);
    }
}
