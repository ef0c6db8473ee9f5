//! A message with some of its parts replaced and every other byte as it was.

use crate::engine::span::Span;

/// Replacements in one message, each of its own part of it.
#[derive(Debug, Default)]
pub(super) struct Splice(Vec<(Span, Vec<u8>)>);

impl Splice {
    /// Puts `text` in place of `span`.
    pub(super) fn replace(&mut self, span: Span, text: impl Into<Vec<u8>>) {
        self.0.push((span, text.into()));
    }

    /// Puts `member` first into the object at `object`, whose braces it spans.
    pub(super) fn insert_member(&mut self, message: &[u8], object: Span, member: &[u8]) {
        let inside = &object.of(message)[1..];
        let is_empty = inside.trim_ascii_start().first() == Some(&b'}');
        let comma: &[u8] = if is_empty { b"" } else { b"," };
        let at = object.start() + 1;
        self.replace(Span::new(at, at), [member, comma].concat());
    }

    /// `message` with the replacements made.
    pub(super) fn apply(mut self, message: &[u8]) -> Vec<u8> {
        self.0.sort_by_key(|(span, _)| span.start());
        let added: usize = self.0.iter().map(|(_, text)| text.len()).sum();
        let mut out = Vec::with_capacity(message.len() + added);
        let mut copied = 0;
        for (span, text) in self.0 {
            out.extend_from_slice(&message[copied..span.start()]);
            out.extend_from_slice(&text);
            copied = span.end();
        }
        out.extend_from_slice(&message[copied..]);
        out
    }
}

/// `message` as one line: a line break in JSON can only stand between tokens, where a space is as good.
pub(super) fn one_line(mut message: Vec<u8>) -> Vec<u8> {
    for byte in &mut message {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::{Splice, one_line};
    use crate::engine::span::Span;

    #[test]
    fn parts_are_replaced_in_any_order_and_the_rest_stays() {
        let message = br#"{"a": 1, "b": {} }"#;
        let mut splice = Splice::default();
        splice.insert_member(message, Span::new(14, 16), b"\"x\":2");
        splice.replace(Span::new(6, 7), *b"\"one\"");
        splice.insert_member(message, Span::new(0, message.len()), b"\"y\":3");
        let expected = br#"{"y":3,"a": "one", "b": {"x":2} }"#;
        assert_eq!(splice.apply(message), expected);
    }

    #[test]
    fn a_message_becomes_one_line() {
        assert_eq!(one_line(b"{\r\n\"a\\n\":1\n}".to_vec()), b"{  \"a\\n\":1 }");
    }
}
