//! Strict JSON, read in place (RFC 8259): the grammar shared by the scanner of requests and the filter of answers.
//!
//! `Cursor` knows tokens, `Reader` knows objects and arrays whose members matter, `pass` reads over the rest, `Keys` remembers the members of the
//! objects that are open. None of them copies, converts a number or builds a tree.
//!
//! **Invariant:** the text is valid UTF-8 before the first token is read, and every span ends at an ASCII byte.

mod cursor;
mod keys;
mod members;
mod pass;
mod reader;
mod strings;
mod syntax;

pub(crate) use cursor::Number;
pub(crate) use members::{members, string_at};
pub(crate) use reader::Reader;
pub(crate) use strings::{Str, TEXT_BYTES_MAX, decoded, find_special};
pub use syntax::Syntax;

#[cfg(test)]
mod tests;
