//! `application/x-www-form-urlencoded`, as queries and bodies of OAuth requests use it: read in one way or not at all.

use std::borrow::Cow;
use std::fmt;

use zeroize::Zeroize as _;

use super::fault::{OAuthCode, OAuthFault};
use crate::engine::limits::{OAUTH_FORM_BYTES_MAX, OAUTH_PARAMETERS_MAX};

/// The one parameter that may be there several times (RFC 8707 §2).
const REPEATABLE: &str = "resource";

/// The parameters of a request, each at most once (RFC 6749 §3.1) save `resource` (RFC 8707 §2).
///
/// `Debug` shows names alone: values may be secrets, and what was decoded of them is wiped when this is dropped.
#[derive(Default)]
pub struct Form<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// Why parameters are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormError {
    /// One that may be there once is there twice.
    Repeated,
    /// Longer than [`OAUTH_FORM_BYTES_MAX`], or with more than [`OAUTH_PARAMETERS_MAX`] parameters.
    TooLong,
    /// Not UTF-8, an escape that is none, or a control character.
    NotText,
}

impl FormError {
    /// What the client is told.
    #[must_use]
    pub const fn fault(self) -> OAuthFault {
        let description = match self {
            Self::Repeated => "a parameter is repeated",
            Self::TooLong => "parameters are too long or too many",
            Self::NotText => "parameters are not text",
        };
        OAuthFault::new(OAuthCode::InvalidRequest, description)
    }
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeated => f.write_str(self.fault().description),
            Self::TooLong => write!(
                f,
                "parameters are too long or too many; limits are {OAUTH_FORM_BYTES_MAX} bytes and {OAUTH_PARAMETERS_MAX}"
            ),
            Self::NotText => f.write_str(self.fault().description),
        }
    }
}

impl std::error::Error for FormError {}

impl<'a> Form<'a> {
    /// Reads `text`: printable ASCII in which `+` and `%` stand for what they do in forms, UTF-8 without control characters once
    /// decoded. Errors: each variant of [`FormError`]. O(bytes + parameters²), both bounded.
    pub fn parse(text: &'a [u8]) -> Result<Self, FormError> {
        if text.len() > OAUTH_FORM_BYTES_MAX {
            return Err(FormError::TooLong);
        }
        let text = std::str::from_utf8(text).map_err(|_| FormError::NotText)?;
        let mut form = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            form.add(decode(name)?, decode(value)?)?;
        }
        Ok(form)
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

    fn add(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) -> Result<(), FormError> {
        if self.pairs.len() == OAUTH_PARAMETERS_MAX {
            return Err(FormError::TooLong);
        }
        if name != REPEATABLE && self.pairs.iter().any(|(found, _)| *found == name) {
            return Err(FormError::Repeated);
        }
        self.pairs.push((name, value));
        Ok(())
    }
}

impl Drop for Form<'_> {
    fn drop(&mut self) {
        for (_, value) in &mut self.pairs {
            if let Cow::Owned(value) = value {
                value.zeroize();
            }
        }
    }
}

impl fmt::Debug for Form<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.pairs.iter().map(|(name, _)| name);
        f.debug_set().entries(names).finish()
    }
}

/// What `text`, a name or a value as it is written, stands for. Also the parts of Basic credentials (RFC 6749 §2.3.1).
pub(super) fn decode(text: &str) -> Result<Cow<'_, str>, FormError> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(FormError::NotText);
    }
    if !text.contains(['+', '%']) {
        return Ok(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = take_byte(rest)? {
        decoded.push(byte);
        rest = after;
    }
    let decoded = String::from_utf8(decoded).map_err(|_| FormError::NotText)?;
    if decoded.contains(char::is_control) {
        return Err(FormError::NotText);
    }
    Ok(Cow::Owned(decoded))
}

/// The first byte that `text` stands for, and what follows it.
fn take_byte(text: &[u8]) -> Result<Option<(u8, &[u8])>, FormError> {
    Ok(match text {
        [] => None,
        [b'+', rest @ ..] => Some((b' ', rest)),
        [b'%', high, low, rest @ ..] => Some((hex(*high)? << 4 | hex(*low)?, rest)),
        [b'%', ..] => return Err(FormError::NotText),
        [byte, rest @ ..] => Some((*byte, rest)),
    })
}

fn hex(digit: u8) -> Result<u8, FormError> {
    let value = char::from(digit).to_digit(16).ok_or(FormError::NotText)?;
    u8::try_from(value).map_err(|_| FormError::NotText)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Form, FormError, OAUTH_FORM_BYTES_MAX, OAUTH_PARAMETERS_MAX};

    #[test]
    fn a_form_is_read_in_one_way() {
        for (text, name, expected) in [
            ("a=b", "a", Some("b")),
            ("a=b+c%20d%2B", "a", Some("b c d+")),
            ("a=b=c", "a", Some("b=c")),
            ("%61=b", "a", Some("b")),
            ("a=%C3%a9", "a", Some("é")),
            ("&&a=b&", "a", Some("b")),
            ("a=;b", "a", Some(";b")),
            ("a=", "a", None),
            ("a", "a", None),
            ("A=b", "a", None),
            ("", "a", None),
        ] {
            let form = Form::parse(text.as_bytes()).unwrap();
            assert_eq!(form.value(name), expected, "{text}");
        }
    }

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_refused() {
        let rows: [(&[u8], FormError); 18] = [
            (b"a=b&a=c", FormError::Repeated),
            (b"a=b&a=b", FormError::Repeated),
            (b"a=&a=b", FormError::Repeated),
            (b"a&a=b", FormError::Repeated),
            (b"a=b&%61=b", FormError::Repeated),
            (b"Resource=b&Resource=c", FormError::Repeated),
            (b"a=%", FormError::NotText),
            (b"a=%4", FormError::NotText),
            (b"a=%4g", FormError::NotText),
            (b"a=%+1", FormError::NotText),
            (b"a=%ff", FormError::NotText),
            (b"a=%C3", FormError::NotText),
            (b"a=%00", FormError::NotText),
            (b"a=%0d%0aSet-Cookie:x", FormError::NotText),
            (b"a=%C2%85", FormError::NotText),
            (b"a=b c", FormError::NotText),
            (b"a=\xff", FormError::NotText),
            ("a=é".as_bytes(), FormError::NotText),
        ];
        for (text, expected) in rows {
            assert_eq!(Form::parse(text).unwrap_err(), expected, "{text:?}");
        }
    }

    #[test]
    fn resource_alone_may_be_repeated() {
        let form = Form::parse(b"resource=a&x=1&resource=b&resource=").unwrap();
        assert_eq!(form.values("resource").collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn forms_have_bounds() {
        let long = |bytes: usize| format!("a={}", "b".repeat(bytes - 2));
        assert!(Form::parse(long(OAUTH_FORM_BYTES_MAX).as_bytes()).is_ok());
        let too_long = long(OAUTH_FORM_BYTES_MAX + 1);
        assert_eq!(
            Form::parse(too_long.as_bytes()).unwrap_err(),
            FormError::TooLong
        );
        let many = |count: usize| (0..count).map(|n| format!("p{n}=1&")).collect::<String>();
        assert!(Form::parse(many(OAUTH_PARAMETERS_MAX).as_bytes()).is_ok());
        let too_many = many(OAUTH_PARAMETERS_MAX + 1);
        assert_eq!(
            Form::parse(too_many.as_bytes()).unwrap_err(),
            FormError::TooLong
        );
    }

    #[test]
    fn values_are_not_shown() {
        let form = Form::parse(b"client_secret=hunter%32").unwrap();
        let shown = format!("{form:?}");
        assert!(
            shown.contains("client_secret") && !shown.contains("hunter"),
            "{shown}"
        );
    }
}
