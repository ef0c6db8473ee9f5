//! What a message to a client is, at a glance: which HTTP answer it makes.

use crate::engine::mcp::json::{members, string_at};
use crate::engine::mcp::methods::Method;
use crate::engine::span::Span;

/// A message of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peeked {
    /// A response that holds a result.
    Result,
    /// A response that holds an error.
    Error {
        /// Its code; 0 where it has none.
        code: i64,
    },
    /// A notification.
    Notice {
        /// Whether the server ends the request that it names.
        is_cancelled: bool,
    },
    /// None of these.
    Unreadable,
}

impl Peeked {
    /// Whether nothing follows the message.
    #[must_use]
    pub const fn is_response(self) -> bool {
        matches!(self, Self::Result | Self::Error { .. })
    }
}

/// Reads as much of `message` as tells what it is. O(bytes).
#[must_use]
pub fn peek(message: &[u8]) -> Peeked {
    read(message).unwrap_or(Peeked::Unreadable)
}

fn read(message: &[u8]) -> Option<Peeked> {
    let text = simdutf8::basic::from_utf8(message).ok()?;
    let (mut method, mut error, mut has_result) = (None, None, false);
    members(text, Span::new(0, text.len()), |name, value| match name {
        "method" => method = string_at(text, value),
        "result" => has_result = true,
        "error" => error = Some(value),
        _ => {}
    })
    .ok()?;
    Some(match (method, error) {
        (Some(method), _) => Peeked::Notice {
            is_cancelled: method == Method::Cancelled.as_str(),
        },
        (None, Some(error)) => Peeked::Error {
            code: code_of(text, error),
        },
        (None, None) if has_result => Peeked::Result,
        (None, None) => return None,
    })
}

fn code_of(text: &str, error: Span) -> i64 {
    let mut code = 0;
    let read = members(text, error, |name, value| {
        if name == "code" {
            code = text[value.range()].parse().unwrap_or(0);
        }
    });
    read.map_or(0, |()| code)
}

#[cfg(test)]
mod tests {
    use super::{Peeked, peek};

    #[test]
    fn messages_are_told_apart() {
        for (message, expected) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{"error":{}}}"#,
                Peeked::Result,
            ),
            (
                r#"{"error":{"code":-32601,"message":"m"},"id":1}"#,
                Peeked::Error { code: -32601 },
            ),
            (r#"{"error":{"code":"x"}}"#, Peeked::Error { code: 0 }),
            (
                r#" {"method":"notifications/progress"} "#,
                Peeked::Notice {
                    is_cancelled: false,
                },
            ),
            (
                r#"{"method":"notifications\/cancelled"}"#,
                Peeked::Notice { is_cancelled: true },
            ),
            ("{}", Peeked::Unreadable),
            ("[]", Peeked::Unreadable),
            ("", Peeked::Unreadable),
        ] {
            assert_eq!(peek(message.as_bytes()), expected, "{message}");
        }
    }
}
