//! What is cut out of a message and what is put in.

use super::Outcome;
use crate::engine::span::Span;

/// Changes to a message, each to its own part of it.
#[derive(Debug, Default)]
pub(super) struct Edits {
    edits: Vec<Edit>,
    removed: usize,
}

#[derive(Clone, Copy, Debug)]
struct Edit {
    span: Span,
    replacement: &'static str,
}

impl Edits {
    /// Puts `replacement` in place of `span`.
    pub(super) fn replace(&mut self, span: Span, replacement: &'static str) {
        self.edits.push(Edit { span, replacement });
    }

    /// Puts `text` before the byte at `at`.
    pub(super) fn insert(&mut self, at: usize, text: &'static str) {
        self.replace(Span::new(at, at), text);
    }

    /// Cuts `span`, which holds `items` items.
    pub(super) fn remove(&mut self, span: Span, items: usize) {
        self.replace(span, "");
        self.removed += items;
    }

    /// Appends `text` with the changes made to `out`, unless there are none.
    pub(super) fn apply(mut self, text: &str, out: &mut Vec<u8>) -> Outcome {
        if self.edits.is_empty() {
            return Outcome::Unchanged;
        }
        // Stable: what is inserted at one place keeps its order.
        self.edits.sort_by_key(|edit| edit.span.start());
        out.reserve(
            text.len()
                + self
                    .edits
                    .iter()
                    .map(|edit| edit.replacement.len())
                    .sum::<usize>(),
        );
        let mut copied = 0;
        for Edit { span, replacement } in self.edits {
            out.extend_from_slice(&text.as_bytes()[copied..span.start()]);
            out.extend_from_slice(replacement.as_bytes());
            copied = span.end();
        }
        out.extend_from_slice(&text.as_bytes()[copied..]);
        Outcome::Rewritten {
            removed: self.removed,
        }
    }
}
