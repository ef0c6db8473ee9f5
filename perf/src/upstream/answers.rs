//! What the fixture answers.
//!
//! | Request | Answer |
//! |---|---|
//! | `tools/call` of `bytes_N` | a JSON result of exactly N bytes |
//! | `tools/call` of `sse_N` | N events in one write, the last one the result |
//! | `tools/call` of `sse_N_Mms` | the same, an event every M milliseconds |
//! | `tools/call` of `hold`, any GET | one event, then an open stream |
//! | `tools/list` on `/tools/N` | N tools of about 480 bytes |
//! | `initialize`, `ping` | what a server says |
//! | a notification | 202 |

use std::collections::HashMap;
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use crate::http::request::Request;
use crate::jsonrpc::{member, members, text};

use super::outbound::Outbound;

/// The text that results are cut from: lines with one escape each, as tool output has.
const LINE: &[u8] = br"2026-01-01T00:00:00Z worker finished the unit it was given \n";

const OPENING: &[u8] = br#","result":{"content":[{"type":"text","text":""#;
const CLOSING: &[u8] = br#""}],"isError":false}}"#;
const MESSAGE: &[u8] = br#"{"jsonrpc":"2.0","id":"#;

const STREAM_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nX-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n";

/// How an answer goes on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It is whole.
    Whole,
    /// Its first event is out; the others follow, one `every` so long. `usize::MAX` of them means that none does.
    Stream {
        /// The request's id, as sent.
        id: Vec<u8>,
        /// Events in all.
        count: usize,
        /// Time between two.
        every: Duration,
    },
}

/// What a tool name asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    Bytes(usize),
    Events { count: usize, every: Duration },
    Hold,
}

/// Prepared bodies; made once a size, then shared.
pub(crate) struct Library {
    tools_default: usize,
    size_default: usize,
    text: Rc<[u8]>,
    lists: HashMap<usize, Rc<[u8]>>,
}

impl Library {
    /// An empty library; `tools` and `size` apply where a request does not say.
    pub(crate) fn new(tools: usize, size: usize) -> Self {
        Self {
            tools_default: tools,
            size_default: size,
            text: Rc::new([]),
            lists: HashMap::new(),
        }
    }

    /// Puts the answer to `request` into `out`, which must be empty.
    pub(crate) fn answer(&mut self, request: &Request<'_>, out: &mut Outbound) -> Reply {
        if request.method != b"POST" {
            return hold(b"0", out);
        }
        let (mut id, mut method, mut params) = (None, &b""[..], &b""[..]);
        for (name, value) in members(request.body) {
            match name {
                b"id" => id = Some(value),
                b"method" => method = text(value).unwrap_or_default(),
                b"params" => params = value,
                _ => {}
            }
        }
        let Some(id) = id else {
            out.own
                .extend_from_slice(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
            return Reply::Whole;
        };
        match method {
            b"tools/call" => self.call(
                id,
                member(params, b"name").and_then(text).unwrap_or_default(),
                out,
            ),
            b"tools/list" => self.list(id, request.target, out),
            b"initialize" => whole(id, INITIALIZED, out),
            b"ping" => whole(id, br#","result":{}}"#, out),
            _ => whole(
                id,
                br#","error":{"code":-32601,"message":"method not found"}}"#,
                out,
            ),
        }
    }

    fn call(&mut self, id: &[u8], name: &[u8], out: &mut Outbound) -> Reply {
        match tool(name, self.size_default) {
            Tool::Bytes(size) => self.result(id, size, out),
            Tool::Events { count, every } if every.is_zero() => burst(id, count, out),
            Tool::Events { count, every } => stream(id, count, every, out),
            Tool::Hold => hold(id, out),
        }
    }

    fn result(&mut self, id: &[u8], size: usize, out: &mut Outbound) -> Reply {
        let text_len =
            size.saturating_sub(MESSAGE.len() + id.len() + OPENING.len() + CLOSING.len());
        if self.text.len() < text_len {
            self.text = LINE.repeat(text_len.div_ceil(LINE.len())).into();
        }
        json_head(
            MESSAGE.len() + id.len() + OPENING.len() + text_len + CLOSING.len(),
            &mut out.own,
        );
        out.own.extend_from_slice(MESSAGE);
        out.own.extend_from_slice(id);
        out.own.extend_from_slice(OPENING);
        // Taken from the end of the text: a cut at its beginning may halve an escape, which leaves a plain `n`.
        out.shared = Some((
            Rc::clone(&self.text),
            self.text.len() - text_len..self.text.len(),
        ));
        out.end = CLOSING;
        Reply::Whole
    }

    fn list(&mut self, id: &[u8], target: &[u8], out: &mut Outbound) -> Reply {
        let count = number(target.strip_prefix(b"/tools/").unwrap_or_default())
            .unwrap_or(self.tools_default);
        let list = self
            .lists
            .entry(count)
            .or_insert_with(|| list_body(count).into());
        json_head(MESSAGE.len() + id.len() + list.len(), &mut out.own);
        out.own.extend_from_slice(MESSAGE);
        out.own.extend_from_slice(id);
        out.shared = Some((Rc::clone(list), 0..list.len()));
        Reply::Whole
    }
}

const INITIALIZED: &[u8] = br#","result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"guard-perf","version":"1"}}}"#;

fn number(digits: &[u8]) -> Option<usize> {
    crate::http::decimal(digits)
}

fn tool(name: &[u8], size_default: usize) -> Tool {
    let parsed = || {
        let (kind, rest) = str::from_utf8(name).ok()?.split_once('_')?;
        match kind {
            "bytes" => rest.parse().ok().map(Tool::Bytes),
            "sse" => {
                let (count, every) = rest.split_once('_').unwrap_or((rest, "0ms"));
                let every = Duration::from_millis(every.strip_suffix("ms")?.parse().ok()?);
                Some(Tool::Events {
                    count: count.parse().ok().filter(|&count| count > 0)?,
                    every,
                })
            }
            _ => None,
        }
    };
    match name {
        b"hold" => Tool::Hold,
        _ => parsed().unwrap_or(Tool::Bytes(size_default)),
    }
}

fn json_head(body_len: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ");
    append_number(body_len, out);
    out.extend_from_slice(b"\r\n\r\n");
}

/// Appends a decimal number. Writing into a vector cannot fail.
fn append_number(number: usize, out: &mut Vec<u8>) {
    let _ = write!(out, "{number}");
}

fn whole(id: &[u8], rest: &[u8], out: &mut Outbound) -> Reply {
    json_head(MESSAGE.len() + id.len() + rest.len(), &mut out.own);
    for part in [MESSAGE, id, rest] {
        out.own.extend_from_slice(part);
    }
    Reply::Whole
}

fn burst(id: &[u8], count: usize, out: &mut Outbound) -> Reply {
    out.own.extend_from_slice(STREAM_HEAD);
    for number in 1..=count {
        append_event(id, number, count, &mut out.own);
    }
    Reply::Whole
}

fn stream(id: &[u8], count: usize, every: Duration, out: &mut Outbound) -> Reply {
    out.own.extend_from_slice(STREAM_HEAD);
    append_event(id, 1, count, &mut out.own);
    match count {
        1 => Reply::Whole,
        _ => Reply::Stream {
            id: id.to_vec(),
            count,
            every,
        },
    }
}

fn hold(id: &[u8], out: &mut Outbound) -> Reply {
    stream(id, usize::MAX, Duration::ZERO, out)
}

/// Appends event `number` of `count` as one chunk: progress, or at the end the result and the end of the body.
pub(crate) fn append_event(id: &[u8], number: usize, count: usize, out: &mut Vec<u8>) {
    let event = if number == count {
        result_event(id)
    } else {
        progress_event(number)
    };
    let _ = write!(out, "{:x}\r\n", event.len());
    out.extend_from_slice(&event);
    out.extend_from_slice(if number == count {
        b"\r\n0\r\n\r\n"
    } else {
        b"\r\n"
    });
}

fn progress_event(number: usize) -> Vec<u8> {
    format!(
        "event: message\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{{\"progressToken\":\"perf\",\
         \"progress\":{number},\"message\":\"unit {number} of the work is done, the next one begins\"}}}}\n\n"
    )
    .into_bytes()
}

fn result_event(id: &[u8]) -> Vec<u8> {
    let opening = &b"event: message\ndata: "[..];
    [
        opening,
        MESSAGE,
        id,
        OPENING,
        b"all units are done",
        CLOSING,
        b"\n\n",
    ]
    .concat()
}

/// Tools `read_00001`, `write_00002`, … by turns, so that a policy can show half of them.
fn list_body(count: usize) -> Vec<u8> {
    let mut body = br#","result":{"tools":["#.to_vec();
    for number in 1..=count {
        let verb = if number % 2 == 1 { "read" } else { "write" };
        let _ = write!(
            body,
            "{}{{\"name\":\"{verb}_{number:05}\",\"title\":\"Tool {number}\",\"description\":\"Looks up records by the query given, \
             newest ones first, and then returns at most as many as the limit allows. Safe to call again and again.\",\"inputSchema\":{{\"type\":\"object\",\
             \"properties\":{{\"query\":{{\"type\":\"string\",\"description\":\"words to look for\"}},\"limit\":{{\"type\":\"integer\",\
             \"minimum\":1,\"maximum\":100}},\"cursor\":{{\"type\":\"string\"}}}},\"required\":[\"query\"],\"additionalProperties\":false}},\
             \"annotations\":{{\"readOnlyHint\":true}}}}",
            if number == 1 { "" } else { "," }
        );
    }
    body.extend_from_slice(b"]}}");
    body
}

#[cfg(test)]
mod tests;
