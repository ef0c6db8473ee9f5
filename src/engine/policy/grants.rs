//! The rights of one identity, and the ceiling of one server, compiled for matching without allocation.

mod joined;

use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;

pub use joined::GrantsPart;
use joined::Joined;

use super::entry::{Coverage, Entry, EntryError, EntryFault, EntryList, Matcher};
use super::{Subject, SubjectKind};
use crate::engine::limits;

/// What one identity may use: `allowed_tools` less `denied_tools`. Nothing that neither names is allowed.
#[derive(Debug, Default)]
pub struct Grants {
    allowed: EntrySet,
    denied: EntrySet,
    /// Whatever it was put together from; then both lists above are empty.
    joined: Option<Joined>,
}

impl Grants {
    /// Compiles both lists. An empty `allowed` allows nothing.
    ///
    /// Errors: every entry that cannot be understood, not the first alone.
    pub fn compile(allowed: &[String], denied: &[String]) -> Result<Self, Vec<EntryError>> {
        let (allowed, mut errors) = EntrySet::compile(EntryList::Allowed, allowed);
        let (denied, denied_errors) = EntrySet::compile(EntryList::Denied, denied);
        errors.extend(denied_errors);
        if errors.is_empty() {
            Ok(Self {
                allowed,
                denied,
                joined: None,
            })
        } else {
            Err(errors)
        }
    }

    /// What `base` or any of `further` allows, less what any of them denies. None of them may be joined already: what they
    /// are joined from would be lost. `offered` is what `further` was taken from. Compiles and copies nothing; a decision asks
    /// each in turn.
    #[must_use]
    pub fn joined(
        base: Arc<Self>,
        further: Vec<Arc<GrantsPart>>,
        offered: Arc<[Arc<GrantsPart>]>,
    ) -> Self {
        debug_assert!(base.joined.is_none());
        let further = further.into();
        Self {
            joined: Some(Joined {
                base,
                further,
                offered,
            }),
            ..Self::default()
        }
    }

    /// Itself, or what it was put together from.
    fn parts(&self) -> impl Iterator<Item = &Self> {
        let own = self.joined.is_none().then_some(self);
        own.into_iter()
            .chain(self.joined.iter().flat_map(Joined::parts))
    }

    /// Whether no entry allows anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts().all(|part| part.allowed.is_empty())
    }

    /// The servers that entries of either list name, for a check that they exist. May repeat.
    pub fn servers(&self) -> impl Iterator<Item = &str> {
        self.parts()
            .flat_map(|part| part.allowed.servers().chain(part.denied.servers()))
    }

    pub(super) fn allowing(&self, server: &str, subject: Subject<'_>) -> Option<u16> {
        let own = self.allowed.find(server, subject);
        own.or_else(|| self.joined.as_ref()?.allowing(server, subject))
    }

    pub(super) fn denying(&self, server: &str, subject: Subject<'_>) -> Option<u16> {
        let own = self.denied.find(server, subject);
        own.or_else(|| self.joined.as_ref()?.denying(server, subject))
    }

    /// Whether an entry of `denied` takes `server` away by name (`server::*`).
    pub(super) fn takes_away(&self, server: &str) -> bool {
        self.parts().any(|part| part.denied.takes_away(server))
    }

    /// Whether an entry of `allowed` is about `server`.
    pub(super) fn allows_some(&self, server: &str) -> bool {
        self.parts().any(|part| part.allowed.touches(server))
    }

    /// Whether a caller with no entries but these may know of `server`.
    pub(super) fn may_know(&self, server: &str) -> bool {
        let joined = self.joined.as_ref();
        joined.is_none_or(|joined| joined.may_know(server))
    }

    /// Whether an entry of `allowed` names everything of `kind` on `server`.
    pub(super) fn allows_all(&self, server: &str, kind: SubjectKind) -> bool {
        self.parts().any(|part| part.allowed.covers(server, kind))
    }

    /// Whether an entry of `denied` is about things of `kind` on `server`.
    pub(super) fn denies_some(&self, server: &str, kind: SubjectKind) -> bool {
        self.parts()
            .any(|part| part.denied.touches_kind(server, kind))
    }

    pub(super) fn allowed_label(&self, index: u16) -> &str {
        match &self.joined {
            Some(joined) => joined.allowed_label(index).unwrap_or(NO_LABEL),
            None => self.allowed.label(index),
        }
    }

    pub(super) fn denied_label(&self, index: u16) -> &str {
        match &self.joined {
            Some(joined) => joined.denied_label(index).unwrap_or(NO_LABEL),
            None => self.denied.label(index),
        }
    }
}

/// What a server offers to anybody at all: its own `allowed_tools`. Absent, it offers everything.
#[derive(Debug, Default)]
pub struct Ceiling(Option<EntrySet>);

impl Ceiling {
    /// How a decision by the ceiling is named in records.
    pub(super) const LABEL: &'static str = "ceiling";

    /// No ceiling: what the identity may use decides alone.
    pub const NONE: Self = Self(None);

    /// Compiles a server's `allowed_tools`. An empty list offers nothing. The rules for kinds are those of [`Grants`]: a
    /// list of tools offers no prompts and no resources.
    ///
    /// Errors: every entry that cannot be understood, and every one that names a server.
    pub fn compile(allowed: &[String]) -> Result<Self, Vec<EntryError>> {
        let (set, mut errors) = EntrySet::compile(EntryList::Allowed, allowed);
        errors.extend(
            allowed
                .iter()
                .enumerate()
                .filter_map(|(index, text)| foreign_entry(index, text)),
        );
        if errors.is_empty() {
            Ok(Self(Some(set)))
        } else {
            Err(errors)
        }
    }

    pub(super) fn offers(&self, subject: Subject<'_>) -> bool {
        self.0
            .as_ref()
            .is_none_or(|set| set.find("", subject).is_some())
    }

    pub(super) fn covers(&self, kind: SubjectKind) -> bool {
        self.0.as_ref().is_none_or(|set| set.covers("", kind))
    }
}

fn foreign_entry(index: usize, text: &str) -> Option<EntryError> {
    let names_server = Entry::parse(text).is_ok_and(|entry| entry.server.is_some());
    names_server.then(|| {
        entry_error(
            EntryList::Allowed,
            index,
            text,
            EntryFault::ServerNotAllowed,
        )
    })
}

fn entry_error(list: EntryList, index: usize, text: &str, reason: EntryFault) -> EntryError {
    EntryError {
        list,
        index,
        entry: text.to_owned(),
        reason,
    }
}

/// An entry's place in its list and the server that it is limited to.
#[derive(Debug)]
struct Scoped {
    server: Option<Box<str>>,
    index: u16,
}

impl Scoped {
    fn applies_to(&self, server: &str) -> bool {
        self.server.as_deref().is_none_or(|own| own == server)
    }
}

/// Entries of one kind: exact names by hash, patterns in order.
#[derive(Debug, Default)]
struct NameSet {
    exact: FxHashMap<Box<str>, Vec<Scoped>>,
    patterns: Vec<(Matcher, Scoped)>,
}

impl NameSet {
    fn add(&mut self, matcher: Matcher, scoped: Scoped) {
        match matcher {
            Matcher::Exact(name) => self.exact.entry(name).or_default().push(scoped),
            pattern => self.patterns.push((pattern, scoped)),
        }
    }

    fn find(&self, server: &str, name: &str) -> Option<u16> {
        let exact = self
            .exact
            .get(name)
            .and_then(|entries| entries.iter().find(|entry| entry.applies_to(server)));
        let pattern = || {
            self.patterns
                .iter()
                .find(|(matcher, entry)| entry.applies_to(server) && matcher.matches(name))
        };
        exact
            .or_else(|| pattern().map(|(_, entry)| entry))
            .map(|entry| entry.index)
    }

    fn scopes(&self) -> impl Iterator<Item = &Scoped> {
        self.exact
            .values()
            .flatten()
            .chain(self.patterns.iter().map(|(_, scoped)| scoped))
    }

    fn covers(&self, server: &str) -> bool {
        self.wildcards().any(|entry| entry.applies_to(server))
    }

    fn covers_by_name(&self, server: &str) -> bool {
        self.wildcards()
            .any(|entry| entry.server.as_deref() == Some(server))
    }

    /// Entries that match every name.
    fn wildcards(&self) -> impl Iterator<Item = &Scoped> {
        let any = self
            .patterns
            .iter()
            .filter(|(matcher, _)| matches!(matcher, Matcher::Any));
        any.map(|(_, entry)| entry)
    }
}

/// What a rule is called that cannot be found.
const NO_LABEL: &str = "unknown rule";

/// One compiled list.
#[derive(Default)]
struct EntrySet {
    labels: Vec<Box<str>>,
    kinds: [NameSet; SubjectKind::ALL.len()],
}

impl EntrySet {
    fn compile(list: EntryList, texts: &[String]) -> (Self, Vec<EntryError>) {
        let (mut set, mut errors) = (Self::default(), Vec::new());
        for (index, text) in texts.iter().enumerate() {
            let room = u16::try_from(index)
                .ok()
                .filter(|_| index < limits::ENTRIES_MAX);
            let entry = room
                .ok_or(EntryFault::TooManyEntries)
                .and_then(|at| Ok((at, Entry::parse(text)?)));
            match entry {
                Ok((at, entry)) => set.add(at, entry),
                Err(reason) => errors.push(entry_error(list, index, text, reason)),
            }
            set.labels
                .push(format!("{}[{index}] {text:?}", list.key()).into());
            if room.is_none() {
                break;
            }
        }
        (set, errors)
    }

    fn add(&mut self, index: u16, entry: Entry) {
        for kind in SubjectKind::ALL {
            if entry.coverage == Coverage::Everything || entry.coverage == Coverage::Kind(kind) {
                let scoped = Scoped {
                    server: entry.server.clone(),
                    index,
                };
                self.kinds[kind as usize].add(entry.matcher.clone(), scoped);
            }
        }
    }

    fn find(&self, server: &str, subject: Subject<'_>) -> Option<u16> {
        self.kinds[subject.kind as usize].find(server, subject.name)
    }

    fn covers(&self, server: &str, kind: SubjectKind) -> bool {
        self.kinds[kind as usize].covers(server)
    }

    /// Whether an entry `server::*` is in the list.
    fn takes_away(&self, server: &str) -> bool {
        self.kinds.iter().all(|names| names.covers_by_name(server))
    }

    fn touches_kind(&self, server: &str, kind: SubjectKind) -> bool {
        self.kinds[kind as usize]
            .scopes()
            .any(|entry| entry.applies_to(server))
    }

    fn touches(&self, server: &str) -> bool {
        SubjectKind::ALL
            .iter()
            .any(|&kind| self.touches_kind(server, kind))
    }

    fn servers(&self) -> impl Iterator<Item = &str> {
        self.kinds
            .iter()
            .flat_map(NameSet::scopes)
            .filter_map(|entry| entry.server.as_deref())
    }

    fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    fn label(&self, index: u16) -> &str {
        self.labels
            .get(usize::from(index))
            .map_or(NO_LABEL, |label| label)
    }
}

impl fmt::Debug for EntrySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.labels).finish()
    }
}
