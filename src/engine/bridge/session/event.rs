//! Events of a session's streams: their ids and how they are written.
//!
//! An id names stream and position, `STREAM-POSITION`. Positions count a stream's events from 1; position 0 is before the
//! first. A priming event is no message and has no position of its own: it names the one that it follows, and which opening
//! of a stream it belongs to, `STREAM-POSITION.OPENING`, so that no two events of a session share an id.

use super::action::StreamId;
use super::limits::EVENT_ID_BYTES_MAX;

/// A place in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventId {
    pub(super) stream: StreamId,
    pub(super) position: u64,
}

impl EventId {
    /// Reads what an event of this session carried; `None` for anything else.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?;
        if text.len() > EVENT_ID_BYTES_MAX {
            return None;
        }
        let (stream, rest) = text.split_once('-')?;
        let position = match rest.split_once('.') {
            Some((position, opening)) => number(opening).and_then(|_| number(position)),
            None => number(rest),
        };
        Some(Self {
            stream: StreamId(number(stream)?),
            position: position?,
        })
    }
}

/// A decimal number in its one form.
fn number(digits: &str) -> Option<u64> {
    let value = digits.parse::<u64>().ok()?;
    (value.to_string() == digits).then_some(value)
}

/// Appends the event that carries `message` at `id`.
pub(super) fn write_message(id: EventId, message: &[u8], out: &mut Vec<u8>) {
    out.reserve(message.len() + EVENT_ID_BYTES_MAX);
    out.extend_from_slice(format!("id: {}-{}\n", id.stream.0, id.position).as_bytes());
    write_event(message, out);
}

/// Appends the event that primes a stream: whoever has seen it can resume after `id`, even if nothing else ever comes.
pub(super) fn write_priming(id: EventId, opening: u64, retry_ms: u64, out: &mut Vec<u8>) {
    let EventId { stream, position } = id;
    let text = format!(
        "id: {}-{position}.{opening}\nretry: {retry_ms}\ndata:\n\n",
        stream.0
    );
    out.extend_from_slice(text.as_bytes());
}

/// `message` as an event without an id, as clients of 2024-11-05 get it.
#[must_use]
pub fn frame(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + EVENT_ID_BYTES_MAX);
    write_event(message, &mut out);
    out
}

/// A line break in JSON stands for white space: each line becomes a data line, which readers join by a line break.
fn write_event(message: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: message\n");
    for line in message.split(|byte| matches!(byte, b'\r' | b'\n')) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::{EventId, StreamId, frame, write_message, write_priming};

    #[test]
    fn an_id_leads_back_to_its_place() {
        let check = |text: &str, expected: Option<(u64, u64)>| {
            let place = EventId::parse(text.as_bytes()).map(|id| (id.stream.0, id.position));
            assert_eq!(place, expected, "{text}");
        };
        check("0-0", Some((0, 0)));
        check("12-345", Some((12, 345)));
        check("12-345.6", Some((12, 345)));
        check("18446744073709551615-0", Some((u64::MAX, 0)));
        for bad in [
            "",
            "-",
            "1",
            "1-",
            "-1",
            "1-2-3",
            "01-2",
            "1-+2",
            "1-2.",
            "1-2.x",
            "1-2.3.4",
            " 1-2",
            "18446744073709551616-0",
            "é-1",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn a_message_with_line_breaks_stays_one_event() {
        let id = EventId {
            stream: StreamId(3),
            position: 7,
        };
        let mut out = Vec::new();
        write_message(id, b"{\r\n\"a\":1}", &mut out);
        assert_eq!(
            String::from_utf8_lossy(&out),
            "id: 3-7\nevent: message\ndata: {\ndata: \ndata: \"a\":1}\n\n"
        );
        assert_eq!(frame(b"{}"), b"event: message\ndata: {}\n\n");
        out.clear();
        write_priming(id, 2, 1_000, &mut out);
        assert_eq!(out, b"id: 3-7.2\nretry: 1000\ndata:\n\n");
    }
}
