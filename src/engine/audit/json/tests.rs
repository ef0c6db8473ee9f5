#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

fn written(text: &[u8], bytes_max: usize) -> String {
    let mut out = Vec::new();
    write_string(text, bytes_max, &mut out);
    String::from_utf8(out).unwrap()
}

fn check(text: &[u8], expected: &str) {
    assert_eq!(
        written(text, 1_000),
        format!("\"{expected}\""),
        "{}",
        text.escape_ascii()
    );
}

#[test]
fn hostile_bytes_become_plain_json() {
    check(b"plain", "plain");
    check(b"", "");
    check(b"\"\\", r#"\"\\"#);
    check(b"\n\r\t", r"\n\r\t");
    check(b"\0\x1b\x7f", r"\u0000\u001b\u007f");
    check("é漢🦀".as_bytes(), "é漢🦀");
    check("\u{85}\u{2028}\u{2029}".as_bytes(), r"\u0085\u2028\u2029");
    check(
        "\u{202e}\u{2066}\u{feff}\u{200b}".as_bytes(),
        r"\u202e\u2066\ufeff\u200b",
    );
    check(b"a\xffb\xe2\x80", "a\u{fffd}b\u{fffd}");
    check(b"\xed\xa0\x80", "\u{fffd}\u{fffd}\u{fffd}");
}

#[test]
fn a_long_text_is_cut_at_a_character_within_its_bound() {
    let rows = [
        ("aaaaa", 5, "aaaaa"),
        ("aaaaaa", 5, "aa…"),
        ("aaéééé", 6, "aa…"),
        ("aaéééé", 7, "aaé…"),
        ("\n\n\n", 6, r"\n\n\n"),
        ("\n\n\n\n", 6, r"\n…"),
        ("\u{1}\u{1}", 12, r"\u0001\u0001"),
        ("\u{1}\u{1}\u{1}", 12, r"\u0001…"),
        ("aaaa", 3, "…"),
    ];
    for (text, bytes_max, expected) in rows {
        assert_eq!(
            written(text.as_bytes(), bytes_max),
            format!("\"{expected}\""),
            "{text:?} in {bytes_max}"
        );
    }
}

#[test]
fn any_bytes_parse_as_json_within_their_bound() {
    let mut seed = 7_u64;
    for length in 0..600 {
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 56) as u8
        })
        .take(length)
        .collect();
        let line = written(&bytes, 256);
        assert!(line.len() <= 258, "{} bytes", line.len());
        serde_json::from_str::<String>(&line).unwrap();
        if line.len() < 200 {
            let read: String = serde_json::from_str(&line).unwrap();
            assert_eq!(read, String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn numbers_are_written_in_decimal() {
    for value in [0, 9, 10, 12_345, u64::MAX] {
        let mut out = Vec::new();
        write_u64(value, &mut out);
        assert_eq!(out, value.to_string().into_bytes());
    }
}

#[test]
fn the_plain_prefix_ends_at_the_first_byte_that_needs_care() {
    for byte in 0..=255_u8 {
        let plain = (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
        for at in 0..20 {
            let mut text = [b'a'; 20];
            text[at] = byte;
            let expected = if plain { 20 } else { at };
            assert_eq!(plain_prefix(&text), expected, "{byte:#x} at {at}");
            // A mark made in error above a true one must not be taken for the first.
            text[at.saturating_sub(1)] = byte;
            let expected = if plain { 20 } else { at.saturating_sub(1) };
            assert_eq!(plain_prefix(&text), expected, "{byte:#x} from {at}");
        }
    }
}
