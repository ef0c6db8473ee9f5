//! The members of a JSON object, as raw slices: enough to echo an id and to check an answer.
//!
//! **Invariant:** judges nothing; the fixture is fed by proxies that did.

use memchr::memchr2;

/// The members of an object in order: name without quotes (escapes kept), value as written.
pub(crate) struct Members<'a> {
    rest: &'a [u8],
}

/// The members of `object`; none where it is not an object. Ends early at bytes that are not JSON.
pub(crate) fn members(object: &[u8]) -> Members<'_> {
    let rest = object.trim_ascii().strip_prefix(b"{").unwrap_or_default();
    Members { rest }
}

/// The value of the first member called `name`.
pub(crate) fn member<'a>(object: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    members(object).find_map(|(found, value)| (found == name).then_some(value))
}

/// The text of a string value without its quotes.
pub(crate) fn text(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let at_name = skip(self.rest, b", \t\r\n");
        let name_len = string_len(at_name)?;
        let (name, after) = at_name.split_at(name_len);
        let at_value = skip(after, b": \t\r\n");
        let (value, rest) = at_value.split_at(value_len(at_value)?);
        self.rest = rest;
        Some((text(name)?, value))
    }
}

fn skip<'a>(bytes: &'a [u8], blank: &[u8]) -> &'a [u8] {
    let kept = bytes.iter().position(|byte| !blank.contains(byte));
    &bytes[kept.unwrap_or(bytes.len())..]
}

fn value_len(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' => string_len(bytes),
        b'{' | b'[' => container_len(bytes),
        _ => bytes
            .iter()
            .position(|byte| b",}] \t\r\n".contains(byte))
            .filter(|&len| len > 0),
    }
}

/// Length of the string that `bytes` begins with, quotes included.
fn string_len(bytes: &[u8]) -> Option<usize> {
    let mut at = bytes.strip_prefix(b"\"").map(|_| 1)?;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

fn container_len(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0_usize, 0_usize);
    loop {
        match bytes.get(at)? {
            b'"' => at += string_len(&bytes[at..])? - 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_at_the_top_level_only() {
        let body = br#" { "a":{"id":1,"b":"}\""}, "id" : "x\"y" ,"n":[1,{"id":2}], "last":-1.5e3}"#;
        let check = |name: &[u8], expected: Option<&[u8]>| assert_eq!(member(body, name), expected);
        check(b"id", Some(br#""x\"y""#));
        check(b"n", Some(br#"[1,{"id":2}]"#));
        check(b"last", Some(b"-1.5e3"));
        check(b"b", None);
    }

    #[test]
    fn bytes_that_are_not_json_end_the_walk() {
        for bytes in [
            &b""[..],
            b"{",
            b"{\"a",
            b"{\"a\"",
            b"{\"a\":",
            b"{\"a\":\"\\",
            b"{\"a\":{\"",
            b"[1]",
            b"{\"a\":}",
        ] {
            assert_eq!(members(bytes).count(), 0, "{bytes:?}");
        }
    }
}
