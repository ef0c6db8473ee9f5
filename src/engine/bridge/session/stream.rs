//! One stream of a session.

/// How far a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// A POST whose answer is not begun: it may still become JSON.
    Undecided,
    /// An event stream.
    Events,
    /// Nothing more will come; its events are kept for a client that has not seen them all.
    Over,
}

/// What a session knows of one stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) state: State,
    /// Whether somebody takes what is emitted.
    pub(super) has_reader: bool,
    /// Whether the client takes an event stream for this answer.
    pub(super) takes_events: bool,
    /// Whether its POST was a batch.
    pub(super) is_batch: bool,
    /// Requests of its POST without response.
    pub(super) unanswered: usize,
    /// Responses to a batch that wait for the others.
    pub(super) held: Vec<Vec<u8>>,
    /// Bytes of `held`.
    pub(super) held_bytes: usize,
    /// Position of the last event.
    pub(super) last_position: u64,
    /// Position of the last event that a reader was given.
    pub(super) given_position: u64,
    /// Its events in the store.
    pub(super) stored: usize,
}

impl Stream {
    /// The answer to a POST.
    pub(super) const fn answer(unanswered: usize, is_batch: bool, takes_events: bool) -> Self {
        Self {
            state: State::Undecided,
            has_reader: true,
            takes_events,
            is_batch,
            unanswered,
            held: Vec::new(),
            held_bytes: 0,
            last_position: 0,
            given_position: 0,
            stored: 0,
        }
    }

    /// The stream of a session's GETs: it never ends by itself, and is kept while nobody reads it.
    pub(super) const fn standalone() -> Self {
        let mut stream = Self::answer(0, false, true);
        stream.state = State::Events;
        stream.has_reader = false;
        stream
    }

    /// Whether a message beside the responses reaches the client on this stream: at once, or when it resumes.
    pub(super) const fn is_reachable(&self) -> bool {
        match self.state {
            State::Undecided => self.has_reader && self.takes_events,
            State::Events => true,
            State::Over => false,
        }
    }

    /// Whether nothing of it can be asked for any more.
    pub(super) const fn is_spent(&self) -> bool {
        matches!(self.state, State::Over) && self.stored == 0
    }
}
