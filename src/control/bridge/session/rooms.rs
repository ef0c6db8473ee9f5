//! The sessions of every front: how many there may be, who has them, and which can be ended for another.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::mailbox::{Command, Handle, Pulse};
use crate::control::bridge::FullScope;
use crate::engine::bridge::session::Counts;
use crate::engine::reply::Failure;
use crate::engine::session::Owner;

/// Rooms that were left lately and are remembered.
const LEFT_MAX: usize = 64;

/// How long a room that was left is remembered: what it held, a child perhaps, may take that long to end.
const LEFT_MS: u64 = 3_000;

/// What became of sessions since the process started.
#[derive(Debug, Default)]
pub(in crate::control) struct SessionCounts {
    /// Sessions that began.
    pub(in crate::control) begun: AtomicU64,
    /// Sessions that ended because nothing used them (`limits.session_idle_timeout`).
    pub(in crate::control) expired: AtomicU64,
    /// Idle sessions that ended to make room for others.
    pub(in crate::control) displaced: AtomicU64,
    /// Sessions that found no room.
    pub(in crate::control) refused: AtomicU64,
    /// Responses of servers to nothing that waited.
    pub(in crate::control) stray_responses: AtomicU64,
    /// What servers said that is no message.
    pub(in crate::control) unreadable: AtomicU64,
    /// Messages of servers that nobody took and no store could keep.
    pub(in crate::control) lost: AtomicU64,
}

impl SessionCounts {
    pub(super) fn add(&self, counts: Counts) {
        let add = |counter: &AtomicU64, more| counter.fetch_add(more, Ordering::Relaxed);
        add(&self.stray_responses, counts.stray_responses);
        add(&self.unreadable, counts.unreadable);
        add(&self.lost, counts.lost);
    }
}

/// One front among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrontId(u64);

/// The process's sessions: bounds over all fronts, and the table in which each is found.
#[derive(Debug)]
pub(in crate::control) struct SessionRooms {
    started: Instant,
    fronts: AtomicU64,
    table: Mutex<Table>,
    /// What became of them.
    pub(in crate::control) counts: SessionCounts,
}

#[derive(Debug)]
struct Table {
    sessions_max: usize,
    sessions_per_owner_max: usize,
    rooms: usize,
    rooms_by_owner: HashMap<Owner, usize>,
    sessions: HashMap<Box<str>, Entry>,
    left: VecDeque<Left>,
}

/// A room that was left.
#[derive(Debug)]
struct Left {
    at_ms: u64,
    front: FrontId,
    owner: Owner,
}

#[derive(Debug)]
struct Entry {
    front: FrontId,
    owner: Owner,
    handle: Handle,
    pulse: Arc<Pulse>,
    /// Whether it was told to end.
    is_ending: bool,
}

impl SessionRooms {
    /// Room for `sessions_max` sessions (`limits.sessions`), `sessions_per_owner_max` of them for one owner
    /// (`limits.sessions_per_principal`).
    pub(in crate::control) fn new(sessions_max: usize, sessions_per_owner_max: usize) -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            fronts: AtomicU64::new(0),
            table: Mutex::new(Table {
                sessions_max,
                sessions_per_owner_max,
                rooms: 0,
                rooms_by_owner: HashMap::new(),
                sessions: HashMap::new(),
                left: VecDeque::new(),
            }),
            counts: SessionCounts::default(),
        })
    }

    /// Changes the bounds. Sessions beyond them stay; new ones find no room.
    pub(in crate::control) fn set_bounds(&self, sessions_max: usize, per_owner_max: usize) {
        let mut table = self.table();
        table.sessions_max = sessions_max;
        table.sessions_per_owner_max = per_owner_max;
    }

    /// Sessions that are held now, over all fronts.
    pub(in crate::control) fn sessions(&self) -> usize {
        self.table().rooms
    }

    pub(super) fn new_front(&self) -> FrontId {
        FrontId(self.fronts.fetch_add(1, Ordering::Relaxed))
    }

    /// Milliseconds of the clock that sessions live by.
    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Takes a room for a session of `owner` at `front`.
    pub(super) fn take(self: &Arc<Self>, front: FrontId, owner: Owner) -> Result<Room, FullScope> {
        let mut table = self.table();
        if table.rooms >= table.sessions_max {
            return Err(FullScope::Process);
        }
        let of_owner = table.rooms_by_owner.get(&owner).copied().unwrap_or(0);
        if of_owner >= table.sessions_per_owner_max {
            return Err(FullScope::Owner);
        }
        table.rooms += 1;
        table.rooms_by_owner.insert(owner, of_owner + 1);
        Ok(Room {
            rooms: Arc::clone(self),
            front,
            owner,
            id: None,
        })
    }

    /// The session that is called `id`, where it is this front's and this owner's.
    pub(super) fn find(&self, front: FrontId, owner: Owner, id: &[u8]) -> Option<Handle> {
        let id = str::from_utf8(id).ok()?;
        let table = self.table();
        let entry = table.sessions.get(id)?;
        let is_theirs = entry.front == front && entry.owner == owner && !entry.is_ending;
        is_theirs.then(|| entry.handle.clone())
    }

    /// Ends the session within `scope` that has been idle longest; `false` where none is idle.
    pub(super) fn displace(&self, scope: FullScope, front: FrontId, owner: Owner) -> bool {
        let mut table = self.table();
        let candidates = table.sessions.values_mut().filter(|entry| {
            !entry.is_ending && is_within(scope, (front, owner), (entry.front, entry.owner))
        });
        let idlest = candidates
            .filter_map(|entry| Some((entry.pulse.idle_since_ms()?, entry)))
            .min_by_key(|(since_ms, _)| *since_ms);
        let Some((_, entry)) = idlest else {
            return false;
        };
        entry.is_ending = end(entry, Failure::SessionUnknown);
        self.counts
            .displaced
            .fetch_add(u64::from(entry.is_ending), Ordering::Relaxed);
        entry.is_ending
    }

    /// Whether a session within `scope` is on its way out, so that there may soon be room.
    pub(super) fn is_leaving(&self, scope: FullScope, front: FrontId, owner: Owner) -> bool {
        let now_ms = self.now_ms();
        let table = self.table();
        let is_near = |at, whose| is_within(scope, (front, owner), (at, whose));
        let mut sessions = table.sessions.values();
        let mut left = table.left.iter();
        sessions.any(|entry| entry.is_ending && is_near(entry.front, entry.owner))
            || left.any(|left| left.at_ms + LEFT_MS > now_ms && is_near(left.front, left.owner))
    }

    /// Ends every session of `front`; returns how many are left to end.
    pub(super) fn end_all(&self, front: FrontId, failure: Failure) -> usize {
        let mut table = self.table();
        let mut left = 0;
        for entry in table.sessions.values_mut() {
            if entry.front == front {
                left += 1;
                entry.is_ending = entry.is_ending || end(entry, failure);
            }
        }
        left
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a session of `theirs` counts where `scope` is full for `ours`.
fn is_within(scope: FullScope, ours: (FrontId, Owner), theirs: (FrontId, Owner)) -> bool {
    match scope {
        FullScope::Owner => ours.1 == theirs.1,
        FullScope::Server => ours.0 == theirs.0,
        FullScope::Process => true,
    }
}

/// Tells a session to end. One whose mailbox is full is in use.
fn end(entry: &Entry, failure: Failure) -> bool {
    entry
        .handle
        .commands
        .try_send(Command::End(failure))
        .is_ok()
}

/// A session's place: taken before its link, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    rooms: Arc<SessionRooms>,
    front: FrontId,
    owner: Owner,
    /// Under which it is found, once it is.
    id: Option<Box<str>>,
}

impl Room {
    /// Makes the session known under `id`, to its owner at its front.
    pub(super) fn announce(&mut self, id: &str, handle: Handle, pulse: Arc<Pulse>) {
        let entry = Entry {
            front: self.front,
            owner: self.owner,
            handle,
            pulse,
            is_ending: false,
        };
        self.rooms.table().sessions.insert(id.into(), entry);
        self.rooms.counts.begun.fetch_add(1, Ordering::Relaxed);
        self.id = Some(id.into());
    }

    /// Makes it unknown again; its place stays taken.
    pub(super) fn withdraw(&mut self) {
        if let Some(id) = self.id.take() {
            self.rooms.table().sessions.remove(&id);
        }
    }

    pub(super) fn rooms(&self) -> &SessionRooms {
        &self.rooms
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.withdraw();
        let at_ms = self.rooms.now_ms();
        let mut table = self.rooms.table();
        if table.left.len() >= LEFT_MAX {
            table.left.pop_front();
        }
        table.left.push_back(Left {
            at_ms,
            front: self.front,
            owner: self.owner,
        });
        table.rooms -= 1;
        if let Some(count) = table.rooms_by_owner.get_mut(&self.owner) {
            *count -= 1;
            if *count == 0 {
                table.rooms_by_owner.remove(&self.owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::sync::Arc;

    use super::{Command, Failure, FullScope, Owner, Pulse, SessionRooms};
    use crate::control::bridge::session::mailbox::mailbox;

    fn owner(digit: char) -> Owner {
        Owner::from_hex(digit.to_string().repeat(32).as_bytes()).unwrap()
    }

    #[test]
    fn rooms_are_bounded_in_all_and_for_one_owner_and_come_back() {
        let rooms = SessionRooms::new(3, 2);
        let front = rooms.new_front();
        let first = rooms.take(front, owner('a')).unwrap();
        let _second = rooms.take(front, owner('a')).unwrap();
        assert_eq!(rooms.take(front, owner('a')).unwrap_err(), FullScope::Owner);
        let _third = rooms.take(front, owner('b')).unwrap();
        assert_eq!(
            rooms.take(front, owner('b')).unwrap_err(),
            FullScope::Process
        );
        assert!(!rooms.is_leaving(FullScope::Process, front, owner('a')));
        drop(first);
        assert!(rooms.is_leaving(FullScope::Owner, front, owner('a')));
        assert!(!rooms.is_leaving(FullScope::Owner, front, owner('b')));
        assert_eq!(rooms.sessions(), 2);
        assert!(rooms.take(front, owner('a')).is_ok());
        rooms.set_bounds(2, 2);
        assert_eq!(
            rooms.take(front, owner('b')).unwrap_err(),
            FullScope::Process
        );
    }

    #[test]
    fn a_session_is_found_by_its_owner_at_its_front_alone() {
        let rooms = SessionRooms::new(3, 3);
        let (front, other) = (rooms.new_front(), rooms.new_front());
        let (handle, _mailbox) = mailbox();
        let mut room = rooms.take(front, owner('a')).unwrap();
        room.announce("x", handle, Arc::default());
        assert!(rooms.find(front, owner('a'), b"x").is_some());
        for (front, owner, id) in [
            (other, owner('a'), &b"x"[..]),
            (front, owner('b'), b"x"),
            (front, owner('a'), b"y"),
            (front, owner('a'), b"\xff"),
        ] {
            assert!(rooms.find(front, owner, id).is_none());
        }
        room.withdraw();
        assert!(rooms.find(front, owner('a'), b"x").is_none());
        assert_eq!(rooms.sessions(), 1);
    }

    #[test]
    fn the_longest_idle_within_the_scope_makes_room_and_only_once() {
        let rooms = SessionRooms::new(9, 9);
        let (front, other) = (rooms.new_front(), rooms.new_front());
        let mut held = Vec::new();
        for (id, at, whose, since_ms, is_idle) in [
            ("used", front, 'a', 1, false),
            ("old", front, 'a', 2, true),
            ("new", front, 'a', 3, true),
            ("b", other, 'b', 1, true),
        ] {
            let (handle, mailbox) = mailbox();
            let pulse = Pulse::default();
            pulse.beat(since_ms, is_idle);
            let mut room = rooms.take(at, owner(whose)).unwrap();
            room.announce(id, handle, Arc::new(pulse));
            held.push((id, room, mailbox));
        }
        let ended = |held: &mut Vec<(
            &'static str,
            _,
            crate::control::bridge::session::mailbox::Mailbox,
        )>| {
            let mut ended = Vec::new();
            for (id, _, mailbox) in held {
                if let Ok(Command::End(Failure::SessionUnknown)) = mailbox.commands.try_recv() {
                    ended.push(*id);
                }
            }
            ended
        };
        assert!(rooms.displace(FullScope::Owner, front, owner('a')));
        assert_eq!(ended(&mut held), ["old"]);
        assert!(rooms.find(front, owner('a'), b"old").is_none());
        assert!(rooms.displace(FullScope::Process, front, owner('a')));
        assert_eq!(ended(&mut held), ["b"]);
        assert!(rooms.displace(FullScope::Server, front, owner('c')));
        assert_eq!(ended(&mut held), ["new"]);
        assert!(!rooms.displace(FullScope::Process, front, owner('a')));
    }
}
