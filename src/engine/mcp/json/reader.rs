//! Objects and arrays, with their depth bounded and their members told apart.

use super::cursor::{Cursor, Surrogates};
use super::keys::Keys;
use super::pass::pass;
use super::strings::Str;
use super::syntax::Syntax;
use crate::engine::span::Span;

/// Reads one document, never deeper than `depth_max`.
pub(crate) struct Reader<'a> {
    pub(crate) cursor: Cursor<'a>,
    keys: Keys,
    depth: usize,
    depth_max: usize,
}

impl<'a> Reader<'a> {
    /// A reader of requests: halves of surrogate pairs are refused.
    pub(crate) fn strict(text: &'a str, depth_max: usize) -> Self {
        Self::new(Cursor::new(text, Surrogates::Refused), depth_max)
    }

    /// A reader of answers: halves of surrogate pairs pass in values.
    pub(crate) fn lenient(text: &'a str, depth_max: usize) -> Self {
        Self::new(Cursor::new(text, Surrogates::Marked), depth_max)
    }

    fn new(cursor: Cursor<'a>, depth_max: usize) -> Self {
        Self {
            cursor,
            keys: Keys::new(),
            depth: 0,
            depth_max,
        }
    }

    pub(crate) const fn text(&self) -> &'a str {
        self.cursor.text()
    }

    /// Reads the next value, refusing duplicate members at every depth.
    pub(crate) fn value(&mut self) -> Result<Span, Syntax> {
        self.spanned(Self::pass::<true>)
    }

    /// Reads the next value by the grammar alone.
    pub(crate) fn skip(&mut self) -> Result<Span, Syntax> {
        self.spanned(Self::pass::<false>)
    }

    /// Where `read` finds the next value.
    #[inline]
    fn spanned<E: From<Syntax>>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<Span, E> {
        self.cursor.token()?;
        let start = self.cursor.at();
        read(self)?;
        Ok(Span::new(start, self.cursor.at()))
    }

    #[inline]
    fn pass<const UNIQUE: bool>(&mut self) -> Result<(), Syntax> {
        match self.cursor.token()? {
            b'"' => self.cursor.string().map(drop),
            _ => pass::<UNIQUE>(
                &mut self.cursor,
                &mut self.keys,
                self.depth_max - self.depth,
            ),
        }
    }

    /// Reads an object whose brace is the next token. `member` is called with each name, at its value, which it must read.
    /// Refuses an object that has a member twice.
    pub(crate) fn object<E: From<Syntax>>(
        &mut self,
        member: impl FnMut(&mut Self, Str) -> Result<(), E>,
    ) -> Result<Span, E> {
        self.spanned(|reader| reader.members::<true, E>(member))
    }

    /// Like [`Reader::object`], leaving it to `member` to notice repeated names.
    pub(crate) fn object_with_repeats<E: From<Syntax>>(
        &mut self,
        member: impl FnMut(&mut Self, Str) -> Result<(), E>,
    ) -> Result<Span, E> {
        self.spanned(|reader| reader.members::<false, E>(member))
    }

    /// Reads an array whose bracket is the next token. `element` is called at each element, which it must read.
    pub(crate) fn array<E: From<Syntax>>(
        &mut self,
        element: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<Span, E> {
        self.spanned(|reader| reader.elements(element))
    }

    #[inline]
    fn members<const UNIQUE: bool, E: From<Syntax>>(
        &mut self,
        mut member: impl FnMut(&mut Self, Str) -> Result<(), E>,
    ) -> Result<(), E> {
        self.cursor.expect(b'{')?;
        self.enter()?;
        let mark = self.keys.mark();
        if self.cursor.token()? == b'}' {
            self.cursor.bump();
        } else {
            loop {
                let key = self.key::<UNIQUE>(mark)?;
                member(self, key)?;
                if self.closes(b'}')? {
                    break;
                }
            }
        }
        if UNIQUE && !self.keys.close(self.cursor.text(), mark) {
            return Err(Syntax::DuplicateMember.into());
        }
        self.depth -= 1;
        Ok(())
    }

    #[inline]
    fn key<const UNIQUE: bool>(&mut self, mark: usize) -> Result<Str, Syntax> {
        if self.cursor.token()? != b'"' {
            return Err(Syntax::UnexpectedByte);
        }
        let key = self.cursor.string()?;
        if UNIQUE && !self.keys.add(self.cursor.text(), mark, key) {
            return Err(Syntax::DuplicateMember);
        }
        self.cursor.expect(b':')?;
        Ok(key)
    }

    #[inline]
    fn elements<E: From<Syntax>>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.cursor.expect(b'[')?;
        self.enter()?;
        if self.cursor.token()? == b']' {
            self.cursor.bump();
        } else {
            loop {
                element(self)?;
                if self.closes(b']')? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn enter(&mut self) -> Result<(), Syntax> {
        if self.depth >= self.depth_max {
            return Err(Syntax::TooDeep);
        }
        self.depth += 1;
        Ok(())
    }

    /// Steps over what follows a member or element: `close`, or a comma.
    #[inline]
    fn closes(&mut self, close: u8) -> Result<bool, Syntax> {
        let byte = self.cursor.token()?;
        if byte != close && byte != b',' {
            return Err(Syntax::UnexpectedByte);
        }
        self.cursor.bump();
        Ok(byte == close)
    }
}
