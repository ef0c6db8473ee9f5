//! The session itself: its state, and what all of its parts do to streams.

use std::collections::{HashMap, VecDeque};

use super::action::{Action, StreamId};
use super::alias::Aliases;
use super::event::{EventId, write_message, write_priming};
use super::flight::Flights;
use super::limits::SPENT_MAX;
use super::store::{EventStore, Kept};
use super::stream::{State, Stream};
use super::token::Key;
use crate::engine::mcp::revision::Revision;

/// What may differ between sessions.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Events that are kept, in bytes (`limits.session_events_bytes`).
    pub events_bytes_max: usize,
    /// How long a POST waits for its response before it becomes an event stream, in milliseconds.
    pub answer_wait_ms: u64,
    /// What a client is told to wait before it comes back, in milliseconds.
    pub retry_ms: u64,
}

impl Settings {
    /// Settings that keep `events_bytes_max` bytes of events.
    #[must_use]
    pub const fn new(events_bytes_max: usize) -> Self {
        Self {
            events_bytes_max,
            answer_wait_ms: 3_000,
            retry_ms: 1_000,
        }
    }
}

/// What a session did with what could not be delivered, since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Responses to nothing that waits: late, unknown, repeated.
    pub stray_responses: u64,
    /// What the server said that is no message.
    pub unreadable: u64,
    /// Messages that nobody took and that the store could not keep.
    pub lost: u64,
}

/// How far the session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// `initialize` is awaited, or its response is, on that stream.
    Opening(Option<StreamId>),
    /// The server has accepted it.
    Open,
    /// It ended.
    Over,
}

/// One legacy session of a Streamable HTTP client, from its `initialize` to its end.
///
/// A session is fed with [`post`](Self::post), [`get`](Self::get), [`hear`](Self::hear), [`left`](Self::left),
/// [`tick`](Self::tick) and [`end`](Self::end). Each appends to a list of [`Action`]s, which its owner does in order.
///
/// Holds at most [`Settings::events_bytes_max`] of events, 1024 requests, and of each batch 256 KiB of responses and the one
/// that exceeded them.
#[derive(Debug)]
pub struct Session {
    pub(super) settings: Settings,
    pub(super) phase: Phase,
    pub(super) revision: Option<Revision>,
    pub(super) streams: HashMap<StreamId, Stream>,
    pub(super) flights: Flights,
    pub(super) aliases: Aliases,
    pub(super) store: EventStore,
    /// Requests of the server that were passed on, with the stream that each took.
    pub(super) asked: VecDeque<(Key, StreamId)>,
    /// POSTs by the time at which they began to wait.
    pub(super) undecided: VecDeque<(u64, StreamId)>,
    /// Ends of streams that are forgotten otherwise.
    pub(super) spent: VecDeque<EventId>,
    pub(super) last_stream: u64,
    pub(super) openings: u64,
    pub(super) counts: Counts,
}

impl Session {
    /// A session whose first POST is to be `initialize`.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            phase: Phase::Opening(None),
            revision: None,
            streams: HashMap::from([(StreamId::STANDALONE, Stream::standalone())]),
            flights: Flights::default(),
            aliases: Aliases::default(),
            store: EventStore::new(settings.events_bytes_max),
            asked: VecDeque::new(),
            undecided: VecDeque::new(),
            spent: VecDeque::new(),
            last_stream: 0,
            openings: 0,
            counts: Counts::default(),
        }
    }

    /// The revision that the server chose, where it is a known one.
    #[must_use]
    pub const fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// What could not be delivered so far.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether no request waits for its response.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.flights.is_empty()
    }

    /// When [`tick`](Self::tick) has something to do, in milliseconds of the owner's clock.
    #[must_use]
    pub fn due_at_ms(&mut self) -> Option<u64> {
        while let Some((since_ms, stream)) = self.undecided.front().copied() {
            if self.waits(stream) {
                return Some(since_ms.saturating_add(self.settings.answer_wait_ms));
            }
            self.undecided.pop_front();
        }
        None
    }

    /// The time is `now_ms`: POSTs that have waited long enough become event streams, so that their clients get bytes, and
    /// an event to resume from.
    pub fn tick(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        while self.due_at_ms().is_some_and(|due_ms| due_ms <= now_ms) {
            if let Some((_, stream)) = self.undecided.pop_front() {
                self.begin(stream, actions);
            }
        }
    }

    /// The reader of `stream` is gone. That cancels nothing: what comes is kept for when the client resumes.
    pub fn left(&mut self, stream: StreamId, actions: &mut Vec<Action>) {
        if let Some(stream) = self.streams.get_mut(&stream) {
            stream.has_reader = false;
            stream.held_bytes = 0;
            self.counts.lost += std::mem::take(&mut stream.held).len() as u64;
        }
        // Nobody knows the id of this session, or ever will.
        if self.phase == Phase::Opening(Some(stream)) {
            self.phase = Phase::Over;
            actions.push(Action::Over);
        }
    }

    fn waits(&self, stream: StreamId) -> bool {
        self.streams.get(&stream).is_some_and(|stream| {
            stream.state == State::Undecided && stream.has_reader && stream.takes_events
        })
    }

    /// Whether the client understands an event without data.
    fn primes(&self) -> bool {
        self.revision >= Some(Revision::R2025_11_25)
    }

    /// Turns a POST that waits into an event stream, with the responses that were held for it.
    pub(super) fn begin(&mut self, id: StreamId, actions: &mut Vec<Action>) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        stream.state = State::Events;
        stream.held_bytes = 0;
        let held = std::mem::take(&mut stream.held);
        let mut bytes = Vec::new();
        self.prime(id, 0, &mut bytes);
        for message in held {
            bytes.append(&mut self.event(id, &message));
        }
        actions.push(Action::Begin { stream: id, bytes });
    }

    /// Appends the priming event of an opening of `stream` that goes on after `position`.
    pub(super) fn prime(&mut self, stream: StreamId, position: u64, out: &mut Vec<u8>) {
        if self.primes() {
            self.openings += 1;
            let id = EventId { stream, position };
            write_priming(id, self.openings, self.settings.retry_ms, out);
        }
    }

    /// Puts `message` on an event stream.
    pub(super) fn emit(&mut self, id: StreamId, message: &[u8], actions: &mut Vec<Action>) {
        let bytes = self.event(id, message);
        if self
            .streams
            .get(&id)
            .is_some_and(|stream| stream.has_reader)
        {
            actions.push(Action::Emit { stream: id, bytes });
        }
    }

    /// Makes the next event of an event stream and keeps a copy of it.
    fn event(&mut self, id: StreamId, message: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let Some(stream) = self.streams.get_mut(&id) else {
            return bytes;
        };
        stream.last_position += 1;
        let position = stream.last_position;
        let has_reader = stream.has_reader;
        if has_reader {
            stream.given_position = position;
        }
        let event = EventId {
            stream: id,
            position,
        };
        write_message(event, message, &mut bytes);
        self.keep(event, &bytes, has_reader);
        bytes
    }

    fn keep(&mut self, id: EventId, event: &[u8], is_given: bool) {
        let Self {
            streams,
            store,
            counts,
            spent,
            ..
        } = self;
        let kept = store.keep(id, event, |evicted| {
            if let Some(stream) = streams.get_mut(&evicted.stream) {
                stream.stored -= 1;
                counts.lost += u64::from(evicted.position > stream.given_position);
                forget_spent(streams, spent, evicted.stream);
            }
        });
        match kept {
            Kept::Yes => {
                if let Some(stream) = streams.get_mut(&id.stream) {
                    stream.stored += 1;
                }
            }
            Kept::TooLarge => counts.lost += u64::from(!is_given),
        }
    }

    /// Ends a stream to which nothing more will come.
    pub(super) fn finish(&mut self, id: StreamId, actions: &mut Vec<Action>) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        stream.state = State::Over;
        if std::mem::take(&mut stream.has_reader) {
            actions.push(Action::End { stream: id });
        }
        forget_spent(&mut self.streams, &mut self.spent, id);
    }
}

/// Forgets a stream that is over and has no event left, but for its end, so that who has seen all of it can be told.
fn forget_spent(
    streams: &mut HashMap<StreamId, Stream>,
    spent: &mut VecDeque<EventId>,
    id: StreamId,
) {
    if !streams.get(&id).is_some_and(Stream::is_spent) {
        return;
    }
    let Some(stream) = streams.remove(&id) else {
        return;
    };
    if spent.len() >= SPENT_MAX {
        spent.pop_front();
    }
    spent.push_back(EventId {
        stream: id,
        position: stream.last_position,
    });
}
