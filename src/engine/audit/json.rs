//! JSON strings out of bytes that nobody vouches for.

/// Marks a text that was cut. Three bytes, inside the bound.
const ELLIPSIS: &[u8] = "…".as_bytes();

/// How a byte stands in a JSON string: 0 as itself, `u` as `\u00XX`, `h` with a look at what follows, else after a backslash.
static ESCAPES: [u8; 256] = escapes();

const fn escapes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = b'u';
        byte += 1;
    }
    table[0x7f] = b'u';
    let mut byte = 0x80;
    while byte < 0x100 {
        table[byte] = b'h';
        byte += 1;
    }
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table[b'\n' as usize] = b'n';
    table[b'\r' as usize] = b'r';
    table[b'\t' as usize] = b't';
    table
}

/// Appends `text` as a JSON string, quotes included.
///
/// Control characters, DEL, U+0080–U+009F, U+2028, U+2029 and the characters that reorder text (U+200E, U+200F,
/// U+202A–U+202E, U+2066–U+2069) are escaped, so that a line shows in a terminal as it is; bytes that are not UTF-8 become
/// U+FFFD. What would take more than `bytes_max` between the quotes is cut at a character and ends in `…`.
pub(in crate::engine) fn write_string(text: &[u8], bytes_max: usize, out: &mut Vec<u8>) {
    out.push(b'"');
    if text.len() <= bytes_max && plain_prefix(text) == text.len() {
        out.extend_from_slice(text);
    } else {
        let room = Room {
            start: out.len(),
            bytes_max,
            cut: out.len(),
        };
        write_hostile(text, room, out);
    }
    out.push(b'"');
}

/// Bytes at the beginning of `text` that stand for themselves. Looks at eight at a time.
fn plain_prefix(text: &[u8]) -> usize {
    let (words, tail) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let marks = special_marks(u64::from_le_bytes(*word));
        if marks != 0 {
            return index * 8 + marks.trailing_zeros() as usize / 8;
        }
    }
    let special = |&byte: &u8| ESCAPES[usize::from(byte)] != 0;
    text.len() - tail.len() + tail.iter().position(special).unwrap_or(tail.len())
}

/// Sets the highest bit of each byte of `word` that needs an escape or begins a longer character. Bytes above the lowest
/// one marked may be marked in error, by the borrow of a subtraction.
const fn special_marks(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word
    }
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = zeros(word ^ (ONES * b'"' as u64));
    let backslash = zeros(word ^ (ONES * b'\\' as u64));
    let delete = zeros(word ^ (ONES * 0x7f));
    (control | quote | backslash | delete | word) & HIGH
}

/// The room that a text has, and where it must be cut to leave some for the mark, should it turn out too long.
struct Room {
    start: usize,
    bytes_max: usize,
    cut: usize,
}

impl Room {
    /// Notes that the text so far may stay, if the mark would still fit. False where the text is too long already.
    fn keep(&mut self, out: &[u8]) -> bool {
        let used = out.len() - self.start;
        if used + ELLIPSIS.len() <= self.bytes_max {
            self.cut = out.len();
        }
        used <= self.bytes_max
    }

    /// Bytes that may be added without a thought of the mark.
    fn free(&self, out: &[u8]) -> usize {
        self.bytes_max
            .saturating_sub(out.len() - self.start + ELLIPSIS.len())
    }
}

/// Writes runs of plain bytes whole and everything else a character at a time, until all is written or the room runs out.
fn write_hostile(text: &[u8], mut room: Room, out: &mut Vec<u8>) {
    let mut rest = text;
    while !rest.is_empty() {
        // Plain bytes are ASCII, so any number of them ends at a character.
        let (run, after) = rest.split_at(plain_prefix(rest).min(room.free(out)));
        out.extend_from_slice(run);
        room.keep(out);
        rest = &after[write_first(after, out)..];
        if !room.keep(out) {
            out.truncate(room.cut);
            out.extend_from_slice(ELLIPSIS);
            return;
        }
    }
}

/// Writes the first character of `text` and returns its length there. What is no character becomes U+FFFD.
fn write_first(text: &[u8], out: &mut Vec<u8>) -> usize {
    // No character, and no part of one, is longer than four bytes.
    let Some(chunk) = text[..text.len().min(4)].utf8_chunks().next() else {
        return 0;
    };
    let (character, length) = match chunk.valid().chars().next() {
        Some(character) => (character, character.len_utf8()),
        None => (char::REPLACEMENT_CHARACTER, chunk.invalid().len()),
    };
    write_char(character, out);
    length
}

fn write_char(character: char, out: &mut Vec<u8>) {
    match u8::try_from(character).map_or(b'h', |byte| ESCAPES[usize::from(byte)]) {
        0 => out.push(character as u8),
        b'u' => write_escape(u32::from(character), out),
        b'h' if is_deceptive(character) => write_escape(u32::from(character), out),
        b'h' => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        short => out.extend_from_slice(&[b'\\', short]),
    }
}

/// Characters that end a line or change what its reader sees. All lie in the basic plane.
fn is_deceptive(character: char) -> bool {
    matches!(character, '\u{80}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn write_escape(code: u32, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digit = |shift: u32| HEX[(code >> shift & 0xf) as usize];
    out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}

/// Appends `value` in decimal.
pub(in crate::engine) fn write_u64(value: u64, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
#[path = "json/tests.rs"]
mod tests;
