//! A child's output cut into lines, and what each of them is. Pure.

use serde_json::value::RawValue;

/// Room that is made for one read, in bytes.
pub(super) const READ_BYTES: usize = 16 * 1_024;

/// Capacity that an empty buffer keeps, in bytes: a child that idles after a large line gives its memory back.
const KEPT_BYTES_MAX: usize = 2 * READ_BYTES;

/// An unfinished line is larger than `limits.line_bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Bytes of a pipe that become lines.
#[derive(Debug)]
pub(super) struct Lines {
    buffer: Vec<u8>,
    /// Where the first line begins that was not given out.
    start: usize,
    /// Up to here no line feed was found.
    searched: usize,
    line_bytes_max: usize,
}

impl Lines {
    /// No bytes yet; no line may be longer than `line_bytes_max`, its end excluded.
    pub(super) const fn new(line_bytes_max: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            line_bytes_max,
        }
    }

    /// Where to append what was read. Whole lines are to be taken out before.
    pub(super) fn space(&mut self) -> &mut Vec<u8> {
        self.compact();
        self.buffer.reserve(READ_BYTES);
        &mut self.buffer
    }

    /// The next whole line without its end (LF or CR LF).
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, TooLarge> {
        let Some(found) = memchr::memchr(b'\n', &self.buffer[self.searched..]) else {
            self.searched = self.buffer.len();
            let rest = without_cr(&self.buffer[self.start..]).len();
            return if rest > self.line_bytes_max {
                Err(TooLarge)
            } else {
                Ok(None)
            };
        };
        let end = self.searched + found;
        let line = without_cr(&self.buffer[self.start..end]);
        (self.start, self.searched) = (end + 1, end + 1);
        if line.len() > self.line_bytes_max {
            Err(TooLarge)
        } else {
            Ok(Some(line))
        }
    }

    /// What follows the last line feed.
    pub(super) fn rest(&self) -> &[u8] {
        without_cr(&self.buffer[self.start..])
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.buffer.clear();
        (self.start, self.searched) = (0, 0);
    }

    fn compact(&mut self) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        if self.buffer.is_empty() && self.buffer.capacity() > KEPT_BYTES_MAX {
            self.buffer = Vec::new();
        }
    }
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// What a line of a child's standard output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineKind {
    /// One JSON object or array: a message, as far as can be told here.
    Message,
    /// White space.
    Blank,
    /// Anything else: servers print banners, warnings and debug output where messages belong.
    Noise,
}

impl LineKind {
    /// What `line` is. O(length); allocates nothing.
    pub(super) fn of(line: &[u8]) -> Self {
        match line.trim_ascii().first() {
            None => Self::Blank,
            Some(b'{' | b'[') if is_json(line) => Self::Message,
            Some(_) => Self::Noise,
        }
    }
}

fn is_json(line: &[u8]) -> bool {
    simdutf8::basic::from_utf8(line)
        .is_ok_and(|text| serde_json::from_str::<&RawValue>(text).is_ok())
}

/// A message for one line: CR and LF, which strict JSON has between its tokens only, become spaces.
pub(super) fn flatten(message: &mut [u8]) {
    for byte in message {
        if matches!(*byte, b'\r' | b'\n') {
            *byte = b' ';
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{LineKind, Lines, READ_BYTES, TooLarge, flatten};

    /// The lines of `bytes` when they come in pieces of `piece`.
    fn cut(bytes: &[u8], piece: usize, line_bytes_max: usize) -> Result<Vec<String>, TooLarge> {
        let mut lines = Lines::new(line_bytes_max);
        let mut found = Vec::new();
        for piece in bytes.chunks(piece) {
            lines.space().extend_from_slice(piece);
            while let Some(line) = lines.next()? {
                found.push(String::from_utf8_lossy(line).into_owned());
            }
        }
        found.push(format!("+{}", String::from_utf8_lossy(lines.rest())));
        Ok(found)
    }

    #[test]
    fn lines_are_the_same_in_any_pieces() {
        for piece in 1..12 {
            let found = cut(b"one\n\ntwo\r\n\r\nthr\ree\nrest", piece, 6).unwrap();
            assert_eq!(found, ["one", "", "two", "", "thr\ree", "+rest"], "{piece}");
        }
    }

    #[test]
    fn a_line_may_be_as_long_as_its_bound_and_no_longer() {
        for piece in [1, 3, 100] {
            assert!(cut(b"12345\n", piece, 5).is_ok());
            assert!(cut(b"12345\r\n", piece, 5).is_ok());
            assert_eq!(cut(b"123456\n", piece, 5), Err(TooLarge));
            assert_eq!(
                cut(b"123456", piece, 5),
                Err(TooLarge),
                "before its end is seen"
            );
        }
    }

    #[test]
    fn a_buffer_gives_back_what_a_large_line_took() {
        let mut lines = Lines::new(1 << 20);
        lines.space().extend_from_slice(&vec![b'x'; 1 << 19]);
        assert_eq!(lines.next(), Ok(None));
        lines.space().push(b'\n');
        assert_eq!(lines.next().unwrap().unwrap().len(), 1 << 19);
        assert!(lines.space().capacity() <= 2 * READ_BYTES);
    }

    #[test]
    fn only_whole_objects_and_arrays_are_messages() {
        let rows: [(&[u8], LineKind); 11] = [
            (b"{}", LineKind::Message),
            (b" [1] ", LineKind::Message),
            (br#"{"a":"\u0000","b":1e999}"#, LineKind::Message),
            (b"", LineKind::Blank),
            (b" \t ", LineKind::Blank),
            (b"starting ...", LineKind::Noise),
            (b"42", LineKind::Noise),
            (b"{\"a\":", LineKind::Noise),
            (b"{} {}", LineKind::Noise),
            (b"{\"a\":\"\xff\"}", LineKind::Noise),
            (b"{\"a\":\"\x1b\"}", LineKind::Noise),
        ];
        for (line, kind) in rows {
            assert_eq!(
                LineKind::of(line),
                kind,
                "{}",
                String::from_utf8_lossy(line)
            );
        }
    }

    #[test]
    fn a_message_becomes_one_line_and_stays_the_same_json() {
        let mut message = b"{\r\n \"a\": [1,\n2]\r}".to_vec();
        let before: serde_json::Value = serde_json::from_slice(&message).unwrap();
        flatten(&mut message);
        assert!(!message.iter().any(|byte| matches!(byte, b'\r' | b'\n')));
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&message).unwrap(),
            before
        );
    }
}
