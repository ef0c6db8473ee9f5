//! URIs that climb: `file:///docs/../etc/passwd` begins like what `resource:file:///docs/*` allows and is something else once a
//! server has resolved it (CVE-2025-53110 and its kin).
//!
//! Entries are matched against the URI as it is written, because normal forms differ from server to server. So a caller whose
//! rights depend on the text of a URI may not send one that has another meaning than its text.

/// Whether `uri` has a `..` segment, in any spelling that some server resolves: percent-encoded, encoded again, or between
/// backslashes. Allocates nothing; O(bytes).
pub(super) fn climbs(uri: &str) -> bool {
    let mut rest = uri.as_bytes();
    let mut is_at_start = true;
    while let [_, ..] = rest {
        if is_at_start && ends_segment(after_dot(rest).and_then(after_dot)) {
            return true;
        }
        let after = after_any(rest, SEPARATORS);
        is_at_start = after.is_some();
        rest = after.unwrap_or(&rest[1..]);
    }
    false
}

/// What stands before a segment, with its percent-encoding: a colon or equals sign too, since `x:../y` and `?path=../y` climb.
const SEPARATORS: &[(u8, [u8; 2])] = &[
    (b'/', *b"2f"),
    (b'\\', *b"5c"),
    (b':', *b"3a"),
    (b'=', *b"3d"),
];
const ENDS: &[(u8, [u8; 2])] = &[
    (b'/', *b"2f"),
    (b'\\', *b"5c"),
    (b'?', *b"3f"),
    (b'#', *b"23"),
    (b'&', *b"26"),
    (b';', *b"3b"),
];

fn after_dot(bytes: &[u8]) -> Option<&[u8]> {
    after_any(bytes, &[(b'.', *b"2e")])
}

fn ends_segment(after_dots: Option<&[u8]>) -> bool {
    after_dots.is_some_and(|rest| rest.is_empty() || after_any(rest, ENDS).is_some())
}

/// What follows the first of `wanted` at the front of `bytes`: as it is, as `%2e`, `%252e` and so on.
fn after_any<'b>(bytes: &'b [u8], wanted: &[(u8, [u8; 2])]) -> Option<&'b [u8]> {
    let (first, rest) = bytes.split_first()?;
    if wanted.iter().any(|(plain, _)| plain == first) {
        return Some(rest);
    }
    let mut rest = bytes.strip_prefix(b"%")?;
    while let Some(inner) = rest.strip_prefix(b"25") {
        rest = inner;
    }
    let (digits, rest) = rest.split_first_chunk::<2>()?;
    wanted
        .iter()
        .any(|(_, encoded)| encoded.eq_ignore_ascii_case(digits))
        .then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::climbs;

    #[test]
    fn every_spelling_of_a_parent_segment_climbs() {
        for uri in [
            "..",
            "../x",
            "file:///docs/..",
            "file:///docs/../etc",
            "file:///docs/%2e%2E/etc",
            "file:///docs/.%2e/etc",
            "file:///docs%2f..%2fetc",
            "file:///docs/%252e%252e/etc",
            "file:///docs\\..\\etc",
            "file:///docs/%5c..%5c",
            "file:../etc",
            "docs://read?path=../x",
            "file:///docs/..?x",
            "file:///docs/..#x",
            "file:///docs/..;a/x",
        ] {
            assert!(climbs(uri), "{uri}");
        }
    }

    #[test]
    fn dots_within_a_name_are_a_name() {
        for uri in [
            "",
            "file:///docs/a..b",
            "file:///docs/...",
            "file:///docs/..a",
            "file:///docs/.hidden/x",
            "file:///docs/./x",
            "docs://v1..v2/x",
            "file:///docs/%2e%2ex",
            "file:///a/%",
            "https://a/b?c=d..e",
        ] {
            assert!(!climbs(uri), "{uri}");
        }
    }
}
