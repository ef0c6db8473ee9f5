//! Configuration: file → tree with positions → validated model → compiled snapshot.
//!
//! Read [`model::Config`] first. **Invariant:** a configuration that cannot be understood is refused whole, with every error
//! at once; no key is silently ignored.

pub mod model;
pub mod secret;

pub use model::Config;
pub use secret::Secret;
