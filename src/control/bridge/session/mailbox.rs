//! What handlers and tables send to a session's task.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::{mpsc, oneshot, watch};

use crate::control::http::Response;
use crate::engine::mcp::message::Body;
use crate::engine::reply::Failure;

/// POSTs, and separately commands, that may wait for one session's task. Handlers wait beyond it.
const MAILBOX_MAX: usize = 16;

/// The body of a POST.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) body: Vec<u8>,
    pub(super) scanned: Box<Body>,
    /// Whether the client accepts an event stream.
    pub(super) takes_events: bool,
    pub(super) reply: oneshot::Sender<Response>,
}

/// Everything else. It does not queue behind POSTs that wait for a slow server.
#[derive(Debug)]
pub(super) enum Command {
    /// GET.
    Get {
        last_event_id: Option<Box<[u8]>>,
        reply: oneshot::Sender<Response>,
    },
    /// Put an answer of the gateway on the client's one stream (HTTP+SSE).
    Deliver {
        message: Vec<u8>,
        reply: oneshot::Sender<Response>,
    },
    /// End the session.
    End(Failure),
}

/// The sending side.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    pub(super) posts: mpsc::Sender<Post>,
    pub(super) commands: mpsc::Sender<Command>,
}

/// The task's side.
#[derive(Debug)]
pub(super) struct Mailbox {
    pub(super) posts: mpsc::Receiver<Post>,
    pub(super) commands: mpsc::Receiver<Command>,
}

/// A mailbox with its handle.
pub(super) fn mailbox() -> (Handle, Mailbox) {
    let (posts, posts_taken) = mpsc::channel(MAILBOX_MAX);
    let (commands, commands_taken) = mpsc::channel(MAILBOX_MAX);
    let mailbox = Mailbox {
        posts: posts_taken,
        commands: commands_taken,
    };
    (Handle { posts, commands }, mailbox)
}

/// Returns when the front shuts down, or is gone.
pub(super) async fn closed(closing: &mut watch::Receiver<bool>) {
    let _ = closing.wait_for(|is_closing| *is_closing).await;
}

/// How a session lives, for those who look for one that can be ended.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    used_at_ms: AtomicU64,
    is_idle: AtomicBool,
}

impl Pulse {
    pub(super) fn beat(&self, used_at_ms: u64, is_idle: bool) {
        self.used_at_ms.store(used_at_ms, Ordering::Relaxed);
        self.is_idle.store(is_idle, Ordering::Relaxed);
    }

    /// When it was last used, where nothing uses it now.
    pub(super) fn idle_since_ms(&self) -> Option<u64> {
        let is_idle = self.is_idle.load(Ordering::Relaxed);
        is_idle.then(|| self.used_at_ms.load(Ordering::Relaxed))
    }
}
