//! The sessions of one server: for whom each is, and whether it is free.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::Bounds;
use super::session::{Command, Standing};
use crate::control::bridge::{ConnectError, FullScope};
use crate::engine::session::Owner;

/// Sessions of one owner with the same capabilities: as many calls as may wait for input at once where the channel does not
/// tell which call a question belongs to.
pub(super) const SESSIONS_PER_KEY_MAX: usize = 8;

/// For whom a session is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) owner: Owner,
    /// What the clients said about themselves, in canonical form: it decides what the server may ask.
    pub(super) profile: Box<str>,
}

/// A session.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) key: Key,
    pub(super) number: [u8; 16],
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) standing: Arc<Standing>,
}

/// What a request wants of its session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Want {
    /// No other call that may ask runs there.
    pub(super) needs_free: bool,
    /// A new session may be opened.
    pub(super) may_open: bool,
}

/// The sessions, by owner.
#[derive(Debug)]
pub(super) struct Pool {
    bounds: Bounds,
    handles: HashMap<Owner, Vec<Handle>>,
}

impl Pool {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            handles: HashMap::new(),
        }
    }

    /// The session for a request of `key`; `None`: open one, there is room. Errors: there is none, and no room. O(sessions of
    /// the owner), and O(sessions) where one is to be opened.
    pub(super) fn take(
        &mut self,
        key: &Key,
        want: Want,
    ) -> Result<Option<mpsc::Sender<Command>>, ConnectError> {
        let owned = self.handles.get(&key.owner).map_or(&[][..], Vec::as_slice);
        let alike = || {
            owned
                .iter()
                .filter(|handle| handle.is_alive() && handle.key == *key)
        };
        let free = alike().find(|handle| !(want.needs_free && handle.standing.is_occupied()));
        if let Some(handle) = free {
            if want.needs_free {
                handle.standing.occupy();
            }
            return Ok(Some(handle.commands.clone()));
        }
        let shared = alike().min_by_key(|handle| handle.queued());
        let shared = shared.map(|handle| handle.commands.clone());
        let room = match want.may_open && alike().count() < SESSIONS_PER_KEY_MAX {
            true => self.make_room(key.owner),
            false => Err(ConnectError::Full(FullScope::Owner)),
        };
        match (room, shared) {
            (Ok(()), _) => Ok(None),
            (Err(_), Some(shared)) => Ok(Some(shared)),
            (Err(full), None) => Err(full),
        }
    }

    /// Makes sure that one more session of `owner` fits: ends the one that has idled longest where it must.
    fn make_room(&mut self, owner: Owner) -> Result<(), ConnectError> {
        self.handles.retain(|_, handles| {
            handles.retain(Handle::is_alive);
            !handles.is_empty()
        });
        let owned = self.handles.get(&owner).map_or(0, Vec::len);
        if owned >= self.bounds.sessions_per_owner && !self.evict(Some(owner)) {
            return Err(ConnectError::Full(FullScope::Owner));
        }
        let all: usize = self.handles.values().map(Vec::len).sum();
        if all >= self.bounds.sessions && !self.evict(None) {
            return Err(ConnectError::Full(FullScope::Process));
        }
        Ok(())
    }

    /// Ends the session (of `owner`) that has idled longest; whether one did.
    pub(super) fn evict(&mut self, owner: Option<Owner>) -> bool {
        let all = self.handles.values().flatten();
        let candidates = all.filter(|handle| {
            owner.is_none_or(|owner| handle.key.owner == owner) && handle.is_idle()
        });
        let oldest = candidates.min_by_key(|handle| handle.standing.idle_since_ms());
        let Some((owner, number)) = oldest.map(|handle| (handle.key.owner, handle.number)) else {
            return false;
        };
        if let Some(handles) = self.handles.get_mut(&owner) {
            handles.retain(|handle| handle.number != number);
        }
        true
    }

    /// The session of `owner` with that number.
    pub(super) fn find(&self, owner: Owner, number: [u8; 16]) -> Option<mpsc::Sender<Command>> {
        let mut handles = self.handles.get(&owner)?.iter();
        let handle = handles.find(|handle| handle.number == number)?;
        Some(handle.commands.clone())
    }

    pub(super) fn put(&mut self, handle: Handle) {
        self.handles
            .entry(handle.key.owner)
            .or_default()
            .push(handle);
    }
}

impl Handle {
    fn is_alive(&self) -> bool {
        !self.commands.is_closed()
    }

    /// Requests that it has not looked at yet.
    fn queued(&self) -> usize {
        self.commands.max_capacity() - self.commands.capacity()
    }

    /// Whether nobody uses the session, or is about to.
    fn is_idle(&self) -> bool {
        self.queued() == 0 && self.standing.idle_since_ms().is_some()
    }
}
