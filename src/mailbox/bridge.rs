//! How a worker reaches a server that it cannot speak to itself: over a socket pair whose other end control serves.
//!
//! Both ends speak HTTP/1.1, so the worker's one way of sending, relaying, filtering and cancelling serves every server, and
//! the socket's buffers are the back-pressure. The pair has no name: nothing outside the process can reach it. The reasons
//! against a channel of messages are in `docs/decisions/0005-bridge.md`.
//!
//! **Invariant:** the fields below are written by workers on bridge sockets alone. They are never forwarded from a client nor
//! to an upstream.

use std::os::fd::OwnedFd;

use tokio::sync::mpsc;

/// Who asks: [`Owner::to_hex`](crate::engine::session::Owner::to_hex). On every request.
pub const OWNER_FIELD: &str = "x-guard-owner";

/// `sse` where the client speaks HTTP+SSE (2024-11-05); absent for Streamable HTTP.
pub const FRONT_FIELD: &str = "x-guard-front";

/// `1` on a POST whose body is an answer of the gateway for the session's client, not a message for its server.
pub const DELIVER_FIELD: &str = "x-guard-deliver";

/// On an answer: `direct` tells the worker that the server speaks the client's era; the request was not sent anywhere.
pub const VERDICT_FIELD: &str = "x-guard-verdict";

/// Calls that may wait for control. One is made a connection, not a request.
const CALLS_MAX: usize = 1_024;

/// A new bridge connection.
#[derive(Debug)]
pub struct BridgeCall {
    /// Name of the server that is wanted.
    pub server: Box<str>,
    /// Control's end.
    pub socket: OwnedFd,
}

/// Where workers put calls, and control takes them.
#[derive(Debug)]
pub struct BridgeCalls {
    sender: mpsc::Sender<BridgeCall>,
    receiver: std::sync::Mutex<Option<mpsc::Receiver<BridgeCall>>>,
}

impl BridgeCalls {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        let (sender, receiver) = mpsc::channel(CALLS_MAX);
        Self {
            sender,
            receiver: std::sync::Mutex::new(Some(receiver)),
        }
    }

    /// Hands `call` to control and wakes it. `false`: control takes no more; the call is dropped, which closes its socket.
    #[must_use]
    pub fn put(&self, call: BridgeCall) -> bool {
        self.sender.try_send(call).is_ok()
    }

    /// The taking end, once. For control alone.
    #[must_use]
    pub fn take(&self) -> Option<mpsc::Receiver<BridgeCall>> {
        let mut receiver = self
            .receiver
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        receiver.take()
    }
}

impl Default for BridgeCalls {
    fn default() -> Self {
        Self::new()
    }
}
