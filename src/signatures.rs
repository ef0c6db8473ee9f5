//! The library that verifies signatures of tokens.
//!
//! The engine knows it as [`Signatures`] alone, so that the engine is built and fuzzed without C. Read [`library`] first.

#[cfg(feature = "gateway")]
mod aws_lc;

use crate::engine::identity::jwt::Signatures;

/// The library that this build has; `None` where the `gateway` feature is off.
#[must_use]
pub fn library() -> Option<&'static dyn Signatures> {
    #[cfg(feature = "gateway")]
    return Some(&aws_lc::AwsLc);
    #[cfg(not(feature = "gateway"))]
    None
}

#[cfg(all(test, feature = "gateway"))]
mod tests;
