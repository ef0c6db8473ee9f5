//! Byte buffers that a worker uses again and again.

use std::{
    cell::{Cell, RefCell},
    fmt, io,
    ops::Deref,
};

use crate::limits::{BUFFER_CLASSES_BYTES, BUFFERS_FREE_MAX};

const CLASSES: usize = BUFFER_CLASSES_BYTES.len();

thread_local! {
    static FREE: FreeLists = const { FreeLists::new() };
}

/// A growable queue of bytes: appended at the back, consumed at the front.
///
/// Its memory comes from the worker's pool, in one of [`BUFFER_CLASSES_BYTES`], and goes back there on drop; beyond the
/// largest class it is allocated and freed. An empty buffer made by [`Buffer::new`] holds no memory.
#[derive(Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    /// How many bytes at the front are consumed.
    start: usize,
}

impl Buffer {
    /// Makes a buffer that holds no memory until something is put into it.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            start: 0,
        }
    }

    /// Makes an empty buffer with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            bytes: take(capacity),
            start: 0,
        }
    }

    /// How many bytes fit into the memory held, consumed ones included.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// How many bytes can be appended before memory is moved.
    #[must_use]
    pub fn spare(&self) -> usize {
        self.bytes.capacity() - self.bytes.len()
    }

    /// Forgets the content and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.start = 0;
    }

    /// Forgets the content and gives the memory back to the pool.
    pub fn release(&mut self) {
        give_back(std::mem::take(&mut self.bytes));
        self.start = 0;
    }

    /// Makes room for `additional` more bytes: by moving the content to the front, or into a larger class.
    pub fn reserve(&mut self, additional: usize) {
        if self.spare() >= additional {
            return;
        }
        let needed = self.len().saturating_add(additional);
        if needed <= self.capacity() {
            self.compact();
        } else {
            self.move_up(needed);
        }
    }

    fn move_up(&mut self, needed: usize) {
        let mut larger = take(grown(self.capacity(), needed));
        larger.extend_from_slice(self);
        give_back(std::mem::replace(&mut self.bytes, larger));
        self.start = 0;
    }

    fn compact(&mut self) {
        if self.start > 0 {
            self.bytes.copy_within(self.start.., 0);
            self.bytes.truncate(self.bytes.len() - self.start);
            self.start = 0;
        }
    }

    /// Appends `bytes`.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// Consumes `count` bytes at the front, or all when there are fewer. Moves nothing.
    pub fn consume_front(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.bytes.len());
        if self.start == self.bytes.len() {
            self.clear();
        }
    }

    /// Keeps the first `len` bytes of the content.
    pub fn truncate(&mut self, len: usize) {
        self.bytes.truncate(self.start.saturating_add(len));
    }

    /// The content as a vector, for encoders that append to one. Consumed bytes are moved out of the way first.
    ///
    /// Reserve before a large append: a vector that grows by itself leaves the size classes and is not kept.
    pub fn as_mut_vec(&mut self) -> &mut Vec<u8> {
        self.compact();
        &mut self.bytes
    }

    /// The content, to be changed in place.
    pub(crate) fn content_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
    }

    /// The vector behind the content, for receiving into its spare capacity. The caller only appends.
    pub(crate) fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        give_back(std::mem::take(&mut self.bytes));
    }
}

/// Shows sizes only: buffers carry credentials.
impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish()
    }
}

/// The free memory of a thread, by class.
struct FreeLists {
    classes: [RefCell<Vec<Vec<u8>>>; CLASSES],
    allocated: Cell<u64>,
}

impl FreeLists {
    const fn new() -> Self {
        Self {
            classes: [const { RefCell::new(Vec::new()) }; CLASSES],
            allocated: Cell::new(0),
        }
    }

    fn take(&self, capacity: usize) -> Vec<u8> {
        let class = BUFFER_CLASSES_BYTES
            .iter()
            .position(|&bytes| bytes >= capacity);
        let free = class.and_then(|class| self.classes[class].borrow_mut().pop());
        free.unwrap_or_else(|| {
            self.allocated.set(self.allocated.get() + 1);
            Vec::with_capacity(class.map_or(capacity, |class| BUFFER_CLASSES_BYTES[class]))
        })
    }

    fn give_back(&self, mut bytes: Vec<u8>) {
        let Some(class) = BUFFER_CLASSES_BYTES
            .iter()
            .position(|&size| size == bytes.capacity())
        else {
            return;
        };
        let mut free = self.classes[class].borrow_mut();
        if free.len() < BUFFERS_FREE_MAX[class] {
            bytes.clear();
            free.push(bytes);
        }
    }
}

/// The capacity after `held` when `needed` is more. Beyond the classes it doubles: a buffer that grows by a read at a time
/// would be copied whole for each.
fn grown(held: usize, needed: usize) -> usize {
    match held < BUFFER_CLASSES_BYTES[CLASSES - 1] {
        true => needed,
        false => needed.max(held.saturating_mul(2)),
    }
}

fn take(capacity: usize) -> Vec<u8> {
    if capacity == 0 {
        return Vec::new();
    }
    FREE.try_with(|free| free.take(capacity))
        .unwrap_or_else(|_| Vec::with_capacity(capacity))
}

fn give_back(bytes: Vec<u8>) {
    // While the thread ends there is no pool any more, and the memory is freed.
    let _ = FREE.try_with(|free| free.give_back(bytes));
}

#[cfg(test)]
mod tests;
