//! Whether the fields of a call say what its arguments say (2026-07-28, Server Behavior for Custom Headers).

use std::fmt;

use super::{Param, ParamHeaders};
use crate::engine::mcp::json::{members, string_at};
use crate::engine::mcp::sentinel;
use crate::engine::span::Span;

/// Longest value of a field that is compared, in bytes: heads are bounded, so none that arrives is longer.
const VALUE_BYTES_MAX: usize = 64 * 1_024;

/// Integers up to this are the same to every reader.
const INTEGER_MAX: f64 = 9_007_199_254_740_991.0;

/// Why a call is refused beside its fields: 400 and −32020.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamMismatch {
    /// An argument is there and its field is not.
    Missing,
    /// A field is there and its argument is not.
    Unfounded,
    /// A field is there more than once.
    Repeated,
    /// A field that stands for no text.
    Malformed,
    /// A field that says something else than its argument.
    Different,
}

impl ParamMismatch {
    /// What the client is told. Repeats nothing that it sent.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Missing => "missing Mcp-Param header of an argument",
            Self::Unfounded => "Mcp-Param header of an argument that is not there",
            Self::Repeated => "repeated Mcp-Param header",
            Self::Malformed => "malformed Mcp-Param header",
            Self::Different => "Mcp-Param header does not match the argument",
        }
    }
}

impl fmt::Display for ParamMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for ParamMismatch {}

impl ParamHeaders {
    /// Checks `fields`, those of a call as `(name, value)`, against `arguments`, the JSON text of its arguments.
    ///
    /// Fields that no parameter has are not looked at. An argument that is missing or `null` has no field; one that is an
    /// object or array has none either, and it is the server's to refuse. Numbers are compared as numbers. O(parameters ×
    /// (fields + bytes of the arguments)). Errors: see [`ParamMismatch`].
    pub fn agree<'f>(
        &self,
        arguments: Option<&str>,
        fields: impl Iterator<Item = (&'f str, &'f [u8])> + Clone,
    ) -> Result<(), ParamMismatch> {
        self.params.iter().try_for_each(|param| {
            let value = arguments.and_then(|arguments| param.value(arguments));
            let mut values = fields
                .clone()
                .filter(|(name, _)| name.eq_ignore_ascii_case(&param.field))
                .map(|(_, value)| value);
            let field = values.next();
            if values.next().is_some() {
                return Err(ParamMismatch::Repeated);
            }
            match (value, field) {
                (None, None) => Ok(()),
                (None, Some(_)) => Err(ParamMismatch::Unfounded),
                (Some(_), None) => Err(ParamMismatch::Missing),
                (Some(value), Some(field)) => compare(value, field),
            }
        })
    }
}

impl Param {
    /// The token of the argument, where it is a string, number or boolean.
    pub(super) fn value<'a>(&self, arguments: &'a str) -> Option<&'a str> {
        let mut at = Span::new(0, arguments.len());
        for step in &self.path {
            let mut below = None;
            members(arguments, at, |name, value| {
                if name == &**step {
                    below = Some(value);
                }
            })
            .ok()?;
            at = below?;
        }
        let token = &arguments[at.range()];
        (!token.starts_with(['{', '[', 'n'])).then_some(token)
    }
}

fn compare(token: &str, field: &[u8]) -> Result<(), ParamMismatch> {
    let said = sentinel::decoded(field, VALUE_BYTES_MAX).ok_or(ParamMismatch::Malformed)?;
    let is_same = match token.as_bytes() {
        [b'"', ..] => string_at(token, Span::new(0, token.len())).is_some_and(|text| text == said),
        [b't' | b'f', ..] => token == said,
        _ => same_number(token, &said),
    };
    is_same.then_some(()).ok_or(ParamMismatch::Different)
}

fn same_number(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    if let (Ok(one), Ok(other)) = (one.parse::<i64>(), other.parse::<i64>()) {
        return one == other;
    }
    let (Some(one), Some(other)) = (number(one), number(other)) else {
        return false;
    };
    one == other && one.abs() <= INTEGER_MAX
}

/// The value of a number as JSON writes it.
fn number(text: &str) -> Option<f64> {
    let is_json = serde_json::from_str::<serde_json::Number>(text).is_ok();
    text.parse().ok().filter(|_| is_json)
}
