//! JSON strings: finding their end eight bytes at a time, and decoding what is escaped.

use std::borrow::Cow;
use std::str::Chars;

use crate::engine::span::Span;

/// A string token: what lies between the quotes, and how it is written. One word, since members are kept by the dozen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Str {
    start: u32,
    /// Length in the low bits, [`Spelling`] in the highest two: a text is shorter than 1 GiB ([`TEXT_BYTES_MAX`]).
    length_and_spelling: u32,
}

/// The longest text that can be read, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = SPELLING_UNIT as usize - 1;

const SPELLING_UNIT: u32 = 1 << 30;

/// How a string is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Spelling {
    /// Its bytes are its value.
    Plain = 0,
    /// With escapes.
    Escaped = SPELLING_UNIT,
    /// With an escape of half a surrogate pair: it has no value that all readers agree on.
    Broken = 2 * SPELLING_UNIT,
}

impl Str {
    #[inline]
    pub(crate) const fn new(inner: Span, spelling: Spelling) -> Self {
        Self {
            start: inner.start() as u32,
            length_and_spelling: inner.len() as u32 | spelling as u32,
        }
    }

    /// Between the quotes.
    #[inline]
    pub(crate) const fn inner(self) -> Span {
        Span::new(self.start as usize, self.start as usize + self.len())
    }

    /// With the quotes.
    pub(crate) const fn quoted(self) -> Span {
        Span::new(
            self.start as usize - 1,
            self.start as usize + self.len() + 1,
        )
    }

    /// Bytes between the quotes.
    #[inline]
    pub(crate) const fn len(self) -> usize {
        (self.length_and_spelling % SPELLING_UNIT) as usize
    }

    #[inline]
    pub(crate) const fn is_escaped(self) -> bool {
        self.length_and_spelling >= SPELLING_UNIT
    }

    const fn is_broken(self) -> bool {
        self.length_and_spelling >= Spelling::Broken as u32
    }

    /// What is written between the quotes.
    pub(crate) fn raw(self, text: &str) -> &str {
        &text[self.inner().range()]
    }

    /// What is written between the quotes, as bytes.
    #[inline]
    pub(crate) fn bytes(self, text: &str) -> &[u8] {
        &text.as_bytes()[self.inner().range()]
    }

    /// The value; `None` where it has none that all readers agree on.
    pub(crate) fn value(self, text: &str) -> Option<Cow<'_, str>> {
        let raw = self.raw(text);
        match (self.is_escaped(), self.is_broken()) {
            (false, _) => Some(Cow::Borrowed(raw)),
            (true, false) => Some(Cow::Owned(decoded(raw).collect())),
            (true, true) => None,
        }
    }
}

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

const fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..=0x1F)
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The high bit of each byte of `word` that is special. Bits above the lowest set one may be wrong: a borrow travels upwards.
#[inline]
const fn specials(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let is_quote = quote.wrapping_sub(ONES) & !quote;
    let is_backslash = backslash.wrapping_sub(ONES) & !backslash;
    let is_control = word.wrapping_sub(ONES * 0x20) & !word;
    (is_quote | is_backslash | is_control) & HIGHS
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
