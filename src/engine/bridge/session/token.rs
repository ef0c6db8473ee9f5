//! Ids and progress tokens, compared as JSON values.

use crate::engine::mcp::json::decoded;

/// What equal tokens share: the token with its escapes undone and its quotes kept, so that `1` and `"1"` differ while
/// `"\u0061"` and `"a"` do not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(Box<str>);

impl Key {
    /// The key of `raw`, a JSON string with its quotes or a number.
    pub(super) fn of(raw: &[u8]) -> Self {
        let text = String::from_utf8_lossy(raw);
        match text.contains('\\') {
            true => Self(decoded(&text).collect::<String>().into()),
            false => Self(text.into()),
        }
    }

    /// Whether it starts like `prefix`, quotes included.
    pub(super) fn begins_with(&self, prefix: &str) -> bool {
        self.0.starts_with(prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn tokens_are_equal_as_values_and_types() {
        let check = |left: &str, right: &str, same: bool| {
            let is_same = Key::of(left.as_bytes()) == Key::of(right.as_bytes());
            assert_eq!(is_same, same, "{left} {right}");
        };
        check("1", "1", true);
        check("1", "\"1\"", false);
        check("\"a\"", "\"\\u0061\"", true);
        check("\"a/b\"", "\"a\\/b\"", true);
        check("9007199254740993", "9007199254740992", false);
        check("\"\\\\u0061\"", "\"a\"", false);
    }
}
