//! Reading over a value whose members nobody asks about: the bulk of every message.
//!
//! One loop without recursion; the kinds of the open levels are bits. [`pass`] is generic over whether members are told
//! apart, so that answers do not pay for what only requests need.

use super::cursor::Cursor;
use super::keys::Keys;
use super::syntax::Syntax;
use crate::engine::mcp::limits::ANSWER_DEPTH_MAX;

/// Reads over the value at `cursor`, at most `depth_max` levels deep. With `UNIQUE`, refuses an object that has a member
/// twice. O(bytes), and O(n log n) in the members of an object.
pub(super) fn pass<const UNIQUE: bool>(
    cursor: &mut Cursor<'_>,
    keys: &mut Keys,
    depth_max: usize,
) -> Result<(), Syntax> {
    let mut walk = Walk {
        cursor: *cursor,
        keys,
        mark: 0,
        levels: Levels::new(depth_max),
    };
    let result = walk.value::<UNIQUE>();
    *cursor = walk.cursor;
    result
}

struct Walk<'w, 'a> {
    /// A copy: what nobody else can see stays in registers.
    cursor: Cursor<'a>,
    keys: &'w mut Keys,
    /// Where the members of the innermost open object begin.
    mark: usize,
    levels: Levels,
}

impl Walk<'_, '_> {
    #[inline(always)]
    fn value<const UNIQUE: bool>(&mut self) -> Result<(), Syntax> {
        loop {
            let is_open = match self.cursor.token()? {
                b'"' => self.cursor.string().map(|_| false)?,
                b'{' => self.open_object::<UNIQUE>()?,
                b'[' => self.open_array()?,
                b'-' | b'0'..=b'9' => self.cursor.number().map(|_| false)?,
                _ => self.cursor.literal().map(|()| false)?,
            };
            if !is_open && self.close::<UNIQUE>()? {
                return Ok(());
            }
        }
    }

    /// Steps into an object, up to the value of its first member; false where it is empty and closed again.
    #[inline(always)]
    fn open_object<const UNIQUE: bool>(&mut self) -> Result<bool, Syntax> {
        self.cursor.bump();
        self.levels.check()?;
        if self.cursor.token()? == b'}' {
            self.cursor.bump();
            return Ok(false);
        }
        self.levels.push(true);
        if UNIQUE {
            self.mark = self.keys.open(self.mark);
        }
        self.name::<UNIQUE>().map(|()| true)
    }

    #[inline(always)]
    fn open_array(&mut self) -> Result<bool, Syntax> {
        self.cursor.bump();
        self.levels.check()?;
        if self.cursor.token()? == b']' {
            self.cursor.bump();
            return Ok(false);
        }
        self.levels.push(false);
        Ok(true)
    }

    /// Steps over the name of a member and its colon.
    #[inline(always)]
    fn name<const UNIQUE: bool>(&mut self) -> Result<(), Syntax> {
        if self.cursor.token()? != b'"' {
            return Err(Syntax::UnexpectedByte);
        }
        let key = self.cursor.string()?;
        if UNIQUE && !self.keys.add(self.cursor.text(), self.mark, key) {
            return Err(Syntax::DuplicateMember);
        }
        self.cursor.expect(b':')
    }

    /// After a value: closes the levels that end here; true where that was all, false where another value follows.
    #[inline(always)]
    fn close<const UNIQUE: bool>(&mut self) -> Result<bool, Syntax> {
        while !self.levels.is_empty() {
            let in_object = self.levels.in_object;
            let byte = self.cursor.token()?;
            if byte == b',' {
                self.cursor.bump();
                return if in_object {
                    self.name::<UNIQUE>().map(|()| false)
                } else {
                    Ok(false)
                };
            }
            if byte != if in_object { b'}' } else { b']' } {
                return Err(Syntax::UnexpectedByte);
            }
            self.cursor.bump();
            if UNIQUE && in_object {
                self.mark = self
                    .keys
                    .close_inner(self.cursor.text(), self.mark)
                    .ok_or(Syntax::DuplicateMember)?;
            }
            self.levels.pop();
        }
        Ok(true)
    }
}

/// The open levels: for each, whether it is an object.
struct Levels {
    depth: usize,
    depth_max: usize,
    /// The innermost level.
    in_object: bool,
    /// The levels around it, a bit each.
    outer: [u64; ANSWER_DEPTH_MAX / 64],
}

const _: () = assert!(ANSWER_DEPTH_MAX.is_multiple_of(64));

impl Levels {
    fn new(depth_max: usize) -> Self {
        let outer = [0; ANSWER_DEPTH_MAX / 64];
        Self {
            depth: 0,
            depth_max: depth_max.min(ANSWER_DEPTH_MAX),
            in_object: false,
            outer,
        }
    }

    const fn is_empty(&self) -> bool {
        self.depth == 0
    }

    /// Whether one more level fits.
    #[inline(always)]
    const fn check(&self) -> Result<(), Syntax> {
        if self.depth < self.depth_max {
            Ok(())
        } else {
            Err(Syntax::TooDeep)
        }
    }

    #[inline(always)]
    fn push(&mut self, is_object: bool) {
        let bit = 1 << (self.depth % 64);
        let word = &mut self.outer[self.depth / 64];
        *word = if self.in_object {
            *word | bit
        } else {
            *word & !bit
        };
        self.in_object = is_object;
        self.depth += 1;
    }

    #[inline(always)]
    fn pop(&mut self) {
        self.depth -= 1;
        self.in_object = self.outer[self.depth / 64] >> (self.depth % 64) & 1 == 1;
    }
}
