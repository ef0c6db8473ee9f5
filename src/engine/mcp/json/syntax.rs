//! What can be wrong with JSON.

use std::fmt;

/// Why a text is not the JSON that is accepted here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// It ends inside a value.
    Truncated,
    /// A byte that the grammar does not allow here.
    UnexpectedByte,
    /// Bytes after the document.
    TrailingBytes,
    /// An unescaped control character in a string.
    ControlInString,
    /// An escape that JSON does not have.
    BadEscape,
    /// A `\u` escape of half a surrogate pair.
    LoneSurrogate,
    /// A number that JSON does not have.
    BadNumber,
    /// Nesting beyond the bound.
    TooDeep,
    /// An object that has a member twice.
    DuplicateMember,
}

impl fmt::Display for Syntax {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Truncated => "json ends inside a value",
            Self::UnexpectedByte => "json has an unexpected byte",
            Self::TrailingBytes => "json is followed by further bytes",
            Self::ControlInString => "json string holds an unescaped control character",
            Self::BadEscape => "json string holds an unknown escape",
            Self::LoneSurrogate => "json string holds half a surrogate pair",
            Self::BadNumber => "json number is malformed",
            Self::TooDeep => "json is nested too deeply",
            Self::DuplicateMember => "json object has a member twice",
        })
    }
}

impl std::error::Error for Syntax {}
