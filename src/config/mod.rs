//! Configuration: file → tree with positions → validated model → compiled snapshot.
//!
//! Read [`load`] first, then [`model::Config`]. The world outside (environment, files, time) comes in as arguments; only
//! [`System`] touches it. **Invariant:** a configuration that cannot be understood is refused whole, with every error at
//! once; no key is silently ignored.

mod compile;
mod diagnostic;
mod edit;
mod from_toml;
mod from_yaml;
mod load;
pub mod model;
mod overrides;
mod problem;
mod read;
pub mod schema;
mod secret;
mod surroundings;
mod system;
mod tree;
pub mod units;
mod url;

#[cfg(test)]
mod tests;

pub use compile::{Finding, compile};
pub use diagnostic::Diagnostic;
pub use edit::{EditError, NewKey};
pub use load::{Format, Loaded, Places, Refused, load};
pub use model::{Config, Workers};
pub use overrides::Overrides;
pub use problem::{Problem, Severity, TlsProblem};
pub use secret::Secret;
pub use surroundings::{FileText, Fixed, Surroundings};
pub use system::System;
pub use tree::Position;
#[cfg(feature = "gateway")]
pub(crate) use url::parse_fetch;
