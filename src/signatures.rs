//! The library that verifies signatures of tokens.

use crate::engine::identity::jwt::Signatures;

/// The library that this build has; `None` where the `gateway` feature is off.
#[must_use]
pub fn library() -> Option<&'static dyn Signatures> {
    None
}
