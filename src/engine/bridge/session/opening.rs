//! GET: the standalone stream, and the rest of a stream that broke off.

use super::action::{Action, Opened, Refused, StreamId};
use super::event::EventId;
use super::machine::Session;
use super::stream::State;
use crate::engine::reply::Failure;

impl Session {
    /// Opens the standalone stream, or with `last_event_id` the rest of the stream that this event was on.
    ///
    /// A stream has one reader. Who opens it takes it over and the earlier reader's answer ends: a gateway sees later than
    /// a client that a connection is dead, so to refuse the second (409, as some servers do) would lock a client out.
    ///
    /// What is left of a stream is what came after the event. Where some of that had to make room, the client gets the rest
    /// of it. Errors: [`Failure::BadHeader`] where the event is none of this session, or nothing after it is kept although
    /// something came: the client must not believe that it has seen everything.
    pub fn get(
        &mut self,
        last_event_id: Option<&[u8]>,
        actions: &mut Vec<Action>,
    ) -> Result<Opened, Refused> {
        match last_event_id {
            None => Ok(self.listen(actions)),
            Some(text) => self.resume(text, actions),
        }
    }

    fn listen(&mut self, actions: &mut Vec<Action>) -> Opened {
        let id = StreamId::STANDALONE;
        let given = self
            .streams
            .get(&id)
            .map_or(0, |stream| stream.given_position);
        self.reopen(id, given, actions)
    }

    fn resume(&mut self, text: &[u8], actions: &mut Vec<Action>) -> Result<Opened, Refused> {
        let unknown = Refused {
            failure: Failure::BadHeader {
                detail: "event of Last-Event-ID is unknown",
            },
            id: None,
        };
        let last_seen = EventId::parse(text).ok_or(unknown.clone())?;
        if self.spent.contains(&last_seen) {
            return Ok(Opened::NothingLeft);
        }
        let EventId { stream, position } = last_seen;
        let known = self.streams.get(&stream).ok_or(unknown.clone())?;
        if position > known.last_position || known.state == State::Undecided {
            return Err(unknown);
        }
        if known.state == State::Over && position == known.last_position {
            return Ok(Opened::NothingLeft);
        }
        let is_lost = self.store.after(stream, position).next().is_none();
        if known.state == State::Over && is_lost {
            return Err(unknown);
        }
        Ok(self.reopen(stream, position, actions))
    }

    /// Gives `id` a new reader, who gets what is kept after `position`.
    fn reopen(&mut self, id: StreamId, position: u64, actions: &mut Vec<Action>) -> Opened {
        let mut bytes = Vec::new();
        self.prime(id, position, &mut bytes);
        for (_, event) in self.store.after(id, position) {
            bytes.extend_from_slice(event);
        }
        let mut is_whole = true;
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.given_position = stream.last_position;
            is_whole = stream.state == State::Over;
            if std::mem::replace(&mut stream.has_reader, !is_whole) {
                actions.push(Action::End { stream: id });
            }
        }
        Opened::Stream {
            stream: id,
            bytes,
            is_whole,
        }
    }
}
