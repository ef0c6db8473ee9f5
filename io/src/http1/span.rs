//! Half-open byte ranges into a head, small and free of lifetimes.

use std::ops::Range;

/// A half-open range `start..end` of bytes, relative to the start of the buffer that was parsed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByteSpan {
    start: u32,
    end: u32,
}

impl ByteSpan {
    /// A span over `start..end`, in bytes; heads end below [`HEAD_BYTES_CEILING`](super::HEAD_BYTES_CEILING), so 32 bits hold it.
    pub(super) const fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end && end <= u32::MAX as usize);
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    /// The span of `part`, which must be a slice of `base`.
    #[inline]
    pub(super) fn within(base: &[u8], part: &[u8]) -> Self {
        let start = (part.as_ptr() as usize).wrapping_sub(base.as_ptr() as usize);
        debug_assert!(start <= base.len() && part.len() <= base.len() - start);
        Self::new(start, start + part.len())
    }

    /// The bytes of `buf` that this span names. Panics where `buf` is shorter than the buffer that was parsed.
    #[must_use]
    #[inline]
    pub fn of(self, buf: &[u8]) -> &[u8] {
        &buf[self.range()]
    }

    /// As a standard range.
    #[must_use]
    #[inline]
    pub const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Length in bytes.
    #[must_use]
    pub const fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether the span covers nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }
}
