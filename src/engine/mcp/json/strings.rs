//! JSON strings: finding their end sixteen bytes at a time, and decoding what is escaped.

use std::borrow::Cow;
use std::str::Chars;

use wide::u8x16;

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

    /// A number kept among strings.
    pub(crate) const fn word(value: usize) -> Self {
        Self {
            start: value as u32,
            length_and_spelling: 0,
        }
    }

    /// The number of [`Str::word`].
    pub(crate) const fn to_word(self) -> usize {
        self.start as usize
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
#[inline(always)]
pub(crate) fn find_special(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let found = specials(u8x16::new(*block));
        if found != 0 {
            return at + found.trailing_zeros() as usize;
        }
        at += block.len();
    }
    while bytes.get(at).is_some_and(|byte| !is_special(*byte)) {
        at += 1;
    }
    at
}

/// A bit for each byte of `block` that is special.
#[inline(always)]
fn specials(block: u8x16) -> u32 {
    let is_quote = block.simd_eq(u8x16::splat(b'"'));
    let is_backslash = block.simd_eq(u8x16::splat(b'\\'));
    let is_control = block.simd_eq(block.min(u8x16::splat(0x1F)));
    (is_quote | is_backslash | is_control).to_bitmask()
}

const fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..=0x1F)
}

/// The characters that `raw`, the inside of a string that a cursor accepted, stands for.
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
