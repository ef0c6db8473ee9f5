//! How a worker wakes the control thread.

use tokio::sync::Notify;

/// Wakes the control thread. Rings that arrive before it listens are merged into one, never lost.
///
/// Cost: one system call when control sleeps, so workers ring for events that are rare (a lane a quarter full, a drained
/// worker), never once a request.
#[derive(Debug, Default)]
pub struct Doorbell(Notify);

impl Doorbell {
    /// Wakes control now, or makes its next wait return at once. Callable from any thread, waits for nothing.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits for the next ring. For the control thread alone; safe to drop and call again.
    pub async fn rung(&self) {
        self.0.notified().await;
    }
}
