//! The members of every open object, so that a second one of the same name is noticed at any depth.
//!
//! Few members are compared one by one as they come; many are sorted once when their object closes, so the cost of an object
//! is O(n log n) whatever names a peer invents (a hash table could be flooded). The first [`INLINE`] open members need no
//! allocation.

use std::cmp::Ordering;

use super::strings::{Str, decoded};
use crate::engine::mcp::limits::KEYS_COMPARED_MAX;

/// Open members held without allocating.
const INLINE: usize = 32;

/// A stack of member names; each open object owns the part from its mark on.
pub(crate) struct Keys {
    few: [Str; INLINE],
    few_len: usize,
    /// Holds everything once `few` has overflowed, until the stack is empty again.
    many: Vec<Str>,
    /// Whether any name so far was written with escapes, so that bytes alone do not tell names apart.
    saw_escapes: bool,
}

impl Keys {
    pub(crate) fn new() -> Self {
        Self {
            few: [Str::default(); INLINE],
            few_len: 0,
            many: Vec::new(),
            saw_escapes: false,
        }
    }

    /// Where the members of an object that opens now begin.
    pub(crate) fn mark(&self) -> usize {
        if self.many.is_empty() {
            self.few_len
        } else {
            self.many.len()
        }
    }

    /// Opens an object inside the one at `mark`; returns the mark of the new one.
    #[inline]
    pub(crate) fn open(&mut self, mark: usize) -> usize {
        self.push(Str::word(mark));
        self.mark()
    }

    /// Closes the object at `mark` that [`Keys::open`] opened; returns the mark of the one around it, or `None` where the
    /// object turns out to have had a member twice.
    #[inline]
    pub(crate) fn close_inner(&mut self, text: &str, mark: usize) -> Option<usize> {
        let fresh = self.close(text, mark);
        let outer = self.all()[mark - 1].to_word();
        self.truncate(mark - 1);
        fresh.then_some(outer)
    }

    /// Adds a member of the object at `mark`; false where the object is known to have it already.
    #[inline]
    pub(crate) fn add(&mut self, text: &str, mark: usize, key: Str) -> bool {
        self.saw_escapes |= key.is_escaped();
        let open = &self.all()[mark..];
        let fresh = open.len() >= KEYS_COMPARED_MAX || !self.has(text, open, key);
        self.push(key);
        fresh
    }

    #[inline]
    fn has(&self, text: &str, open: &[Str], key: Str) -> bool {
        if self.saw_escapes {
            return open.iter().any(|other| compare(text, *other, key).is_eq());
        }
        let name = key.bytes(text);
        open.iter()
            .any(|other| other.len() == name.len() && other.bytes(text) == name)
    }

    /// Forgets the members of the object at `mark`; false where it turns out to have had one twice.
    #[inline]
    pub(crate) fn close(&mut self, text: &str, mark: usize) -> bool {
        let fresh = self.all().len() - mark <= KEYS_COMPARED_MAX || self.all_differ(text, mark);
        self.truncate(mark);
        fresh
    }

    #[cold]
    fn all_differ(&mut self, text: &str, mark: usize) -> bool {
        let open = match self.many.is_empty() {
            true => &mut self.few[mark..self.few_len],
            false => &mut self.many[mark..],
        };
        open.sort_unstable_by(|left, right| compare(text, *left, *right));
        open.windows(2)
            .all(|pair| compare(text, pair[0], pair[1]).is_ne())
    }

    #[inline]
    fn all(&self) -> &[Str] {
        if self.many.is_empty() {
            &self.few[..self.few_len]
        } else {
            &self.many
        }
    }

    #[inline]
    fn push(&mut self, key: Str) {
        if self.many.is_empty() && self.few_len < INLINE {
            self.few[self.few_len] = key;
            self.few_len += 1;
        } else {
            self.spill(key);
        }
    }

    #[cold]
    fn spill(&mut self, key: Str) {
        if self.many.is_empty() {
            self.many.extend_from_slice(&self.few);
        }
        self.many.push(key);
    }

    #[inline]
    fn truncate(&mut self, mark: usize) {
        // An emptied `many` hands back to `few`, so `few_len` has to follow it down to zero.
        self.few_len = self.few_len.min(mark);
        self.many.truncate(mark);
    }
}

/// Orders by decoded value. UTF-8 sorts as its characters do, so both ways of comparing give one order.
fn compare(text: &str, left: Str, right: Str) -> Ordering {
    let (raw_left, raw_right) = (left.raw(text), right.raw(text));
    if left.is_escaped() || right.is_escaped() {
        decoded(raw_left).cmp(decoded(raw_right))
    } else {
        raw_left.cmp(raw_right)
    }
}
