//! What an answer must be. A figure counts only if every answer was right.

use memchr::memmem;

use crate::http::answer::{AnswerReader, Malformed};
use crate::jsonrpc::members;

/// What a right answer holds, beside status 200 and the request's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expectation {
    /// A JSON result of this many bytes.
    Result {
        /// Length of the body.
        bytes: usize,
    },
    /// A list of this many tools.
    Tools {
        /// Tools shown.
        count: usize,
    },
    /// A stream of this many events, the last one the result.
    Events {
        /// Events with data; comments are not counted.
        count: usize,
    },
}

/// One way in which an answer was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The status was not 200.
    Status(u16),
    /// It answers another request.
    Id,
    /// It is an error, or its length is another.
    Content,
    /// The number of tools or events is another.
    Count,
    /// It cannot be read.
    Framing,
    /// The connection ended before or inside it.
    Closed,
    /// It did not come.
    Missing,
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Truncated => Self::Closed,
            Malformed::Head | Malformed::Chunk | Malformed::Surplus => Self::Framing,
        }
    }
}

impl Expectation {
    /// Judges a complete answer to the request with `id`.
    pub(crate) fn check(self, answer: &AnswerReader, id: u64) -> Result<(), Fault> {
        let body = answer.body();
        if answer.status() != 200 {
            return Err(Fault::Status(answer.status()));
        }
        match self {
            Self::Result { bytes } => {
                result_of(body, id).and_then(|()| holds(body.len() == bytes, Fault::Content))
            }
            Self::Tools { count } => result_of(body, id)
                .and_then(|()| holds(count_of(body, b"\"inputSchema\":") == count, Fault::Count)),
            Self::Events { count } => result_of(last_event(body), id)
                .and_then(|()| holds(count_of(body, b"data: ") == count, Fault::Count)),
        }
    }
}

fn holds(right: bool, fault: Fault) -> Result<(), Fault> {
    if right { Ok(()) } else { Err(fault) }
}

/// The message is a result for `id`. Ends the walk at the result, so that a large one is not read twice.
fn result_of(message: &[u8], id: u64) -> Result<(), Fault> {
    let mut id_right = false;
    for (name, value) in members_lazily(message) {
        match name {
            b"id" => id_right = value == id.to_string().as_bytes(),
            b"result" if id_right => return Ok(()),
            b"error" => return Err(Fault::Content),
            _ => {}
        }
    }
    Err(if id_right { Fault::Content } else { Fault::Id })
}

/// As [`members`], except that a `result` that follows the id is cut short: its value need not be walked.
fn members_lazily(message: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let cut = memmem::find(&message[..message.len().min(256)], b"\"result\":");
    let short = cut.map(|at| &message[..at]);
    let result = cut.map(|_| (&b"result"[..], &b""[..]));
    members(short.unwrap_or(message)).chain(result)
}

fn count_of(body: &[u8], needle: &[u8]) -> usize {
    memmem::find_iter(body, needle).count()
}

fn last_event(body: &[u8]) -> &[u8] {
    memmem::rfind(body, b"data: ").map_or(&[], |at| &body[at + b"data: ".len()..])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn check(expectation: Expectation, status: u16, body: &str, expected: Result<(), Fault>) {
        let mut answer = AnswerReader::default();
        let wire = format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        answer.feed(wire.as_bytes()).unwrap();
        assert_eq!(expectation.check(&answer, 7), expected, "{body}");
    }

    #[test]
    fn only_the_right_answer_is_right() {
        let right = r#"{"jsonrpc":"2.0","id":7,"result":{}}"#;
        let result = Expectation::Result { bytes: right.len() };
        check(result, 200, right, Ok(()));
        check(
            result,
            200,
            r#"{"result":{},"jsonrpc":"2.0","id":7}"#,
            Err(Fault::Id),
        );
        check(
            result,
            200,
            r#"{"jsonrpc":"2.0","id":8,"result":{}}"#,
            Err(Fault::Id),
        );
        check(
            result,
            200,
            r#"{"jsonrpc":"2.0","id":7,"error":{}}"#,
            Err(Fault::Content),
        );
        check(
            result,
            200,
            r#"{"jsonrpc":"2.0","id":7,"result":{ }}"#,
            Err(Fault::Content),
        );
        check(result, 429, right, Err(Fault::Status(429)));
        check(result, 200, "", Err(Fault::Id));
    }

    #[test]
    fn tools_and_events_are_counted() {
        let list = r#"{"jsonrpc":"2.0","id":7,"result":{"tools":[{"inputSchema":{}},{"inputSchema":{}}]}}"#;
        check(Expectation::Tools { count: 2 }, 200, list, Ok(()));
        check(
            Expectation::Tools { count: 1 },
            200,
            list,
            Err(Fault::Count),
        );
        let stream =
            ": comment\n\ndata: {}\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n";
        check(Expectation::Events { count: 2 }, 200, stream, Ok(()));
        check(
            Expectation::Events { count: 3 },
            200,
            stream,
            Err(Fault::Count),
        );
        check(
            Expectation::Events { count: 1 },
            200,
            "data: {}\n\n",
            Err(Fault::Id),
        );
    }
}
