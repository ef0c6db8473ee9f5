//! One server-sent event, read as a client of MCP reads it.
//!
//! Source: WHATWG HTML §9.2.6; 2025-11-25 Resumability and Redelivery.

use crate::engine::mcp::sse::{data_of, fields};

/// Longest event id that is remembered, in bytes: it goes back in a header.
pub const EVENT_ID_BYTES_MAX: usize = 1_024;

/// Longest pause that `retry` may ask for, in milliseconds. A longer one is cut down to it.
pub const RETRY_MS_MAX: u64 = 30_000;

/// What an event says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// `event`; empty means `message`.
    pub name: Box<[u8]>,
    /// `id`, where it can go back in a header. An empty one resets what was remembered.
    pub id: Option<Box<[u8]>>,
    /// `retry`, in milliseconds, at most [`RETRY_MS_MAX`].
    pub retry_ms: Option<u64>,
    /// `data`, its lines joined; empty where there is none.
    pub data: Vec<u8>,
}

impl Event {
    /// Reads `event`, one complete event with its blank line.
    #[must_use]
    pub fn read(event: &[u8]) -> Self {
        let mut read = Self::default();
        for field in fields(event) {
            match field.name {
                b"event" => read.name = field.value.into(),
                b"id" if is_sendable(field.value) => read.id = Some(field.value.into()),
                b"retry" => read.retry_ms = milliseconds(field.value).or(read.retry_ms),
                _ => {}
            }
        }
        let mut joined = Vec::new();
        read.data = data_of(event, &mut joined)
            .map(<[u8]>::to_vec)
            .unwrap_or_default();
        read
    }

    /// Whether the event carries a message: it has data and is of the default kind.
    #[must_use]
    pub fn is_message(&self) -> bool {
        !self.data.is_empty() && matches!(&*self.name, b"" | b"message")
    }
}

/// Whether `id` can stand in `Last-Event-ID`.
fn is_sendable(id: &[u8]) -> bool {
    id.len() <= EVENT_ID_BYTES_MAX && id.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

fn milliseconds(value: &[u8]) -> Option<u64> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let digits = str::from_utf8(value).ok().filter(|_| is_number)?;
    // More digits than fit are more than the bound.
    Some(digits.parse().unwrap_or(RETRY_MS_MAX).min(RETRY_MS_MAX))
}

#[cfg(test)]
mod tests {
    use super::{EVENT_ID_BYTES_MAX, Event, RETRY_MS_MAX};

    fn check(text: &str, name: &str, id: Option<&str>, retry_ms: Option<u64>, data: &str) {
        let expected = Event {
            name: name.as_bytes().into(),
            id: id.map(|id| id.as_bytes().into()),
            retry_ms,
            data: data.as_bytes().to_vec(),
        };
        assert_eq!(Event::read(text.as_bytes()), expected, "{text:?}");
    }

    #[test]
    fn an_event_says_what_its_lines_say() {
        check("data: {}\n\n", "", None, None, "{}");
        check(
            "event: message\r\nid: 7\r\ndata: {}\r\n\r\n",
            "message",
            Some("7"),
            None,
            "{}",
        );
        check("id: a\nretry: 250\ndata:\n\n", "", Some("a"), Some(250), "");
        check("id\n\n", "", Some(""), None, "");
        check("data: a\ndata: b\n\n", "", None, None, "a\nb");
        check(": keep-alive\n\n", "", None, None, "");
        check(
            "\u{feff}event: endpoint\ndata: /m\n\n",
            "endpoint",
            None,
            None,
            "/m",
        );
    }

    #[test]
    fn ids_and_pauses_that_cannot_be_used_are_left_out() {
        check("id: a\0b\ndata: x\n\n", "", None, None, "x");
        check("id: \u{fc}\ndata: x\n\n", "", None, None, "x");
        check("retry: -1\n\n", "", None, None, "");
        check("retry: 1.5\n\n", "", None, None, "");
        check(
            "retry: 99999999999999999999999\n\n",
            "",
            None,
            Some(RETRY_MS_MAX),
            "",
        );
        check("retry: 30001\n\n", "", None, Some(RETRY_MS_MAX), "");
        for (length, is_kept) in [(EVENT_ID_BYTES_MAX, true), (EVENT_ID_BYTES_MAX + 1, false)] {
            let event = Event::read(format!("id: {}\n\n", "x".repeat(length)).as_bytes());
            assert_eq!(event.id.is_some(), is_kept, "{length}");
        }
    }

    #[test]
    fn only_the_default_kind_with_data_is_a_message() {
        for (text, is_message) in [
            ("data: x\n\n", true),
            ("event: message\ndata: x\n\n", true),
            ("event: ping\ndata: x\n\n", false),
            ("event: endpoint\ndata: x\n\n", false),
            ("id: 1\ndata:\n\n", false),
            (": x\n\n", false),
        ] {
            assert_eq!(
                Event::read(text.as_bytes()).is_message(),
                is_message,
                "{text:?}"
            );
        }
    }
}
