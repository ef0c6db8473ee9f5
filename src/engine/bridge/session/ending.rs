//! The end of a session: nobody is left waiting.

use std::collections::BTreeMap;

use super::action::{Action, StreamId};
use super::machine::{Phase, Session};
use super::posting::array;
use super::stream::{State, Stream};
use crate::engine::reply::{Failure, ReplyId};

impl Session {
    /// Ends the session for the reason that `failure` tells: each request that waits is answered with it, under its own id,
    /// and every stream ends.
    pub fn end(&mut self, failure: Failure, actions: &mut Vec<Action>) {
        let mut errors: BTreeMap<StreamId, Vec<Vec<u8>>> = BTreeMap::new();
        for flight in self.flights.drain() {
            let error = encode(failure, ReplyId::Known(&flight.id));
            errors.entry(flight.stream).or_default().push(error);
        }
        for (id, stream) in std::mem::take(&mut self.streams) {
            let errors = errors.remove(&id).unwrap_or_default();
            end_stream(id, stream, failure, errors, actions);
        }
        self.phase = Phase::Over;
        self.undecided.clear();
        actions.push(Action::Over);
    }
}

fn end_stream(
    id: StreamId,
    mut stream: Stream,
    failure: Failure,
    mut errors: Vec<Vec<u8>>,
    actions: &mut Vec<Action>,
) {
    if !stream.has_reader {
        return;
    }
    match stream.state {
        State::Undecided if stream.is_batch => {
            stream.held.append(&mut errors);
            actions.push(Action::Answer {
                stream: id,
                status: 200,
                body: array(&stream.held),
            });
        }
        State::Undecided => actions.push(Action::Answer {
            stream: id,
            status: failure.status(),
            body: errors.pop().unwrap_or_default(),
        }),
        State::Events | State::Over => {
            let bytes = errors
                .iter()
                .flat_map(|error| super::frame(error))
                .collect();
            if !errors.is_empty() {
                actions.push(Action::Emit { stream: id, bytes });
            }
            actions.push(Action::End { stream: id });
        }
    }
}

/// `failure` as a JSON-RPC error.
pub(super) fn encode(failure: Failure, id: ReplyId<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    failure.encode(id, "", &mut out);
    out
}
