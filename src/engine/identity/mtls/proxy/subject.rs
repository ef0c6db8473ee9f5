//! A subject as text (RFC 4514), as Envoy writes it.

use super::encoded::hex_byte;
use crate::engine::identity::mtls::IdentitySource;
use crate::engine::identity::mtls::names::Names;

/// The common name of `subject`. Two of them, even alike, leave none, as in a certificate.
pub(super) fn common_name(subject: &[u8]) -> Names {
    let mut names = Names::default();
    let mut rest = subject;
    while !rest.is_empty() {
        let (attribute, after) = split_attribute(rest);
        rest = after;
        let Some(at) = attribute.iter().position(|byte| *byte == b'=') else {
            return Names::Bad;
        };
        let (kind, value) = (attribute[..at].trim_ascii(), &attribute[at + 1..]);
        if kind.eq_ignore_ascii_case(b"CN") || kind == b"2.5.4.3" {
            if names != Names::Absent {
                return Names::Several;
            }
            names.add(text_of(value).and_then(|text| IdentitySource::Cn.admit(&text)));
        }
    }
    names
}

/// Up to the next separator that is not escaped, and what follows it.
fn split_attribute(text: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b',' | b'+' | b';' => return (&text[..at], &text[at + 1..]),
            _ => at += 1,
        }
    }
    (text, &[])
}

/// The text behind a value: escapes undone (§2.4). `None` for a value in hexadecimal, for quotes of older forms, and for
/// what is no UTF-8.
fn text_of(value: &[u8]) -> Option<String> {
    if value.starts_with(b"#") {
        return None;
    }
    let mut text = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => return None,
            b'\\' => {
                let (byte, after) = unescape(after)?;
                text.push(byte);
                rest = after;
            }
            _ => text.push(byte),
        }
    }
    String::from_utf8(text).ok()
}

fn unescape(after: &[u8]) -> Option<(u8, &[u8])> {
    let (&first, rest) = after.split_first()?;
    if b" \"#+,;<=>\\".contains(&first) {
        return Some((first, rest));
    }
    let (digits, rest) = after.split_first_chunk::<2>()?;
    Some((hex_byte(*digits)?, rest))
}

#[cfg(test)]
mod tests {
    use super::{Names, common_name};

    #[test]
    fn a_common_name_is_found_as_it_was_before_it_was_escaped() {
        let one = |name: &str| Names::One(name.into());
        let rows: [(&str, Names); 20] = [
            ("CN=alice", one("alice")),
            ("CN=alice,OU=x,O=y", one("alice")),
            ("O=y,OU=x, cn=alice", one("alice")),
            ("2.5.4.3=alice", one("alice")),
            ("UID=1+CN=alice,O=y", one("alice")),
            (r"CN=Smith\, John,O=y", one("Smith, John")),
            (r"O=a\,CN=eve,CN=alice", one("alice")),
            (r"CN=J\C3\B6rg", one("Jörg")),
            (r#"CN=a\"b"#, one(r#"a"b"#)),
            ("CN=a=b", one("a=b")),
            ("", Names::Absent),
            ("O=y", Names::Absent),
            ("/C=US/O=y/CN=alice", Names::Absent),
            ("CN=alice,CN=eve", Names::Several),
            ("CN=alice+CN=alice", Names::Several),
            (r"CN=alice\00.evil", Names::Bad),
            (r"CN=a\FF", Names::Bad),
            ("CN=#0c0161", Names::Bad),
            ("CN=\"a\"", Names::Bad),
            ("CN=a,b", Names::Bad),
        ];
        for (subject, expected) in rows {
            assert_eq!(common_name(subject.as_bytes()), expected, "{subject}");
        }
        for broken in ["CN=a\\", "CN=a\\x", "CN=", "CN", "CN=a\\4"] {
            assert_eq!(common_name(broken.as_bytes()), Names::Bad, "{broken}");
        }
    }
}
