//! JSON strings: finding their end eight bytes at a time, and decoding what is escaped.

use std::borrow::Cow;
use std::str::Chars;

use crate::engine::span::Span;

/// A string token: what lies between the quotes, and how it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Str {
    inner: Span,
    spelling: Spelling,
}

/// How a string is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// Its bytes are its value.
    #[default]
    Plain,
    /// With escapes.
    Escaped,
    /// With an escape of half a surrogate pair: it has no value that all readers agree on.
    Broken,
}

impl Str {
    pub(crate) const fn new(inner: Span, spelling: Spelling) -> Self {
        Self { inner, spelling }
    }

    /// Between the quotes.
    pub(crate) const fn inner(self) -> Span {
        self.inner
    }

    /// With the quotes.
    pub(crate) const fn quoted(self) -> Span {
        Span::new(self.inner.start() - 1, self.inner.end() + 1)
    }

    pub(crate) const fn is_escaped(self) -> bool {
        !matches!(self.spelling, Spelling::Plain)
    }

    /// What is written between the quotes.
    pub(crate) fn raw(self, text: &str) -> &str {
        &text[self.inner.range()]
    }

    /// The value; `None` where it has none that all readers agree on.
    pub(crate) fn value(self, text: &str) -> Option<Cow<'_, str>> {
        let raw = self.raw(text);
        match self.spelling {
            Spelling::Plain => Some(Cow::Borrowed(raw)),
            Spelling::Escaped => Some(Cow::Owned(decoded(raw).collect())),
            Spelling::Broken => None,
        }
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The first quote, backslash or control character at or after `at`, or the end of `bytes`.
#[inline]
pub(crate) fn find_special(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let found = specials(u64::from_le_bytes(*word));
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| !is_special(*byte)) {
        at += 1;
    }
    at
}

/// The high bit of each byte of `word` that is special. Bits above the lowest set one may be wrong: a borrow travels upwards.
const fn specials(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let is_quote = quote.wrapping_sub(ONES) & !quote;
    let is_backslash = backslash.wrapping_sub(ONES) & !backslash;
    let is_control = word.wrapping_sub(ONES * 0x20) & !word;
    (is_quote | is_backslash | is_control) & HIGHS
}

const fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..=0x1F)
}

/// The characters that `raw`, the inside of a string that [`Cursor::string`](super::Cursor::string) accepted, stands for.
pub(crate) fn decoded(raw: &str) -> Decoded<'_> {
    Decoded { rest: raw.chars() }
}

/// Iterator of [`decoded`].
pub(crate) struct Decoded<'a> {
    rest: Chars<'a>,
}

impl Iterator for Decoded<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match self.rest.next()? {
            '\\' => Some(self.escape()),
            plain => Some(plain),
        }
    }
}

impl Decoded<'_> {
    fn escape(&mut self) -> char {
        match self.rest.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => self.unicode(),
            Some(itself) => itself,
            None => char::REPLACEMENT_CHARACTER,
        }
    }

    fn unicode(&mut self) -> char {
        let mut value = self.hex4();
        if (0xD800..0xDC00).contains(&value) && self.rest.as_str().starts_with("\\u") {
            self.rest.nth(1);
            value = 0x1_0000 + ((value & 0x3FF) << 10 | self.hex4() & 0x3FF);
        }
        char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> u32 {
        self.rest
            .by_ref()
            .take(4)
            .filter_map(|digit| digit.to_digit(16))
            .fold(0, |value, digit| value << 4 | digit)
    }
}
