//! The compiled, immutable configuration.

/// The compiled, immutable configuration.
#[derive(Debug)]
pub struct Snapshot;
