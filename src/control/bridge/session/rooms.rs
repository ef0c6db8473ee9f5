//! The sessions of every front: how many there may be, who has them, and which can be ended for another.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::mailbox::{Command, Handle, Pulse};
use crate::control::bridge::FullScope;
use crate::engine::reply::Failure;
use crate::engine::session::Owner;
use crate::metrics::{SessionCells, SessionEvent};

/// Rooms that were left lately and are remembered.
const LEFT_MAX: usize = 64;

/// How long a room that was left is remembered: what it held, a child perhaps, may take that long to end.
const LEFT_MS: u64 = 3_000;

/// One front among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrontId(u64);

/// Where a session belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The front that made it.
    pub(super) front: FrontId,
    /// The server behind it, which may have several fronts.
    pub(super) server: Arc<str>,
    /// Whose it is.
    pub(super) owner: Owner,
}

impl Place {
    /// Whether a session here counts where `scope` is full for one at `other`.
    fn is_within(&self, scope: FullScope, other: &Self) -> bool {
        match scope {
            FullScope::Owner => self.owner == other.owner,
            FullScope::Server => self.server == other.server,
            FullScope::Process => true,
        }
    }
}

/// The process's sessions: bounds over all fronts, and the table in which each is found.
#[derive(Debug)]
pub(in crate::control) struct SessionRooms {
    started: Instant,
    fronts: AtomicU64,
    table: Mutex<Table>,
    /// What became of them.
    pub(super) counts: Arc<SessionCells>,
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

impl Table {
    /// Within `scope` of `place`, the idle session of whoever has most there; of several the one that has been idle longest.
    /// The owner of `place` counts the session that is to be: nobody who has less loses one to it.
    fn dispensable(&self, scope: FullScope, place: &Place) -> Option<Box<str>> {
        let within = || {
            let mut sessions = self.sessions.iter();
            std::iter::from_fn(move || {
                sessions.find(|(_, entry)| !entry.is_ending && entry.place.is_within(scope, place))
            })
        };
        let mut held: HashMap<Owner, usize> = HashMap::from([(place.owner, 1)]);
        for (_, entry) in within() {
            *held.entry(entry.place.owner).or_default() += 1;
        }
        let idle = within().filter_map(|(id, entry)| {
            let since_ms = entry.pulse.idle_since_ms()?;
            let holds = held.get(&entry.place.owner).copied().unwrap_or(0);
            let has_less = holds < held[&place.owner];
            (!has_less).then_some(((std::cmp::Reverse(holds), since_ms), id))
        });
        idle.min_by_key(|(rank, _)| *rank).map(|(_, id)| id.clone())
    }
}

/// A room that was left.
#[derive(Debug)]
struct Left {
    at_ms: u64,
    place: Place,
}

#[derive(Debug)]
struct Entry {
    place: Place,
    handle: Handle,
    pulse: Arc<Pulse>,
    /// Whether it was told to end.
    is_ending: bool,
}

impl SessionRooms {
    /// Room for `sessions_max` sessions (`limits.sessions`), `sessions_per_owner_max` of them for one owner
    /// (`limits.sessions_per_principal`), counted in `counts`.
    pub(in crate::control) fn new(
        sessions_max: usize,
        sessions_per_owner_max: usize,
        counts: Arc<SessionCells>,
    ) -> Arc<Self> {
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
            counts,
        })
    }

    /// Changes the bounds. Sessions beyond them stay; new ones find no room.
    pub(in crate::control) fn set_bounds(&self, sessions_max: usize, per_owner_max: usize) {
        let mut table = self.table();
        table.sessions_max = sessions_max;
        table.sessions_per_owner_max = per_owner_max;
    }

    pub(super) fn new_front(&self) -> FrontId {
        FrontId(self.fronts.fetch_add(1, Ordering::Relaxed))
    }

    /// Milliseconds of the clock that sessions live by.
    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Takes a room for a session at `place`.
    pub(super) fn take(self: &Arc<Self>, place: &Place) -> Result<Room, FullScope> {
        let mut table = self.table();
        if table.rooms >= table.sessions_max {
            return Err(FullScope::Process);
        }
        let of_owner = table.rooms_by_owner.get(&place.owner).copied().unwrap_or(0);
        if of_owner >= table.sessions_per_owner_max {
            return Err(FullScope::Owner);
        }
        table.rooms += 1;
        self.counts.held.inc();
        table.rooms_by_owner.insert(place.owner, of_owner + 1);
        Ok(Room {
            rooms: Arc::clone(self),
            place: place.clone(),
            id: None,
        })
    }

    /// The session that is called `id`, where it is at `place`.
    pub(super) fn find(&self, place: &Place, id: &[u8]) -> Option<Handle> {
        let id = str::from_utf8(id).ok()?;
        let table = self.table();
        let entry = table.sessions.get(id)?;
        let is_theirs = entry.place == *place && !entry.is_ending;
        is_theirs.then(|| entry.handle.clone())
    }

    /// Ends the session within `scope` of `place` that has been idle longest; `false` where none is idle.
    pub(super) fn displace(&self, scope: FullScope, place: &Place) -> bool {
        let mut table = self.table();
        let Some(id) = table.dispensable(scope, place) else {
            return false;
        };
        let Some(entry) = table.sessions.get_mut(&id) else {
            return false;
        };
        // One whose mailbox is full is in use.
        let end = Command::End(Failure::SessionUnknown);
        entry.is_ending = entry.handle.commands.try_send(end).is_ok();
        if entry.is_ending {
            self.counts.count(SessionEvent::Displaced);
        }
        entry.is_ending
    }

    /// Whether a session within `scope` of `place` is on its way out, so that there may soon be room.
    pub(super) fn is_leaving(&self, scope: FullScope, place: &Place) -> bool {
        let now_ms = self.now_ms();
        let table = self.table();
        let is_near = |other: &Place| other.is_within(scope, place);
        let mut sessions = table.sessions.values();
        let mut left = table.left.iter();
        sessions.any(|entry| entry.is_ending && is_near(&entry.place))
            || left.any(|left| left.at_ms + LEFT_MS > now_ms && is_near(&left.place))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session's place: taken before its link, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    rooms: Arc<SessionRooms>,
    place: Place,
    /// Under which it is found, once it is.
    id: Option<Box<str>>,
}

impl Room {
    /// Makes the session known under `id`, at its place.
    pub(super) fn announce(&mut self, id: &str, handle: Handle, pulse: Arc<Pulse>) {
        let entry = Entry {
            place: self.place.clone(),
            handle,
            pulse,
            is_ending: false,
        };
        self.rooms.table().sessions.insert(id.into(), entry);
        self.rooms.counts.count(SessionEvent::Begun);
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
            place: self.place.clone(),
        });
        table.rooms -= 1;
        self.rooms.counts.held.dec();
        if let Some(count) = table.rooms_by_owner.get_mut(&self.place.owner) {
            *count -= 1;
            if *count == 0 {
                table.rooms_by_owner.remove(&self.place.owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::sync::Arc;

    use super::{Command, Failure, FrontId, FullScope, Owner, Place, Pulse, SessionRooms};
    use crate::control::bridge::session::mailbox::mailbox;

    fn place(front: FrontId, digit: char) -> Place {
        Place {
            front,
            server: "s".into(),
            owner: Owner::from_hex(digit.to_string().repeat(32).as_bytes()).unwrap(),
        }
    }

    #[test]
    fn rooms_are_bounded_in_all_and_for_one_owner_and_come_back() {
        let rooms = SessionRooms::new(3, 2, Arc::default());
        let front = rooms.new_front();
        let (ours, theirs) = (place(front, 'a'), place(front, 'b'));
        let first = rooms.take(&ours).unwrap();
        let _second = rooms.take(&ours).unwrap();
        assert_eq!(rooms.take(&ours).unwrap_err(), FullScope::Owner);
        let _third = rooms.take(&theirs).unwrap();
        assert_eq!(rooms.take(&theirs).unwrap_err(), FullScope::Process);
        assert!(!rooms.is_leaving(FullScope::Process, &ours));
        drop(first);
        assert!(rooms.is_leaving(FullScope::Owner, &ours));
        assert!(!rooms.is_leaving(FullScope::Owner, &theirs));
        assert_eq!(rooms.counts.held.value(), 2);
        assert!(rooms.take(&ours).is_ok());
        rooms.set_bounds(2, 2);
        assert_eq!(rooms.take(&theirs).unwrap_err(), FullScope::Process);
    }

    #[test]
    fn a_session_is_found_by_its_owner_at_its_front_alone() {
        let rooms = SessionRooms::new(3, 3, Arc::default());
        let (front, other) = (rooms.new_front(), rooms.new_front());
        let (handle, _mailbox) = mailbox();
        let mut room = rooms.take(&place(front, 'a')).unwrap();
        room.announce("x", handle, Arc::default());
        assert!(rooms.find(&place(front, 'a'), b"x").is_some());
        for (front, owner, id) in [
            (other, 'a', &b"x"[..]),
            (front, 'b', b"x"),
            (front, 'a', b"y"),
            (front, 'a', b"\xff"),
        ] {
            assert!(rooms.find(&place(front, owner), id).is_none());
        }
        room.withdraw();
        assert!(rooms.find(&place(front, 'a'), b"x").is_none());
        assert_eq!(rooms.counts.held.value(), 1);
    }

    #[test]
    fn the_longest_idle_within_the_scope_makes_room_and_only_once() {
        let rooms = SessionRooms::new(9, 9, Arc::default());
        let (front, other) = (rooms.new_front(), rooms.new_front());
        let foreign = Place {
            server: "t".into(),
            ..place(other, 'b')
        };
        let mut held = Vec::new();
        for (id, at, since_ms, is_idle) in [
            ("used", place(front, 'a'), 1, false),
            ("old", place(front, 'a'), 2, true),
            ("new", place(other, 'a'), 3, true),
            ("foreign", foreign, 1, true),
        ] {
            let (handle, mailbox) = mailbox();
            let pulse = Pulse::default();
            pulse.beat(since_ms, is_idle);
            let mut room = rooms.take(&at).unwrap();
            room.announce(id, handle, Arc::new(pulse));
            held.push((id, room, mailbox));
        }
        let mut ended = || {
            let mut ended = Vec::new();
            for (id, _, mailbox) in &mut held {
                if let Ok(Command::End(Failure::SessionUnknown)) = mailbox.commands.try_recv() {
                    ended.push(*id);
                }
            }
            ended
        };
        let ours = place(front, 'a');
        assert!(rooms.displace(FullScope::Owner, &ours));
        assert_eq!(ended(), ["old"]);
        assert!(rooms.find(&ours, b"old").is_none());
        let newcomer = place(front, 'c');
        assert!(rooms.displace(FullScope::Server, &newcomer));
        assert_eq!(ended(), ["new"], "of another front of the same server");
        assert!(!rooms.displace(FullScope::Process, &ours), "b has less");
        assert!(rooms.displace(FullScope::Process, &newcomer));
        assert_eq!(ended(), ["foreign"]);
        assert!(!rooms.displace(FullScope::Process, &newcomer));
    }
}
