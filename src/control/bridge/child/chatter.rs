//! What children write beside messages, for the log: labelled, on one line, harmless to a terminal, and not too much.

use std::sync::{Mutex, PoisonError};

/// Bytes of one line that are logged.
pub(super) const LINE_BYTES_MAX: usize = 1_024;

/// Lines a second that one server may log.
const LINES_PER_SECOND: u64 = 50;

/// Lines that one server may log at once.
const LINES_BURST: u64 = 200;

/// What is worth a milliline: lines are counted in thousandths, so that a millisecond earns a whole number.
const LINE: u64 = 1_000;

/// Whether a line may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Yes; so many were left out since the last one.
    Log(u64),
    /// No.
    Suppress,
}

/// One server's share of the log. All of its children draw on it.
#[derive(Debug)]
pub(super) struct Chatter(Mutex<Bucket>);

#[derive(Debug)]
struct Bucket {
    millilines: u64,
    filled_at_ms: u64,
    suppressed: u64,
}

impl Chatter {
    /// A full share.
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Bucket {
            millilines: LINES_BURST * LINE,
            filled_at_ms: 0,
            suppressed: 0,
        }))
    }

    /// Judges one line at `now_ms`.
    pub(super) fn judge(&self, now_ms: u64) -> Verdict {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed_ms = now_ms.saturating_sub(bucket.filled_at_ms);
        let earned = elapsed_ms.saturating_mul(LINES_PER_SECOND);
        bucket.millilines = bucket
            .millilines
            .saturating_add(earned)
            .min(LINES_BURST * LINE);
        bucket.filled_at_ms = now_ms.max(bucket.filled_at_ms);
        match bucket.millilines.checked_sub(LINE) {
            Some(left) => {
                bucket.millilines = left;
                Verdict::Log(std::mem::take(&mut bucket.suppressed))
            }
            None => {
                bucket.suppressed += 1;
                Verdict::Suppress
            }
        }
    }
}

/// `line` for the log: at most [`LINE_BYTES_MAX`] of its bytes, what is not printable escaped, so that it can neither begin a
/// line of its own nor speak to a terminal.
pub(super) fn printable(line: &[u8]) -> String {
    let shown = &line[..line.len().min(LINE_BYTES_MAX)];
    let mut text = String::with_capacity(shown.len());
    for letter in String::from_utf8_lossy(shown).chars() {
        match letter {
            '"' | '\'' => text.push(letter),
            _ => text.extend(letter.escape_debug()),
        }
    }
    if line.len() > shown.len() {
        text.push_str(" ...");
    }
    text
}

/// Lines of any length of which only the beginning is kept.
#[derive(Debug, Default)]
pub(super) struct Beginnings {
    /// At most one byte more than is logged, so that the rest is noticed.
    line: Vec<u8>,
}

impl Beginnings {
    /// Takes `bytes` and calls `each` with the beginning of every line that ends in them.
    pub(super) fn take(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        let mut pieces = bytes.split(|byte| *byte == b'\n');
        let last = pieces.next_back().unwrap_or_default();
        for piece in pieces {
            self.keep(piece);
            self.end(&mut each);
        }
        self.keep(last);
    }

    /// The output has ended: so has its last line.
    pub(super) fn finish(&mut self, mut each: impl FnMut(&[u8])) {
        self.end(&mut each);
    }

    fn keep(&mut self, piece: &[u8]) {
        let room = LINE_BYTES_MAX + 1 - self.line.len();
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn end(&mut self, each: &mut impl FnMut(&[u8])) {
        let line = self.line.trim_ascii_end();
        if !line.is_empty() {
            each(line);
        }
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Beginnings, Chatter, LINE_BYTES_MAX, LINES_BURST, LINES_PER_SECOND, Verdict, printable,
    };

    fn logged(chatter: &Chatter, from_ms: u64, until_ms: u64, lines_each_ms: u64) -> u64 {
        (from_ms..until_ms)
            .map(|now| {
                (0..lines_each_ms)
                    .filter(|_| matches!(chatter.judge(now), Verdict::Log(_)))
                    .count() as u64
            })
            .sum()
    }

    #[test]
    fn a_flood_is_cut_down_to_burst_and_rate() {
        let chatter = Chatter::new();
        assert_eq!(logged(&chatter, 0, 1, 10_000), LINES_BURST);
        assert_eq!(logged(&chatter, 1, 10_001, 10), 10 * LINES_PER_SECOND);
        assert_eq!(logged(&chatter, 100_000, 100_001, 10_000), LINES_BURST);
    }

    #[test]
    fn what_was_left_out_is_told_with_the_next_line() {
        let chatter = Chatter::new();
        logged(&chatter, 0, 1, LINES_BURST + 7);
        assert_eq!(chatter.judge(1_000), Verdict::Log(7));
        assert_eq!(chatter.judge(1_000), Verdict::Log(0));
    }

    #[test]
    fn a_logged_line_stays_one_line_of_text() {
        let rows: [(&[u8], &str); 5] = [
            (b"it's \"fine\"", "it's \"fine\""),
            (b"a\nb\r\0", "a\\nb\\r\\0"),
            (b"\x1b[31mred\x1b[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("\u{202e}gnihton".as_bytes(), "\\u{202e}gnihton"),
            (b"\xff", "\u{fffd}"),
        ];
        for (line, text) in rows {
            assert_eq!(printable(line), text);
        }
        let long = printable(&vec![b'x'; LINE_BYTES_MAX + 1]);
        assert!(long.ends_with("x ...") && long.len() == LINE_BYTES_MAX + 4);
    }

    #[test]
    fn the_beginning_of_a_line_of_any_length_is_kept() {
        let text = [b"one\r\n\n".as_slice(), &vec![b'x'; 5_000], b"\nrest"].concat();
        for piece in [1, 7, 6_000] {
            let (mut lines, mut beginnings) = (Vec::new(), Beginnings::default());
            let mut each = |line: &[u8]| lines.push(line.len());
            text.chunks(piece)
                .for_each(|piece| beginnings.take(piece, &mut each));
            beginnings.finish(&mut each);
            assert_eq!(lines, [3, LINE_BYTES_MAX + 1, 4], "{piece}");
            assert!(beginnings.line.capacity() <= 4 * LINE_BYTES_MAX);
        }
    }
}
