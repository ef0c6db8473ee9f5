//! Tokens of JSON at a position in a text.

use super::strings::{Spelling, Str, find_special};
use super::syntax::Syntax;
use crate::engine::span::Span;

/// A position in a text, moving forward only. After an error it stands where the fault is.
///
/// What is rare takes a copy and hands back the position, so that a loop over common tokens keeps it in a register.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    surrogates: Surrogates,
}

/// What becomes of an escape of half a surrogate pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surrogates {
    /// It is refused.
    Refused,
    /// It passes, and the string is marked as [`Spelling::Broken`]: JavaScript and Python servers write it where they cut a
    /// text inside an emoji.
    Marked,
}

/// What a number looks like; its value is nobody's business here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    /// Digits, perhaps with a minus sign.
    Integer,
    /// `-0`, which readers turn into an integer or into a float.
    NegativeZero,
    /// With a fraction or an exponent.
    Real,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(text: &'a str, surrogates: Surrogates) -> Self {
        Self {
            text,
            at: 0,
            surrogates,
        }
    }

    pub(crate) const fn text(&self) -> &'a str {
        self.text
    }

    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over the byte that [`Cursor::token`] showed.
    #[inline(always)]
    pub(crate) const fn bump(&mut self) {
        self.at += 1;
    }

    /// The first byte of the next token, after any white space.
    #[inline(always)]
    pub(crate) fn token(&mut self) -> Result<u8, Syntax> {
        while let Some(byte) = self.peek() {
            if byte > b' ' || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Ok(byte);
            }
            self.at += 1;
        }
        Err(Syntax::Truncated)
    }

    /// Steps over the next token, which must be `byte`.
    #[inline(always)]
    pub(crate) fn expect(&mut self, byte: u8) -> Result<(), Syntax> {
        if self.token()? != byte {
            return Err(Syntax::UnexpectedByte);
        }
        self.at += 1;
        Ok(())
    }

    /// Whether only white space is left.
    pub(crate) fn finish(&mut self) -> Result<(), Syntax> {
        match self.token() {
            Err(Syntax::Truncated) => Ok(()),
            _ => Err(Syntax::TrailingBytes),
        }
    }

    /// Reads a string whose opening quote is the current byte.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Result<Str, Syntax> {
        let start = self.at + 1;
        self.at = find_special(self.text.as_bytes(), start);
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Str::new(Span::new(start, self.at - 1), Spelling::Plain));
        }
        let (at, string) = self.string_from(start);
        self.at = at;
        string
    }

    #[cold]
    #[inline(never)]
    fn string_from(mut self, start: usize) -> (usize, Result<Str, Syntax>) {
        let string = self.string_with_escapes(start);
        (self.at, string)
    }

    fn string_with_escapes(&mut self, start: usize) -> Result<Str, Syntax> {
        let mut spelling = Spelling::Escaped;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape(&mut spelling)?,
                Some(_) => return Err(Syntax::ControlInString),
                None => return Err(Syntax::Truncated),
            }
            self.at = find_special(self.text.as_bytes(), self.at);
        }
        self.at += 1;
        Ok(Str::new(Span::new(start, self.at - 1), spelling))
    }

    fn escape(&mut self, spelling: &mut Spelling) -> Result<(), Syntax> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') if self.unicode_escape()? => {}
            Some(b'u') if self.surrogates == Surrogates::Marked => *spelling = Spelling::Broken,
            Some(b'u') => return Err(Syntax::LoneSurrogate),
            Some(_) => return Err(Syntax::BadEscape),
            None => return Err(Syntax::Truncated),
        }
        Ok(())
    }

    /// Reads `uXXXX` and the second half of a pair; false where there is half a pair only.
    fn unicode_escape(&mut self) -> Result<bool, Syntax> {
        match self.hex4()? {
            0xDC00..=0xDFFF => Ok(false),
            0xD800..=0xDBFF => self.low_surrogate(),
            _ => Ok(true),
        }
    }

    fn low_surrogate(&mut self) -> Result<bool, Syntax> {
        let high_end = self.at;
        if self.text.as_bytes().get(self.at..self.at + 2) != Some(b"\\u") {
            return Ok(false);
        }
        self.at += 1;
        let is_pair = matches!(self.hex4()?, 0xDC00..=0xDFFF);
        if !is_pair {
            // What follows is an escape of its own.
            self.at = high_end;
        }
        Ok(is_pair)
    }

    /// Reads `uXXXX` from the `u` on.
    fn hex4(&mut self) -> Result<u16, Syntax> {
        let digits = self
            .text
            .as_bytes()
            .get(self.at + 1..self.at + 5)
            .ok_or(Syntax::Truncated)?;
        let value = digits.iter().try_fold(0_u16, |value, byte| {
            let digit = char::from(*byte).to_digit(16).ok_or(Syntax::BadEscape)?;
            Ok(value << 4 | digit as u16)
        })?;
        self.at += 5;
        Ok(value)
    }

    /// Reads a number whose first byte, a digit or a minus sign, is the current byte.
    #[inline(always)]
    pub(crate) fn number(&mut self) -> Result<Number, Syntax> {
        let (at, number) = self.number_from();
        self.at = at;
        number
    }

    #[inline(never)]
    fn number_from(mut self) -> (usize, Result<Number, Syntax>) {
        let number = self.any_number();
        (self.at, number)
    }

    fn any_number(&mut self) -> Result<Number, Syntax> {
        let is_negative = self.skip_if(b'-');
        let is_zero = self.peek() == Some(b'0');
        self.integer_part()?;
        let has_fraction = self.skip_if(b'.');
        if has_fraction {
            self.digits()?;
        }
        let has_exponent = self.skip_if(b'e') || self.skip_if(b'E');
        if has_exponent {
            let _ = self.skip_if(b'+') || self.skip_if(b'-');
            self.digits()?;
        }
        Ok(
            match (has_fraction || has_exponent, is_negative && is_zero) {
                (true, _) => Number::Real,
                (false, true) => Number::NegativeZero,
                (false, false) => Number::Integer,
            },
        )
    }

    fn integer_part(&mut self) -> Result<(), Syntax> {
        if self.skip_if(b'0') {
            // A second digit is an octal number to some readers and an error to others.
            return if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                Err(Syntax::BadNumber)
            } else {
                Ok(())
            };
        }
        self.digits()
    }

    fn digits(&mut self) -> Result<(), Syntax> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start {
            Err(Syntax::BadNumber)
        } else {
            Ok(())
        }
    }

    #[inline]
    fn skip_if(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Reads `true`, `false` or `null`.
    #[inline(always)]
    pub(crate) fn literal(&mut self) -> Result<(), Syntax> {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += match rest {
            [b't', b'r', b'u', b'e', ..] | [b'n', b'u', b'l', b'l', ..] => 4,
            [b'f', b'a', b'l', b's', b'e', ..] => 5,
            _ => return Err(not_a_literal(rest)),
        };
        Ok(())
    }
}

#[cold]
fn not_a_literal(rest: &[u8]) -> Syntax {
    let is_cut = ["true", "false", "null"]
        .iter()
        .any(|word| word.as_bytes().starts_with(rest));
    if is_cut {
        Syntax::Truncated
    } else {
        Syntax::UnexpectedByte
    }
}
