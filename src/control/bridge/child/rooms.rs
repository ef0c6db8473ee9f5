//! How many children there are, and who may have another.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::super::FullScope;
use crate::engine::limits::Limits;
use crate::engine::session::Owner;

/// The children of the whole process, all servers and owners together. Clones count together.
#[derive(Clone, Debug)]
pub(in crate::control) struct ChildRooms {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    counts: Mutex<Counts>,
    /// Counts the rooms that were given back.
    freed: watch::Sender<u64>,
    is_urgent: watch::Sender<bool>,
}

#[derive(Debug)]
struct Counts {
    total: usize,
    total_max: usize,
    by_owner: HashMap<Owner, usize>,
    by_owner_max: usize,
    by_server: HashMap<Arc<str>, usize>,
}

impl ChildRooms {
    /// No children, within `limits.children` and `limits.children_per_principal`. What children leave behind falls to this
    /// process from now on.
    pub(in crate::control) fn new(limits: &Limits) -> Self {
        if let Err(error) = guard_io::process::adopt_orphans() {
            tracing::warn!(%error, "what children leave behind falls to the system, not to the gateway");
        }
        let counts = Counts {
            total: 0,
            total_max: limits.children,
            by_owner: HashMap::new(),
            by_owner_max: limits.children_per_principal,
            by_server: HashMap::new(),
        };
        let shared = Shared {
            counts: Mutex::new(counts),
            freed: watch::Sender::new(0),
            is_urgent: watch::Sender::new(false),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Puts other bounds in force for children that start from now on.
    pub(in crate::control) fn set_limits(&self, limits: &Limits) {
        let mut counts = self.shared.counts();
        counts.total_max = limits.children;
        counts.by_owner_max = limits.children_per_principal;
    }

    /// How many children there are, those that are being stopped included.
    pub(in crate::control) fn children(&self) -> usize {
        self.shared.counts().total
    }

    /// Completes when a room is given back after this call, not after the first poll: call it, find that there is no room,
    /// end something, await it.
    pub(in crate::control) fn freed(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut freed = self.shared.freed.subscribe();
        async move {
            // An error means that there are no rooms any more at all.
            let _ = freed.changed().await;
        }
    }

    /// Completes when no child is left, and ends what children that ended by themselves have left behind. For the end of the
    /// process.
    pub(in crate::control) async fn all_ended(&self) {
        loop {
            let freed = self.freed();
            if self.children() == 0 {
                return guard_io::process::kill_orphans();
            }
            freed.await;
        }
    }

    /// Kills every child, and every one that starts later, without the waits of the stop ladder. For the end of a drain.
    pub(in crate::control) fn kill_all(&self) {
        self.shared.is_urgent.send_replace(true);
    }

    /// Completes once [`kill_all`](Self::kill_all) was called.
    pub(super) async fn urgency(&self) {
        let mut is_urgent = self.shared.is_urgent.subscribe();
        // The sender lives in `self`.
        let _ = is_urgent.wait_for(|is_urgent| *is_urgent).await;
    }

    /// Takes a room for a child of `server`, which may have `server_max`. Errors: the narrowest scope that is full.
    pub(super) fn enter(
        &self,
        server: &Arc<str>,
        server_max: usize,
        owner: Owner,
    ) -> Result<ChildRoom, FullScope> {
        let mut counts = self.shared.counts();
        let counts = &mut *counts;
        // What is shared by all is bounded by servers and process: it is nobody's share.
        let is_somebodys = owner != Owner::gateway();
        let of_owner = counts.by_owner.get(&owner).copied().unwrap_or(0);
        if is_somebodys && of_owner >= counts.by_owner_max {
            return Err(FullScope::Owner);
        }
        if counts.by_server.get(server).copied().unwrap_or(0) >= server_max {
            return Err(FullScope::Server);
        }
        if counts.total >= counts.total_max {
            return Err(FullScope::Process);
        }
        counts.total += 1;
        *counts.by_owner.entry(owner).or_default() += 1;
        *counts.by_server.entry(Arc::clone(server)).or_default() += 1;
        Ok(ChildRoom {
            shared: Arc::clone(&self.shared),
            server: Arc::clone(server),
            owner,
        })
    }
}

impl Shared {
    /// No code that can panic runs under the lock, so what a poisoned lock guards is whole.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One counted child; dropping it ends the count.
#[derive(Debug)]
pub(super) struct ChildRoom {
    shared: Arc<Shared>,
    server: Arc<str>,
    owner: Owner,
}

impl Drop for ChildRoom {
    fn drop(&mut self) {
        let mut counts = self.shared.counts();
        counts.total -= 1;
        leave(&mut counts.by_owner, self.owner);
        leave(&mut counts.by_server, Arc::clone(&self.server));
        drop(counts);
        self.shared.freed.send_modify(|freed| *freed += 1);
    }
}

/// Counts one less of `key`, and forgets it with the last.
fn leave<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) {
    if let Entry::Occupied(mut count) = counts.entry(key) {
        match *count.get() {
            0 | 1 => drop(count.remove()),
            more => *count.get_mut() = more - 1,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::future::Future;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    use super::super::super::FullScope;
    use super::ChildRooms;
    use crate::engine::limits::Limits;
    use crate::engine::session::Owner;

    fn owner(digit: char) -> Owner {
        Owner::from_hex(digit.to_string().repeat(32).as_bytes()).unwrap()
    }

    fn rooms(children: usize, children_per_principal: usize) -> ChildRooms {
        ChildRooms::new(&Limits {
            children,
            children_per_principal,
            ..Limits::DEFAULT
        })
    }

    fn is_ready(future: impl Future<Output = ()>) -> bool {
        let mut future = std::pin::pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        future.as_mut().poll(&mut context) == Poll::Ready(())
    }

    #[test]
    fn each_scope_holds_on_both_sides_of_its_bound() {
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        let rooms = rooms(4, 2);
        let first = rooms.enter(&one, 2, owner('a')).unwrap();
        let _second = rooms.enter(&other, 2, owner('a')).unwrap();
        let refused = |server, owner| rooms.enter(server, 2, owner).err();
        assert_eq!(refused(&one, owner('a')), Some(FullScope::Owner));
        let _third = rooms.enter(&one, 2, owner('b')).unwrap();
        assert_eq!(refused(&one, owner('c')), Some(FullScope::Server));
        let _fourth = rooms.enter(&other, 2, owner('c')).unwrap();
        let third: Arc<str> = "third".into();
        assert_eq!(refused(&third, owner('c')), Some(FullScope::Process));
        drop(first);
        assert!(rooms.enter(&one, 2, owner('a')).is_ok());
    }

    #[test]
    fn a_child_that_all_share_is_in_nobodys_share() {
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        let rooms = rooms(3, 1);
        let shared = [&one, &other].map(|server| rooms.enter(server, 1, Owner::gateway()).unwrap());
        let _own = rooms.enter(&one, 2, owner('a')).unwrap();
        assert_eq!(
            rooms.enter(&other, 2, owner('a')).unwrap_err(),
            FullScope::Owner
        );
        assert_eq!(
            rooms.enter(&other, 2, Owner::gateway()).unwrap_err(),
            FullScope::Process
        );
        drop(shared);
    }

    #[test]
    fn a_room_that_is_given_back_wakes_who_asked_before() {
        let server: Arc<str> = "one".into();
        let rooms = rooms(1, 1);
        let room = rooms.enter(&server, 1, owner('a')).unwrap();
        let (freed, ended) = (rooms.freed(), rooms.all_ended());
        assert!(!is_ready(rooms.freed()));
        drop(room);
        assert!(is_ready(freed) && is_ready(ended));
        assert!(!is_ready(rooms.freed()), "nothing was given back since");
        assert!(rooms.shared.counts().by_owner.is_empty());
        assert!(rooms.shared.counts().by_server.is_empty());
    }

    #[test]
    fn other_limits_hold_for_children_to_come() {
        let server: Arc<str> = "one".into();
        let rooms = rooms(1, 1);
        let _room = rooms.enter(&server, 9, owner('a')).unwrap();
        rooms.set_limits(&Limits::DEFAULT);
        assert!(rooms.enter(&server, 9, owner('a')).is_ok());
        assert!(!is_ready(rooms.urgency()));
        rooms.kill_all();
        assert!(is_ready(rooms.urgency()));
    }
}
