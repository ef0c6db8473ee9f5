//! Header values that carry text a header cannot: `=?base64?…?=` (2026-07-28, Value Encoding).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::limits::NAME_HEADER_BYTES_MAX;

const OPEN: &[u8] = b"=?base64?";
const CLOSE: &[u8] = b"?=";

/// Whether the header value `value` stands for exactly `text`.
///
/// A value with the sentinel is decoded first: standard alphabet, padded, UTF-8; anything else equals nothing. A plain value
/// must be visible ASCII and spaces: other text has to be encoded, so that no two readers can disagree about its charset.
pub(super) fn equals(value: &[u8], text: &[u8]) -> bool {
    match value
        .strip_prefix(OPEN)
        .and_then(|rest| rest.strip_suffix(CLOSE))
    {
        Some(encoded) if encoded.len() <= NAME_HEADER_BYTES_MAX => decoded_equals(encoded, text),
        Some(_) => false,
        None => value == text && value.iter().all(|byte| matches!(byte, b' '..=b'~')),
    }
}

/// The text that the header value `value` stands for; `None` where it stands for none, by the rules of [`equals`].
///
/// Values longer than `bytes_max` stand for none.
pub(super) fn decoded(value: &[u8], bytes_max: usize) -> Option<Cow<'_, str>> {
    if value.len() > bytes_max {
        return None;
    }
    match value
        .strip_prefix(OPEN)
        .and_then(|rest| rest.strip_suffix(CLOSE))
    {
        Some(encoded) => {
            let text = String::from_utf8(STANDARD.decode(encoded).ok()?);
            text.ok().map(Cow::Owned)
        }
        None if value.iter().all(|byte| matches!(byte, b' '..=b'~')) => {
            str::from_utf8(value).ok().map(Cow::Borrowed)
        }
        None => None,
    }
}

/// `text` as a header value: as it is where it can be one and looks like no encoded value, else encoded.
pub(crate) fn encoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let is_plain = bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
        && text.trim_matches(' ').len() == text.len()
        && !(bytes.starts_with(OPEN) && bytes.ends_with(CLOSE));
    match is_plain {
        true => bytes.to_vec(),
        false => [OPEN, STANDARD.encode(text).as_bytes(), CLOSE].concat(),
    }
}

fn decoded_equals(encoded: &[u8], text: &[u8]) -> bool {
    STANDARD
        .decode(encoded)
        .is_ok_and(|decoded| decoded == text)
}

#[cfg(test)]
mod tests {
    use super::{decoded, encoded, equals};

    #[test]
    fn a_value_equals_the_text_that_it_stands_for_and_nothing_else() {
        for (value, text, same) in [
            ("read_file", "read_file", true),
            ("Read_file", "read_file", false),
            ("a b", "a b", true),
            ("", "", true),
            ("=?base64?cmVhZF9maWxl?=", "read_file", true),
            ("=?base64?w7xiZXI=?=", "über", true),
            ("=?base64?w7xiZXI?=", "über", false),
            ("=?base64?w7xiZXJ=?=", "über", false),
            ("=?base64?cmVhZF9maWxl ?=", "read_file", false),
            ("=?BASE64?cmVhZF9maWxl?=", "read_file", false),
            ("=?base64?_-__?=", "\u{fe}", false),
            ("=?base64??=", "", true),
            ("=?base64?=", "=?base64?=", true),
            ("=?base64?Y?=", "=?base64?Y?=", false),
            ("=?base64?PT9iYXNlNjQ/WT89?=", "=?base64?Y?=", true),
            ("über", "über", false),
            ("a\tb", "a\tb", false),
        ] {
            assert_eq!(
                equals(value.as_bytes(), text.as_bytes()),
                same,
                "{value} {text}"
            );
            let decoded = decoded(value.as_bytes(), value.len());
            assert_eq!(decoded.as_deref() == Some(text), same, "{value} {text}");
        }
    }

    #[test]
    fn text_that_a_header_cannot_carry_is_encoded() {
        for (text, value) in [
            ("read_file", "read_file"),
            ("a b", "a b"),
            ("", ""),
            (" a", "=?base64?IGE=?="),
            ("a ", "=?base64?YSA=?="),
            ("über", "=?base64?w7xiZXI=?="),
            ("a\tb", "=?base64?YQli?="),
            ("=?base64?Y?=", "=?base64?PT9iYXNlNjQ/WT89?="),
            ("=?base64?Y", "=?base64?Y"),
        ] {
            assert_eq!(encoded(text), value.as_bytes(), "{text:?}");
            assert!(equals(value.as_bytes(), text.as_bytes()), "{text:?}");
        }
    }
}
