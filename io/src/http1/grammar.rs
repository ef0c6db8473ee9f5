//! Byte classes of the HTTP and URI grammars, as one table.

/// `tchar` (RFC 9110 §5.6.2): methods and field names.
pub(super) const TOKEN: u8 = 1;
/// `field-vchar`, space and tab (RFC 9110 §5.5): what a field value may hold.
pub(super) const VALUE: u8 = 1 << 1;
/// `pchar`, `/` and `%` (RFC 3986 §3.3): what a path may hold.
pub(super) const PATH: u8 = 1 << 2;
/// Visible ASCII without `#`. Wider than RFC 3986 §3.4, because browsers send `[`, `{` and `|` in queries as they are.
pub(super) const QUERY: u8 = 1 << 3;
/// Space, tab and visible ASCII: what a chunk extension may hold.
pub(super) const EXTENSION: u8 = 1 << 4;
/// Letters, digits, `-`, `.` and `_`: what a host name may hold here. The other characters of `reg-name` name no host.
pub(super) const HOST: u8 = 1 << 5;

static CLASSES: [u8; 256] = classes();

/// Whether `byte` belongs to `class`.
#[inline]
pub(super) fn is(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// Whether each byte belongs to `class`; true of nothing.
#[inline]
pub(super) fn all(bytes: &[u8], class: u8) -> bool {
    bytes
        .iter()
        .fold(class, |left, &byte| left & CLASSES[usize::from(byte)])
        != 0
}

/// `bytes` without spaces and tabs at either end (`OWS`, RFC 9110 §5.6.3).
#[inline]
pub(super) fn trim_ows(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = classes_of(byte as u8);
        byte += 1;
    }
    table
}

const fn classes_of(byte: u8) -> u8 {
    let alphanumeric = byte.is_ascii_alphanumeric();
    let visible = byte.is_ascii_graphic();
    let mut found = 0;
    if alphanumeric || is_one_of(byte, b"!#$%&'*+-.^_`|~") {
        found |= TOKEN;
    }
    if visible || byte >= 0x80 || byte == b' ' || byte == b'\t' {
        found |= VALUE;
    }
    if alphanumeric || is_one_of(byte, b"-._~%!$&'()*+,;=:@/") {
        found |= PATH;
    }
    if visible && byte != b'#' {
        found |= QUERY;
    }
    if visible || byte == b' ' || byte == b'\t' {
        found |= EXTENSION;
    }
    if alphanumeric || is_one_of(byte, b"-._") {
        found |= HOST;
    }
    found
}

const fn is_one_of(byte: u8, set: &[u8]) -> bool {
    let mut index = 0;
    while index < set.len() {
        if set[index] == byte {
            return true;
        }
        index += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_belong_to_no_class() {
        for byte in (0..0x20).chain([0x7f]).filter(|&byte| byte != b'\t') {
            assert!(!is(byte, u8::MAX), "{byte:#x}");
        }
    }

    #[test]
    fn one_foreign_byte_anywhere_decides() {
        assert!(all(b"abc", TOKEN) && all(b"", TOKEN));
        for bad in [&b" bc"[..], b"a c", b"ab ", b"a:c", b"\x80bc"] {
            assert!(!all(bad, TOKEN), "{bad:?}");
        }
    }

    #[test]
    fn only_spaces_and_tabs_are_trimmed() {
        assert_eq!(trim_ows(b" \t a b\t "), b"a b");
        assert_eq!(trim_ows(b"\x0ba\x0b"), b"\x0ba\x0b");
        assert_eq!(trim_ows(b" \t"), b"");
    }
}
