//! How long an answer says that it is fresh (RFC 9111 §4.2.1, §4.2.3).

use std::time::Duration;

/// The time that is left of an answer's own life by its `Cache-Control` and `Age`; `None` where it says nothing.
pub(super) fn remaining(cache_control: Option<&[u8]>, age: Option<&[u8]>) -> Option<Duration> {
    let text = std::str::from_utf8(cache_control?).ok()?;
    let mut shortest: Option<u64> = None;
    for directive in text.split(',').map(str::trim) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        let secs = match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => Some(0),
            "max-age" => seconds(value),
            _ => None,
        };
        // Of contradicting directives the most careful one holds (RFC 9111 §4.2.1).
        shortest = match (shortest, secs) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    let age_secs = age
        .and_then(|age| std::str::from_utf8(age).ok())
        .and_then(seconds)
        .unwrap_or(0);
    shortest.map(|secs| Duration::from_secs(secs.saturating_sub(age_secs)))
}

fn seconds(text: &str) -> Option<u64> {
    let digits = text.trim().trim_matches('"');
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::remaining;

    #[test]
    fn the_most_careful_directive_holds() {
        for (cache_control, age, secs) in [
            ("max-age=300", None, Some(300)),
            ("public, Max-Age=300, must-revalidate", None, Some(300)),
            ("max-age=\"300\"", None, Some(300)),
            ("max-age=300, max-age=100", None, Some(100)),
            ("max-age=300", Some("100"), Some(200)),
            ("max-age=300", Some("500"), Some(0)),
            ("max-age=300", Some("-5"), Some(300)),
            ("no-store", None, Some(0)),
            ("max-age=300, no-cache", None, Some(0)),
            ("max-age=99999999999999999999999", None, Some(u64::MAX)),
            ("max-age=-1", None, None),
            ("max-age", None, None),
            ("s-maxage=10", None, None),
            ("", None, None),
        ] {
            let found = remaining(Some(cache_control.as_bytes()), age.map(str::as_bytes));
            assert_eq!(
                found,
                secs.map(Duration::from_secs),
                "{cache_control} {age:?}"
            );
        }
        assert_eq!(remaining(None, Some(b"5")), None);
        assert_eq!(remaining(Some(b"\xff"), None), None);
    }
}
