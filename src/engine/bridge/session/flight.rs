//! The requests of one session that wait for their responses.

use std::collections::HashMap;

use super::action::StreamId;
use super::limits::REQUESTS_MAX;
use super::token::Key;

/// One request that was forwarded.
#[derive(Debug)]
pub(super) struct Flight {
    /// The stream that its response goes to.
    pub(super) stream: StreamId,
    /// Its id as the client wrote it.
    pub(super) id: Box<[u8]>,
    /// Its id at the server, where that is another one.
    pub(super) alias: Option<Box<[u8]>>,
    /// Its progress token.
    token: Option<Key>,
}

/// The table of them: by the client's id, by the server's, and by progress token.
#[derive(Debug, Default)]
pub(super) struct Flights {
    by_id: HashMap<Key, Flight>,
    /// The client's id of each request that the server knows under an alias.
    by_alias: HashMap<Key, Key>,
    by_token: HashMap<Key, Key>,
}

impl Flights {
    pub(super) fn has(&self, key: &Key) -> bool {
        self.by_id.contains_key(key)
    }

    /// Whether `more` requests may begin.
    pub(super) fn have_room(&self, more: usize) -> bool {
        self.by_id.len() + more <= REQUESTS_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Begins a request, which the server knows as `alias` where there is one. A progress token that two requests share names
    /// the later one, as it would in any client.
    pub(super) fn begin(
        &mut self,
        id: &[u8],
        alias: Option<&[u8]>,
        token: Option<&[u8]>,
        stream: StreamId,
    ) {
        let (key, token) = (Key::of(id), token.map(Key::of));
        if let Some(alias) = alias {
            self.by_alias.insert(Key::of(alias), key.clone());
        }
        if let Some(token) = &token {
            self.by_token.insert(token.clone(), key.clone());
        }
        let flight = Flight {
            stream,
            id: id.into(),
            alias: alias.map(Into::into),
            token,
        };
        self.by_id.insert(key, flight);
    }

    /// Ends the request that the client calls `id`, if there is one.
    pub(super) fn end(&mut self, id: &[u8]) -> Option<Flight> {
        self.remove(&Key::of(id))
    }

    /// Ends the request that the server calls `id`, if there is one.
    pub(super) fn answered(&mut self, id: &[u8]) -> Option<Flight> {
        let key = self.key_at_server(id)?.clone();
        self.remove(&key)
    }

    fn remove(&mut self, key: &Key) -> Option<Flight> {
        let flight = self.by_id.remove(key)?;
        if let Some(alias) = &flight.alias {
            self.by_alias.remove(&Key::of(alias));
        }
        if let Some(token) = &flight.token
            && self.by_token.get(token) == Some(key)
        {
            self.by_token.remove(token);
        }
        Some(flight)
    }

    /// The client's id of the request that the server calls `id`. One with an alias is known there by nothing else.
    fn key_at_server(&self, id: &[u8]) -> Option<&Key> {
        let key = Key::of(id);
        let named = self.by_id.get_key_value(&key);
        let own = named.filter(|(_, flight)| flight.alias.is_none());
        self.by_alias.get(&key).or(own.map(|(key, _)| key))
    }

    /// Forgets the requests whose streams `is_lost` says nobody can read any more; returns whether there were any.
    pub(super) fn forget(&mut self, is_lost: impl Fn(StreamId) -> bool) -> bool {
        let Self {
            by_id,
            by_alias,
            by_token,
        } = self;
        let before = by_id.len();
        by_id.retain(|_, flight| !is_lost(flight.stream));
        by_alias.retain(|_, key| by_id.contains_key(key));
        by_token.retain(|_, key| by_id.contains_key(key));
        by_id.len() < before
    }

    /// The stream of the request that the server calls `id`.
    pub(super) fn stream_of(&self, id: &[u8]) -> Option<StreamId> {
        let key = self.key_at_server(id)?;
        self.by_id.get(key).map(|flight| flight.stream)
    }

    /// The stream of the request with progress token `token`.
    pub(super) fn stream_of_token(&self, token: &[u8]) -> Option<StreamId> {
        let key = self.by_token.get(&Key::of(token))?;
        self.by_id.get(key).map(|flight| flight.stream)
    }

    /// The streams that wait for responses, once for each.
    pub(super) fn streams(&self) -> impl Iterator<Item = StreamId> {
        self.by_id.values().map(|flight| flight.stream)
    }

    /// Ends all of them.
    pub(super) fn drain(&mut self) -> Vec<Flight> {
        self.by_alias.clear();
        self.by_token.clear();
        self.by_id.drain().map(|(_, flight)| flight).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Flights, Key, REQUESTS_MAX, StreamId};

    #[test]
    fn a_request_is_found_by_id_and_token_until_it_ends() {
        let mut flights = Flights::default();
        flights.begin(b"1", None, Some(b"\"t\""), StreamId(4));
        flights.begin(b"\"1\"", None, Some(b"7"), StreamId(5));
        assert_eq!(flights.stream_of(b"1"), Some(StreamId(4)));
        assert_eq!(flights.stream_of(b"\"\\u0031\""), Some(StreamId(5)));
        assert_eq!(flights.stream_of_token(b"\"t\""), Some(StreamId(4)));
        assert_eq!(flights.stream_of_token(b"\"7\""), None);
        assert_eq!(&*flights.end(b"\"\\u0031\"").unwrap().id, b"\"1\"");
        assert_eq!(flights.stream_of_token(b"7"), None);
        assert!(flights.end(b"\"1\"").is_none());
        assert!(flights.has(&Key::of(b"1")));
    }

    #[test]
    fn a_token_of_two_requests_names_the_later_one() {
        let mut flights = Flights::default();
        flights.begin(b"1", None, Some(b"0"), StreamId(1));
        flights.begin(b"2", None, Some(b"0"), StreamId(2));
        flights.end(b"1");
        assert_eq!(flights.stream_of_token(b"0"), Some(StreamId(2)));
    }

    #[test]
    fn a_request_with_an_alias_is_answered_by_that_alone() {
        let mut flights = Flights::default();
        flights.begin(b"1", Some(b"\"x\""), Some(b"7"), StreamId(4));
        assert_eq!(flights.stream_of(b"1"), None);
        assert!(flights.answered(b"1").is_none());
        assert_eq!(flights.stream_of(b"\"x\""), Some(StreamId(4)));
        assert_eq!(&*flights.answered(b"\"\\u0078\"").unwrap().id, b"1");
        assert!(flights.is_empty() && flights.answered(b"\"x\"").is_none());
        flights.begin(b"1", Some(b"\"y\""), None, StreamId(5));
        assert_eq!(
            flights.end(b"1").unwrap().alias.as_deref(),
            Some(&b"\"y\""[..])
        );
        assert!(flights.by_alias.is_empty());
    }

    #[test]
    fn the_table_is_bounded() {
        let mut flights = Flights::default();
        for id in 0..REQUESTS_MAX {
            assert!(flights.have_room(1));
            flights.begin(id.to_string().as_bytes(), None, None, StreamId(1));
        }
        assert!(!flights.have_room(1) && flights.have_room(0));
    }
}
