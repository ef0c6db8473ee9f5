//! What all connections of the process hold for readers that are slow.
//!
//! Each answer is bounded, and so are connections, but not their product: somebody who asks for large answers on many
//! connections and reads none of them would have the gateway hold them all. Beyond the bound a reader that stands still is
//! given up soon.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes that may wait before patience ends.
pub(super) const BYTES_MAX: usize = 256 << 20;

/// Bytes that are being written now.
static BYTES: AtomicUsize = AtomicUsize::new(0);

/// Bytes that wait until this is dropped.
#[derive(Debug)]
pub(super) struct Waiting(usize);

impl Waiting {
    pub(super) fn of(bytes: usize) -> Self {
        BYTES.fetch_add(bytes, Relaxed);
        Self(bytes)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        BYTES.fetch_sub(self.0, Relaxed);
    }
}

/// Whether more waits than may.
pub(super) fn is_crowded() -> bool {
    BYTES.load(Relaxed) > BYTES_MAX
}
