//! `application/x-www-form-urlencoded`, as queries and bodies of OAuth requests use it.

use std::borrow::Cow;
use std::fmt;

/// The parameters of a request, each at most once (RFC 6749 §3.1) save `resource` (RFC 8707 §2).
#[derive(Clone, Debug, Default)]
pub struct Form<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// Why parameters are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormError {
    /// One that may be there once is there twice.
    Repeated,
    /// Longer than a request may be, or with too many parameters.
    TooLong,
    /// Not UTF-8, or an escape that is none.
    NotText,
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repeated => "a parameter is repeated",
            Self::TooLong => "parameters are too long or too many",
            Self::NotText => "parameters are not text",
        })
    }
}

impl std::error::Error for FormError {}

impl<'a> Form<'a> {
    /// Reads `text`. Errors: each variant of [`FormError`].
    pub fn parse(text: &'a [u8]) -> Result<Self, FormError> {
        let pairs = form_urlencoded::parse(text).collect();
        Ok(Self { pairs })
    }

    /// The value of `name`. An empty one counts as absent (RFC 6749 §3.1).
    #[must_use]
    pub fn value<'s>(&'s self, name: &'s str) -> Option<&'s str> {
        self.values(name).next()
    }

    /// Every value of `name`.
    pub fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        let named = self.pairs.iter().filter(move |(found, _)| found == name);
        named
            .map(|(_, value)| &**value)
            .filter(|value| !value.is_empty())
    }

    /// Whether there are none at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}
