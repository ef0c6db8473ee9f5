//! The sessions of one server: for whom each is, and whether it is free.

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

/// The sessions.
#[derive(Debug)]
pub(super) struct Pool {
    bounds: Bounds,
    handles: Vec<Handle>,
}

impl Pool {
    pub(super) const fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            handles: Vec::new(),
        }
    }

    /// The session for a request of `key`; `None`: open one, there is room. Errors: there is none, and no room. O(sessions).
    pub(super) fn take(
        &mut self,
        key: &Key,
        want: Want,
    ) -> Result<Option<mpsc::Sender<Command>>, ConnectError> {
        self.handles.retain(|handle| !handle.commands.is_closed());
        let own = || self.handles.iter().filter(|handle| handle.key == *key);
        let free = own().find(|handle| !(want.needs_free && handle.standing.is_occupied()));
        if let Some(handle) = free {
            if want.needs_free {
                handle.standing.occupy();
            }
            return Ok(Some(handle.commands.clone()));
        }
        let shared =
            own().min_by_key(|handle| handle.commands.max_capacity() - handle.commands.capacity());
        let shared = shared.map(|handle| handle.commands.clone());
        let has_room = own().count() < SESSIONS_PER_KEY_MAX;
        let room = match want.may_open && has_room {
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
        let owned = self
            .handles
            .iter()
            .filter(|handle| handle.key.owner == owner);
        if owned.count() >= self.bounds.sessions_per_owner && !self.evict(Some(owner)) {
            return Err(ConnectError::Full(FullScope::Owner));
        }
        if self.handles.len() >= self.bounds.sessions && !self.evict(None) {
            return Err(ConnectError::Full(FullScope::Process));
        }
        Ok(())
    }

    /// Ends the session (of `owner`) that has idled longest; whether one did.
    fn evict(&mut self, owner: Option<Owner>) -> bool {
        let candidates = self.handles.iter().enumerate().filter(|(_, handle)| {
            owner.is_none_or(|owner| handle.key.owner == owner) && handle.is_idle()
        });
        let oldest = candidates
            .min_by_key(|(_, handle)| handle.standing.idle_since_ms())
            .map(|(index, _)| index);
        oldest
            .map(|index| self.handles.swap_remove(index))
            .is_some()
    }

    /// The session with that number.
    pub(super) fn find(&self, number: [u8; 16]) -> Option<mpsc::Sender<Command>> {
        let mut handles = self.handles.iter();
        let handle = handles.find(|handle| handle.number == number)?;
        Some(handle.commands.clone())
    }

    pub(super) fn put(&mut self, handle: Handle) {
        self.handles.push(handle);
    }
}

impl Handle {
    /// Whether nobody uses the session, or is about to.
    fn is_idle(&self) -> bool {
        let is_quiet = self.commands.capacity() == self.commands.max_capacity();
        is_quiet && self.standing.idle_since_ms().is_some()
    }
}
