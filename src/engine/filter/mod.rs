//! Lists of tools, prompts and resources, pruned to what the caller may use.
//!
//! An answer is read strictly and rewritten by copying slices: what stays keeps its bytes (unknown members, cursors, number
//! spelling, white space), what goes leaves with its comma. On 2026-07-28 the caching hints are set to what a filtered list
//! may claim. An answer that cannot be read is refused, never passed: the caller answers 502.
//!
//! **Invariant:** an item is shown exactly where [`Visibility`] shows its decoded name, and a name that no call could carry
//! (control characters, beyond its bound) is never shown.
//!
//! Read [`filter_message`] first; [`probe`] watches messages too large to hold. Source: 2026-07-28 server/utilities/caching
//! §Choosing a Cache Scope.

mod edits;
mod lists;
pub mod probe;
mod visible;

use std::fmt;

use crate::engine::mcp::json::{Reader, Syntax, TEXT_BYTES_MAX};
use crate::engine::mcp::limits::ANSWER_DEPTH_MAX;
use crate::engine::mcp::methods::ListKind;
use crate::engine::mcp::revision::Era;
use edits::Edits;

pub use visible::Visible;

/// What a caller may see. The same policy decides calls.
pub trait Visibility {
    /// Whether the item named `name` (for resources its URI, for templates the template) is shown.
    fn shows(&self, kind: ListKind, name: &str) -> bool;

    /// Whether every item of `kind` is shown, so that none needs to be asked about.
    fn shows_all(&self, kind: ListKind) -> bool;
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The message goes on as it came.
    Unchanged,
    /// The message in the output goes on instead.
    Rewritten {
        /// Items left out.
        removed: usize,
    },
}

/// Why an answer is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterError {
    /// More bytes than can be read; the bound on a list that is held lies far below.
    TooLong,
    /// Not UTF-8.
    InvalidUtf8,
    /// Not JSON, or a member twice where it decides.
    Syntax(Syntax),
    /// A member that some client would take for one that decides.
    LookAlikeMember,
    /// Neither a message nor a batch of messages.
    NotAMessage,
    /// A list that is no array.
    ListInvalid {
        /// Which list.
        kind: ListKind,
    },
    /// An item that is no object or has no name that all readers agree on.
    ItemInvalid {
        /// Of which list.
        kind: ListKind,
    },
}

impl From<Syntax> for FilterError {
    fn from(syntax: Syntax) -> Self {
        Self::Syntax(syntax)
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(out, "answer is longer than {TEXT_BYTES_MAX} bytes"),
            Self::InvalidUtf8 => out.write_str("answer is not utf-8"),
            Self::Syntax(syntax) => syntax.fmt(out),
            Self::LookAlikeMember => {
                out.write_str("answer has a member that looks like one that decides")
            }
            Self::NotAMessage => out.write_str("answer is not a message or a batch of messages"),
            Self::ListInvalid { kind } => write!(out, "answer's {} is not an array", kind.member()),
            Self::ItemInvalid { kind } => {
                write!(
                    out,
                    "answer's {} has an item without a valid {}",
                    kind.member(),
                    kind.item_name()
                )
            }
        }
    }
}

impl std::error::Error for FilterError {}

/// Prunes the lists in `message`, a JSON-RPC message or batch from an upstream, to what `visibility` shows.
///
/// Where the outcome is [`Outcome::Rewritten`] the new message has been appended to `out`; otherwise, and on an error, `out`
/// is as it was. Messages without a list in their result are checked and left alone. O(bytes), allocating a few words for
/// each run of items that is left out. Errors: see [`FilterError`].
pub fn filter_message(
    message: &[u8],
    era: Era,
    visibility: &impl Visibility,
    out: &mut Vec<u8>,
) -> Result<Outcome, FilterError> {
    if era == Era::Legacy && lists::KINDS.iter().all(|kind| visibility.shows_all(*kind)) {
        return Ok(Outcome::Unchanged);
    }
    if message.len() > TEXT_BYTES_MAX {
        return Err(FilterError::TooLong);
    }
    let text = simdutf8::basic::from_utf8(message).map_err(|_| FilterError::InvalidUtf8)?;
    let mut edits = Edits::default();
    let mut reader = Reader::lenient(text, ANSWER_DEPTH_MAX);
    lists::read_body(
        &mut reader,
        &mut lists::Pruning {
            era,
            visibility,
            edits: &mut edits,
        },
    )?;
    reader.cursor.finish()?;
    Ok(edits.apply(text, out))
}

#[cfg(test)]
mod tests;
