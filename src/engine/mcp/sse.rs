//! Server-sent events, split without being taken apart.
//!
//! [`Splitter`] finds where events end in a stream that arrives in any pieces, so that a relay can forward each event's bytes
//! as they came (ids, comments, `retry`, line ends and all) and knows where a comment of its own may go. What the `data` of
//! an event says is read with [`data_of`], or from a partial event through [`Splitter::feed_data`]; [`replace_data`] writes
//! an event anew with other data and everything else kept.
//!
//! Source: WHATWG HTML §9.2.6 (lines end in LF, CR or CRLF; one leading space of a value is dropped; a leading byte order
//! mark is ignored).

use memchr::memchr2;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
const DATA: &[u8] = b"data";

/// Finds the ends of events. Holds no bytes: a few words of state, whatever the size of an event.
#[derive(Clone, Debug)]
pub struct Splitter {
    at: At,
    /// Whether the last line of the event ended in CR without LF.
    ends_in_cr: bool,
    has_data: bool,
    /// Whether a byte of the current event was fed.
    is_inside: bool,
}

/// Where in a line the next byte falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// At the start of the stream, with that much of a byte order mark behind.
    Mark(usize),
    LineStart,
    /// After that much of `data`.
    Name(usize),
    /// After `data:`, where one space is dropped.
    Colon,
    /// In the value of a data line.
    Data,
    /// In any other line.
    Other,
    /// After a CR that ended a line; an LF would belong to it.
    AfterCr {
        is_blank: bool,
    },
}

impl Default for Splitter {
    fn default() -> Self {
        Self {
            at: At::Mark(0),
            ends_in_cr: false,
            has_data: false,
            is_inside: false,
        }
    }
}

impl Splitter {
    /// A splitter at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream, up to the end of the current event. Returns how many of them belong to it where
    /// it ends, its blank line included; the rest is to be fed again. `None` where the event goes on.
    ///
    /// The event that ends at 0 bytes was complete with the bytes fed before. A blank line alone is an event too, without
    /// fields. Where the stream is cut makes no difference to where events end.
    pub fn feed(&mut self, bytes: &[u8]) -> Option<usize> {
        self.feed_data(bytes, |_| ())
    }

    /// Like [`Splitter::feed`]; `data` is called with the event's data, in order, as far as it lies in `bytes`. Lines are
    /// joined by LF.
    pub fn feed_data<'b>(
        &mut self,
        bytes: &'b [u8],
        mut data: impl FnMut(&'b [u8]),
    ) -> Option<usize> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            match self.at {
                At::Data | At::Other => at = self.rest_of_line(bytes, at, &mut data),
                At::LineStart if matches!(byte, b'\n' | b'\r') => {
                    at += 1;
                    if self.blank_line(byte) {
                        return Some(at);
                    }
                }
                At::AfterCr { is_blank } => {
                    at += usize::from(byte == b'\n');
                    self.end_line(byte != b'\n');
                    if is_blank {
                        self.end_event();
                        return Some(at);
                    }
                }
                _ => at += self.start_of_line(byte, &mut data),
            }
            self.is_inside = true;
        }
        None
    }

    /// Whether the stream stands between two events, where a comment may be inserted.
    #[must_use]
    pub const fn is_between_events(&self) -> bool {
        !self.is_inside
    }

    /// Whether the stream may end here: between events, or after a blank line whose CR might still have had an LF. Anything
    /// else is the beginning of an event that readers must discard.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        !self.is_inside || matches!(self.at, At::AfterCr { is_blank: true })
    }

    /// Takes the line end of a blank line; false where an LF may follow that belongs to it.
    ///
    /// A server that ends lines with CR alone never sends that LF: to wait for it would hold each event back until the next.
    /// One whose previous line ended otherwise is waited for, since its LF is already on the way.
    fn blank_line(&mut self, byte: u8) -> bool {
        if byte == b'\r' && !self.ends_in_cr {
            self.at = At::AfterCr { is_blank: true };
            return false;
        }
        self.end_event();
        true
    }

    fn end_event(&mut self) {
        *self = Self {
            at: At::LineStart,
            ..Self::default()
        };
    }

    fn end_line(&mut self, ends_in_cr: bool) {
        self.ends_in_cr = ends_in_cr;
        self.at = At::LineStart;
    }

    /// Reads on to the end of the line or of `bytes`.
    fn rest_of_line<'b>(
        &mut self,
        bytes: &'b [u8],
        at: usize,
        data: &mut impl FnMut(&'b [u8]),
    ) -> usize {
        let rest = &bytes[at..];
        let length = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        if self.at == At::Data && length > 0 {
            data(&rest[..length]);
        }
        match rest.get(length) {
            None => return bytes.len(),
            Some(b'\n') => self.end_line(false),
            Some(_) => self.at = At::AfterCr { is_blank: false },
        }
        at + length + 1
    }

    /// Reads a byte before the value of a line; returns how many bytes it took.
    fn start_of_line<'b>(&mut self, byte: u8, data: &mut impl FnMut(&'b [u8])) -> usize {
        let (next, taken) = match (self.at, byte) {
            (At::Mark(seen), _) if byte == BYTE_ORDER_MARK[seen] => {
                let seen = seen + 1;
                (
                    if seen == BYTE_ORDER_MARK.len() {
                        At::LineStart
                    } else {
                        At::Mark(seen)
                    },
                    1,
                )
            }
            (At::Mark(0), _) => (At::LineStart, 0),
            (At::Mark(_), _) => (At::Other, 0),
            (At::LineStart, b'd') => (At::Name(1), 1),
            (At::Name(seen), _) if DATA.get(seen) == Some(&byte) => (At::Name(seen + 1), 1),
            (At::Name(4), b':') => (At::Colon, 1),
            (At::Name(4), b'\n' | b'\r') => (At::Data, 0),
            (At::Colon, b' ') => (At::Data, 1),
            (At::Colon, _) => (At::Data, 0),
            _ => (At::Other, 0),
        };
        if matches!((self.at, next), (At::Name(4), At::Colon | At::Data))
            && std::mem::replace(&mut self.has_data, true)
        {
            data(b"\n");
        }
        self.at = next;
        taken
    }
}

/// The data of `event`, one complete event: `None` where it has no data line.
///
/// Borrows from `event` where the data is one line; several lines are joined by LF in `joined`, which is cleared first.
#[must_use]
pub fn data_of<'e>(event: &'e [u8], joined: &'e mut Vec<u8>) -> Option<&'e [u8]> {
    joined.clear();
    let mut line: Option<&[u8]> = None;
    let mut splitter = Splitter::new();
    // What comes before the fields of an event, or after its end, hides nothing: all of it is read.
    let mut rest = event;
    while let Some(length) = splitter.feed_data(rest, |part| match line {
        None => line = Some(part),
        Some(first) => {
            if joined.is_empty() {
                joined.extend_from_slice(first);
            }
            joined.extend_from_slice(part);
        }
    }) {
        rest = &rest[length..];
    }
    match line {
        Some(_) if !joined.is_empty() => Some(joined),
        Some(line) => Some(line),
        None => fields(event).any(|field| field.name == DATA).then_some(&[]),
    }
}

/// One line of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'e> {
    /// Before the colon; empty for a comment and for the blank line.
    pub name: &'e [u8],
    /// After the colon and one space.
    pub value: &'e [u8],
    /// The whole line with its end.
    pub raw: &'e [u8],
}

impl Field<'_> {
    /// How the line ends: LF, CR, CRLF, or nothing.
    fn line_end(&self) -> &[u8] {
        let content = self
            .raw
            .iter()
            .rposition(|byte| !matches!(byte, b'\r' | b'\n'))
            .map_or(0, |at| at + 1);
        &self.raw[content..]
    }
}

/// The lines of `event`, in order, its blank line included.
pub fn fields(event: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut rest = event;
    std::iter::from_fn(move || {
        let (raw, after) = rest.split_at(line_length(rest)?);
        rest = after;
        Some(field(raw))
    })
}

/// The length of the first line with its end; `None` where there is none.
fn line_length(bytes: &[u8]) -> Option<usize> {
    if bytes.is_empty() {
        return None;
    }
    Some(match memchr2(b'\n', b'\r', bytes) {
        None => bytes.len(),
        Some(end) if bytes[end..].starts_with(b"\r\n") => end + 2,
        Some(end) => end + 1,
    })
}

fn field(raw: &[u8]) -> Field<'_> {
    let content = memchr2(b'\n', b'\r', raw).map_or(raw, |end| &raw[..end]);
    let content = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(content);
    let (name, value) = match memchr::memchr(b':', content) {
        Some(colon) => (&content[..colon], &content[colon + 1..]),
        None => (content, &content[content.len()..]),
    };
    Field {
        name,
        value: value.strip_prefix(b" ").unwrap_or(value),
        raw,
    }
}

/// Appends `event` to `out` with `data` in place of its data lines; every other line is kept as it is.
///
/// The data stands where the first data line stood, a line for each of its lines, ended as that line was. An event without a
/// data line is copied.
pub fn replace_data(event: &[u8], data: &[u8], out: &mut Vec<u8>) {
    let mut pending = Some(data);
    for field in fields(event) {
        if field.name != DATA {
            out.extend_from_slice(field.raw);
        } else if let Some(data) = pending.take() {
            write_data(data, field.line_end(), out);
        }
    }
}

fn write_data(data: &[u8], line_end: &[u8], out: &mut Vec<u8>) {
    // JSON holds no line break outside white space, where one is as good as another.
    for line in data.split(|byte| matches!(byte, b'\n' | b'\r')) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.extend_from_slice(line_end);
    }
}

#[cfg(test)]
mod tests;
