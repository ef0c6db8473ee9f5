//! The compiled, immutable configuration.
