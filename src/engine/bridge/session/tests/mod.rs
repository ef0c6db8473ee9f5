//! A client, a server and a clock around one session.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod ends;
mod interleavings;
mod resuming;
mod routes;

use std::collections::HashMap;

use super::{Action, Opened, Posted, Refused, Session, Settings, StreamId};
use crate::engine::mcp::scan::{ScanLimits, scan};

/// What the client has of one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Waiting,
    Json(u16, String),
    /// What was written, and whether it ended.
    Events(String, bool),
}

/// A session with everything that it asked for done.
struct Desk {
    session: Session,
    now_ms: u64,
    answers: HashMap<StreamId, Answer>,
    forwarded: Vec<String>,
    is_over: bool,
}

impl Desk {
    /// Before `initialize`.
    fn closed(settings: Settings) -> Self {
        Self {
            session: Session::new(settings),
            now_ms: 0,
            answers: HashMap::new(),
            forwarded: Vec::new(),
            is_over: false,
        }
    }

    /// An open session of `revision` that keeps `events_bytes_max`.
    fn open_with(revision: &str, events_bytes_max: usize) -> Self {
        let mut desk = Self::closed(Settings::new(events_bytes_max));
        let stream = desk.ask(r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}"#);
        desk.hear(&format!(
            r#"{{"jsonrpc":"2.0","id":0,"result":{{"protocolVersion":"{revision}"}}}}"#
        ));
        assert!(matches!(desk.answer(stream), Answer::Json(200, _)));
        desk.forwarded.clear();
        desk
    }

    fn open() -> Self {
        Self::open_with("2025-11-25", 1 << 20)
    }

    fn try_post(&mut self, body: &str, takes_events: bool) -> Result<Posted, Refused> {
        let scanned = scan(body.as_bytes(), &ScanLimits::default()).unwrap();
        let mut actions = Vec::new();
        let posted = self.session.post(
            body.as_bytes(),
            &scanned,
            takes_events,
            self.now_ms,
            &mut actions,
        );
        if let Ok(Posted::Awaits(stream)) = posted {
            self.answers.insert(stream, Answer::Waiting);
        }
        self.perform(actions);
        posted
    }

    /// Posts what wants a response.
    fn ask(&mut self, body: &str) -> StreamId {
        match self.try_post(body, true) {
            Ok(Posted::Awaits(stream)) => stream,
            other => panic!("{other:?}"),
        }
    }

    /// Calls a tool as `id`, with a progress token of the same spelling.
    fn call(&mut self, id: &str) -> StreamId {
        self.ask(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"t","_meta":{{"progressToken":{id}}}}}}}"#
        ))
    }

    /// Posts what wants none.
    fn tell(&mut self, body: &str) {
        assert_eq!(self.try_post(body, true), Ok(Posted::Accepted));
    }

    fn cancel(&mut self, id: &str) {
        self.tell(&format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
        ));
    }

    fn hear(&mut self, message: &str) {
        self.hear_during(message, None);
    }

    fn hear_during(&mut self, message: &str, during: Option<&str>) {
        let mut actions = Vec::new();
        let during = during.map(str::as_bytes);
        self.session
            .hear(message.as_bytes().to_vec(), during, &mut actions);
        self.perform(actions);
    }

    fn respond(&mut self, id: &str) {
        self.hear(&response(id));
    }

    fn get(&mut self, last_event_id: Option<&str>) -> Result<Option<StreamId>, Refused> {
        let mut actions = Vec::new();
        let last_event_id = last_event_id.map(str::as_bytes);
        let opened = self.session.get(last_event_id, &mut actions)?;
        self.perform(actions);
        Ok(match opened {
            Opened::NothingLeft => None,
            Opened::Stream {
                stream,
                bytes,
                is_whole,
            } => {
                let text = String::from_utf8(bytes).unwrap();
                self.answers.insert(stream, Answer::Events(text, is_whole));
                Some(stream)
            }
        })
    }

    /// Opens the standalone stream.
    fn listen(&mut self) -> StreamId {
        self.get(None).unwrap().unwrap()
    }

    fn leave(&mut self, stream: StreamId) {
        let mut actions = Vec::new();
        self.session.left(stream, &mut actions);
        self.answers.remove(&stream);
        self.perform(actions);
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        let mut actions = Vec::new();
        self.session.tick(self.now_ms, &mut actions);
        self.perform(actions);
    }

    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Forward(message) => {
                    assert!(!message.contains(&b'\n') && !message.contains(&b'\r'));
                    self.forwarded.push(String::from_utf8(message).unwrap());
                }
                Action::Established { stream, body } => self.settle(stream, 200, body),
                Action::Answer {
                    stream,
                    status,
                    body,
                } => self.settle(stream, status, body),
                Action::Begin { stream, bytes } => {
                    assert_eq!(self.answer(stream), Answer::Waiting);
                    let text = String::from_utf8(bytes).unwrap();
                    self.answers.insert(stream, Answer::Events(text, false));
                }
                Action::Emit { stream, bytes } => self.write(stream, bytes),
                Action::End { stream } => match self.answers.get_mut(&stream) {
                    Some(Answer::Events(_, is_ended @ false)) => *is_ended = true,
                    other => panic!("{stream:?} {other:?}"),
                },
                Action::Over => self.is_over = true,
            }
        }
    }

    fn settle(&mut self, stream: StreamId, status: u16, body: Vec<u8>) {
        assert_eq!(self.answer(stream), Answer::Waiting);
        let body = String::from_utf8(body).unwrap();
        self.answers.insert(stream, Answer::Json(status, body));
    }

    fn write(&mut self, stream: StreamId, bytes: Vec<u8>) {
        match self.answers.get_mut(&stream) {
            Some(Answer::Events(text, false)) => text.push_str(&String::from_utf8(bytes).unwrap()),
            other => panic!("{stream:?} {other:?}"),
        }
    }

    fn answer(&self, stream: StreamId) -> Answer {
        self.answers.get(&stream).cloned().unwrap()
    }

    /// The messages on an event stream, in order, and whether it ended.
    fn events(&self, stream: StreamId) -> (Vec<String>, bool) {
        match self.answer(stream) {
            Answer::Events(text, is_ended) => (messages(&text), is_ended),
            other => panic!("{other:?}"),
        }
    }
}

/// The id and data of each event of `text`, priming events included.
fn parse(text: &str) -> Vec<(String, String)> {
    let events = text.split_terminator("\n\n");
    let fields = |event: &str, name: &str| {
        let prefix = format!("{name}:");
        let lines = event.lines().filter_map(|line| line.strip_prefix(&prefix));
        let lines: Vec<_> = lines
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        lines.join("\n")
    };
    events
        .map(|event| (fields(event, "id"), fields(event, "data")))
        .collect()
}

fn messages(text: &str) -> Vec<String> {
    let events = parse(text).into_iter().map(|(_, data)| data);
    events.filter(|data| !data.is_empty()).collect()
}

fn last_id(desk: &Desk, stream: StreamId) -> String {
    match desk.answer(stream) {
        Answer::Events(text, _) => parse(&text).pop().unwrap().0,
        other => panic!("{other:?}"),
    }
}

fn response(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"big":90071992547409931,"n":1.0}}}}"#)
}

fn progress(token: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":1}}}}"#
    )
}

fn notice(method: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{}}}}"#)
}

fn question(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"roots/list"}}"#)
}
