//! Half-open byte ranges into a message, small enough to keep and free of lifetimes.

use std::ops::Range;

/// A half-open range `start..end` of bytes in a buffer that somebody else holds.
///
/// Spans let the scanner describe a message without borrowing it, so that the description may outlive an `await` while the
/// connection still owns its buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// A span over `start..end`, in bytes. `start` must not exceed `end`.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end && end <= u32::MAX as usize);
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    /// The span of `part` inside `base`, or `None` where `part` does not lie within it.
    #[must_use]
    pub fn within(base: &[u8], part: &[u8]) -> Option<Self> {
        let start = (part.as_ptr() as usize).checked_sub(base.as_ptr() as usize)?;
        let end = start.checked_add(part.len())?;
        (end <= base.len()).then(|| Self::new(start, end))
    }

    /// The bytes of `buffer` that this span names. Panics where the buffer is shorter than the one that was scanned.
    #[must_use]
    pub fn of(self, buffer: &[u8]) -> &[u8] {
        &buffer[self.range()]
    }

    /// The same span moved right by `offset` bytes.
    #[must_use]
    pub const fn shifted(self, offset: usize) -> Self {
        Self::new(self.start as usize + offset, self.end as usize + offset)
    }

    /// As a standard range.
    #[must_use]
    pub const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// First byte.
    #[must_use]
    pub const fn start(self) -> usize {
        self.start as usize
    }

    /// One past the last byte.
    #[must_use]
    pub const fn end(self) -> usize {
        self.end as usize
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

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn a_part_is_found_within_its_base_and_nowhere_else() {
        let base = b"hello world";
        let span = Span::within(base, &base[6..]);
        assert_eq!(span, Some(Span::new(6, 11)));
        assert_eq!(span.map(|span| span.of(base)), Some(&b"world"[..]));
        let elsewhere = *b"world";
        assert_eq!(Span::within(&base[..6], &elsewhere), None);
    }
}
