//! The members of one object, by name: for readers of answers that need a few and leave the rest as it is.

use super::{Reader, Syntax};
use crate::engine::mcp::limits::ANSWER_DEPTH_MAX;
use crate::engine::span::Span;

/// Calls `member` with the decoded name and the span of the value of each member of the object at `object` in `text`.
///
/// A member whose name holds half a surrogate pair has no name that all readers agree on and is left out. Spans count from
/// the first byte of `text`. O(bytes of the object). Errors: it is no object, breaks the grammar, or has a member twice.
pub(crate) fn members(
    text: &str,
    object: Span,
    mut member: impl FnMut(&str, Span),
) -> Result<(), Syntax> {
    let mut reader = Reader::lenient(&text[object.range()], ANSWER_DEPTH_MAX);
    reader.object(|reader, key| {
        let value = reader.skip()?.shifted(object.start());
        if let Some(name) = key.value(reader.text()) {
            member(&name, value);
        }
        Ok::<_, Syntax>(())
    })?;
    reader.cursor.finish()
}

/// The value of a string token, quotes included; `None` for any other token, or one that has no value.
pub(crate) fn string_at(text: &str, token: Span) -> Option<std::borrow::Cow<'_, str>> {
    let token = &text[token.range()];
    let mut reader = Reader::lenient(token, 1);
    if reader.cursor.token().ok()? != b'"' {
        return None;
    }
    let string = reader.cursor.string().ok()?;
    string.value(token)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{members, string_at};
    use crate::engine::span::Span;

    #[test]
    fn members_are_found_by_their_decoded_names_where_they_lie() {
        let text = r#"[{"a": 1.0, "\u0062": {"x":[]} , "c":"d\n"}]"#;
        let mut found = Vec::new();
        members(text, Span::new(1, text.len() - 1), |name, value| {
            found.push((name.to_owned(), &text[value.range()]));
        })
        .unwrap();
        let expected = [("a", "1.0"), ("b", r#"{"x":[]}"#), ("c", r#""d\n""#)];
        assert_eq!(
            found,
            expected.map(|(name, value)| (name.to_owned(), value))
        );
    }

    #[test]
    fn what_is_no_object_or_repeats_a_member_is_an_error() {
        for bad in [
            "[]",
            "1",
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a"}"#,
        ] {
            let found = members(bad, Span::new(0, bad.len()), |_, _| ());
            assert!(found.is_err(), "{bad}");
        }
    }

    #[test]
    fn only_strings_have_a_string_value() {
        for (text, value) in [
            (r#""a\u0062""#, Some("ab")),
            ("1", None),
            ("null", None),
            (r#""\ud800""#, None),
        ] {
            assert_eq!(
                string_at(text, Span::new(0, text.len())).as_deref(),
                value,
                "{text}"
            );
        }
    }
}
