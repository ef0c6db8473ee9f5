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
    let start = out.len();
    if text.len() <= bytes_max && text.iter().all(|&byte| ESCAPES[usize::from(byte)] == 0) {
        out.extend_from_slice(text);
    } else {
        write_hostile(text, start, bytes_max, out);
    }
    out.push(b'"');
}

fn write_hostile(text: &[u8], start: usize, bytes_max: usize, out: &mut Vec<u8>) {
    // Where the text must be cut to leave room for the mark, should it turn out too long.
    let mut cut = start;
    let chars = text
        .utf8_chunks()
        .flat_map(|chunk| chunk.valid().chars().chain(replacement(chunk.invalid())));
    for character in chars {
        write_char(character, out);
        if out.len() - start > bytes_max {
            out.truncate(cut);
            out.extend_from_slice(ELLIPSIS);
            return;
        }
        if out.len() - start + ELLIPSIS.len() <= bytes_max {
            cut = out.len();
        }
    }
}

fn replacement(invalid: &[u8]) -> Option<char> {
    (!invalid.is_empty()).then_some(char::REPLACEMENT_CHARACTER)
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
