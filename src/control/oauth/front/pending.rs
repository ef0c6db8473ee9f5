//! Logins on their way, from the first page to the answer. In memory alone: a restart ends them, and people begin again.
//!
//! Each belongs to the browser that began it, by the hash of a secret in that browser's cookie. **Invariant:** nobody moves a login
//! on without that cookie, and an attempt without it changes nothing: the login of the victim goes on (confused deputy).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::random::{login_secrets, random};
use crate::control::oauth::provider::{LoggedIn, LoginSecrets};
use crate::engine::limits::{LOGIN_MS_MAX, LOGINS_MAX, LOGINS_PER_ADDRESS_MAX};
use crate::engine::oauth::{AuthorizationRequest, ClientOrigin, SecretHash};

/// What somebody logs in for.
#[derive(Clone, Debug)]
pub(super) enum Errand {
    /// A client asked them to.
    Client(Box<ClientErrand>),
    /// A token for themselves.
    Person,
}

/// What a client asked for. Its other redirect URIs are left out: a table full of these shall stay small.
#[derive(Clone, Debug)]
pub(super) struct ClientErrand {
    /// What it calls itself.
    pub(super) name: Box<str>,
    /// How it is known.
    pub(super) origin: ClientOrigin,
    /// What it asks for, and its id.
    pub(super) request: AuthorizationRequest,
}

/// Who agreed to what the client asks, before there was a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Agreed {
    /// Whoever sits before the browser, on the page.
    Now,
    /// This user, some time ago; nobody was asked today.
    Before(Box<str>),
}

/// Who comes to begin a login.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visitor {
    /// The hash of what the browser's cookie says.
    pub(super) browser: SecretHash,
    /// From where.
    pub(super) address: IpAddr,
}

/// A login whose user has come back from the provider; it is over, whatever becomes of it.
#[derive(Debug)]
pub(super) struct Returned {
    /// What for.
    pub(super) errand: Errand,
    /// What the provider's answer is held against.
    pub(super) secrets: LoginSecrets,
    /// Who agreed.
    pub(super) agreed: Agreed,
}

/// What an answer to a page is about.
#[derive(Debug)]
pub(super) enum Answered {
    /// Nobody has logged in yet. The ticket stays good until somebody has, so that a second press of the button is no mistake.
    BeforeLogin(Errand, Place),
    /// This user has, and was asked whether the client may act for them. It is over.
    AfterLogin(Box<ClientErrand>, Box<LoggedIn>),
}

/// A login that its own browser has answered for.
#[derive(Debug)]
pub(super) struct Place(u64);

/// Why a login cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PendingFault {
    /// There is none of this name: it was used, made up, or its time is over.
    Unknown,
    /// It belongs to another browser.
    OtherBrowser,
}

impl fmt::Display for PendingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "login is over, or was never begun",
            Self::OtherBrowser => "login belongs to another browser",
        })
    }
}

impl std::error::Error for PendingFault {}

enum Stage {
    /// The page was shown.
    Asked,
    /// The browser is at the provider.
    Away {
        state: SecretHash,
        secrets: LoginSecrets,
        agreed: Agreed,
    },
    /// The user is known, and the page was shown.
    AskedAfter(Box<LoggedIn>),
}

struct Flow {
    errand: Errand,
    browser: SecretHash,
    /// Names it in forms.
    ticket: SecretHash,
    address: IpAddr,
    ends_at: Instant,
    stage: Stage,
}

/// Every login that is on its way.
#[derive(Default)]
pub(in crate::control::oauth) struct Pendings(Mutex<Table>);

#[derive(Default)]
struct Table {
    /// By number: oldest first.
    flows: BTreeMap<u64, Flow>,
    next: u64,
    tickets: HashMap<SecretHash, u64>,
    states: HashMap<SecretHash, u64>,
    /// How many there are of each address.
    counts: HashMap<IpAddr, usize>,
}

impl fmt::Debug for Pendings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pendings(..)")
    }
}

impl Pendings {
    /// Begins a login with a page; returns the ticket of its form. Errors: the system has no random bytes.
    pub(super) fn ask(
        &self,
        now: Instant,
        visitor: Visitor,
        errand: Errand,
    ) -> Result<Zeroizing<String>, getrandom::Error> {
        self.begin(now, visitor, errand, Stage::Asked)
    }

    /// Begins a page for a user who has logged in already.
    pub(super) fn ask_after(
        &self,
        now: Instant,
        visitor: Visitor,
        errand: Box<ClientErrand>,
        who: Box<LoggedIn>,
    ) -> Result<Zeroizing<String>, getrandom::Error> {
        self.begin(now, visitor, Errand::Client(errand), Stage::AskedAfter(who))
    }

    /// Begins a login without a page, since `user` agreed to it before.
    pub(super) fn trust(
        &self,
        now: Instant,
        visitor: Visitor,
        errand: Errand,
        user: &str,
    ) -> Result<LoginSecrets, getrandom::Error> {
        let secrets = login_secrets()?;
        let stage = Stage::Away {
            state: SecretHash::of(secrets.state.as_bytes()),
            secrets: secrets.clone(),
            agreed: Agreed::Before(user.into()),
        };
        self.begin(now, visitor, errand, stage)?;
        Ok(secrets)
    }

    /// What the form with `ticket` is about. Errors: see [`PendingFault`].
    pub(super) fn answered(
        &self,
        now: Instant,
        browser: Option<SecretHash>,
        ticket: &str,
    ) -> Result<Answered, PendingFault> {
        let mut table = self.table();
        let ticket = SecretHash::of(ticket.as_bytes());
        let number = table.tickets.get(&ticket).copied();
        let number = table.judged(now, browser, number)?;
        if let Some(Flow {
            stage: Stage::Asked | Stage::Away { .. },
            errand,
            ..
        }) = table.flows.get(&number)
        {
            return Ok(Answered::BeforeLogin(errand.clone(), Place(number)));
        }
        match table.remove(number) {
            Some(Flow {
                stage: Stage::AskedAfter(who),
                errand: Errand::Client(errand),
                ..
            }) => Ok(Answered::AfterLogin(errand, who)),
            _ => Err(PendingFault::Unknown),
        }
    }

    /// The browser goes to the provider with the state that this returns; one that was given before is worth nothing any more.
    /// `None`: the system has no random bytes, or the login has ended meanwhile.
    pub(super) fn depart(&self, place: &Place) -> Option<LoginSecrets> {
        let secrets = login_secrets().ok()?;
        self.table().send(place.0, &secrets).then_some(secrets)
    }

    /// Ends a login that was refused on its page.
    pub(super) fn refuse(&self, place: &Place) {
        self.table().remove(place.0);
    }

    /// The login that `state` belongs to, taken out: a state counts once. Errors: see [`PendingFault`]; nothing has changed then.
    pub(super) fn returned(
        &self,
        now: Instant,
        browser: Option<SecretHash>,
        state: &str,
    ) -> Result<Returned, PendingFault> {
        let mut table = self.table();
        let number = table.states.get(&SecretHash::of(state.as_bytes())).copied();
        let number = table.judged(now, browser, number)?;
        match table.remove(number) {
            Some(Flow {
                stage: Stage::Away {
                    secrets, agreed, ..
                },
                errand,
                ..
            }) => Ok(Returned {
                errand,
                secrets,
                agreed,
            }),
            _ => Err(PendingFault::Unknown),
        }
    }

    /// Whether any login of `browser` is on its way.
    pub(super) fn knows(&self, now: Instant, browser: &SecretHash) -> bool {
        let table = self.table();
        let mut flows = table.flows.values();
        flows.any(|flow| flow.browser == *browser && now < flow.ends_at)
    }

    /// Forgets those whose time is over; returns how many are left.
    pub(in crate::control::oauth) fn sweep(&self, now: Instant) -> usize {
        let mut table = self.table();
        table.sweep(now);
        table.flows.len()
    }

    fn begin(
        &self,
        now: Instant,
        visitor: Visitor,
        errand: Errand,
        stage: Stage,
    ) -> Result<Zeroizing<String>, getrandom::Error> {
        let ticket = random()?;
        self.table().insert(Flow {
            errand,
            browser: visitor.browser,
            ticket: SecretHash::of(ticket.as_bytes()),
            address: neighbourhood(visitor.address),
            ends_at: now + Duration::from_millis(LOGIN_MS_MAX),
            stage,
        });
        Ok(ticket)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // No code that can panic runs under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn insert(&mut self, flow: Flow) {
        self.make_room(flow.address);
        *self.counts.entry(flow.address).or_default() += 1;
        self.tickets.insert(flow.ticket, self.next);
        if let Stage::Away { state, .. } = &flow.stage {
            self.states.insert(*state, self.next);
        }
        self.flows.insert(self.next, flow);
        self.next += 1;
    }

    /// The oldest of the address make room for the address, and the oldest of those with the most for everybody: whoever has many
    /// addresses and begins many logins with each ends their own, not the one of somebody who is typing a password.
    fn make_room(&mut self, address: IpAddr) {
        let own = self.counts.get(&address).copied().unwrap_or(0);
        if own >= LOGINS_PER_ADDRESS_MAX {
            self.remove_oldest(|flow, _| flow.address == address);
        }
        if self.flows.len() >= LOGINS_MAX {
            let most = self.counts.values().max().copied();
            self.remove_oldest(|flow, counts| counts.get(&flow.address).copied() == most);
        }
    }

    fn remove_oldest(&mut self, is_meant: impl Fn(&Flow, &HashMap<IpAddr, usize>) -> bool) {
        let mut flows = self.flows.iter();
        let oldest = flows.find(|(_, flow)| is_meant(flow, &self.counts));
        let oldest = oldest.map(|(number, _)| *number);
        oldest.and_then(|number| self.remove(number));
    }

    fn remove(&mut self, number: u64) -> Option<Flow> {
        let flow = self.flows.remove(&number)?;
        self.tickets.remove(&flow.ticket);
        if let Stage::Away { state, .. } = &flow.stage {
            self.states.remove(state);
        }
        match self.counts.get_mut(&flow.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.counts.remove(&flow.address)),
        }
        Some(flow)
    }

    /// The number again, where the login is still good and belongs to `browser`.
    fn judged(
        &self,
        now: Instant,
        browser: Option<SecretHash>,
        number: Option<u64>,
    ) -> Result<u64, PendingFault> {
        let number = number.ok_or(PendingFault::Unknown)?;
        let flow = self.flows.get(&number).ok_or(PendingFault::Unknown)?;
        if now >= flow.ends_at {
            return Err(PendingFault::Unknown);
        }
        // Constant in time: see SecretHash.
        if browser != Some(flow.browser) {
            return Err(PendingFault::OtherBrowser);
        }
        Ok(number)
    }

    fn send(&mut self, number: u64, secrets: &LoginSecrets) -> bool {
        let Some(flow) = self.flows.get_mut(&number) else {
            return false;
        };
        let state = SecretHash::of(secrets.state.as_bytes());
        let stage = Stage::Away {
            state,
            secrets: secrets.clone(),
            agreed: Agreed::Now,
        };
        if let Stage::Away { state: former, .. } = std::mem::replace(&mut flow.stage, stage) {
            self.states.remove(&former);
        }
        self.states.insert(state, number);
        true
    }

    fn sweep(&mut self, now: Instant) {
        // All live equally long: those that are over stand first.
        while let Some((&number, flow)) = self.flows.first_key_value()
            && now >= flow.ends_at
        {
            self.remove(number);
        }
    }
}

/// Whom an address is counted with: one subscriber has 2^64 addresses of IPv6.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
        v4 => v4,
    }
}

#[cfg(test)]
#[path = "pending/tests.rs"]
mod tests;
