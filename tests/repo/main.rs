//! The repository against itself: what the documents say is there, and what must not be there is not.
//!
//! Nothing here starts a process but `git ls-files`. A document that names a test, a symbol, a status, a bound or a file is
//! held to it, so that moving code without its documents goes red.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod files;

mod changelog;
mod failures;
mod hygiene;
mod links;
mod lists;
mod shipped;
mod symbols;
mod test_names;
