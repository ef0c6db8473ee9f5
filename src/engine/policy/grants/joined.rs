//! Grants put together from others: what a token may use by each of its scopes.
//!
//! The parts stay where they are and are asked in turn, so that a token costs a few pointers however many entries its scopes
//! have, and nothing has to remember sets of scopes.

use std::sync::Arc;

use super::{EntrySet, Grants};
use crate::engine::policy::Subject;

/// Grants that become part of others, with what their rules are called there.
#[derive(Debug)]
pub struct GrantsPart {
    grants: Arc<Grants>,
    allowed_labels: Box<[Box<str>]>,
    denied_labels: Box<[Box<str>]>,
}

impl GrantsPart {
    /// `grants`, whose rules are told as those of `name`: `scope "read" allowed_tools[0] "read_*"`.
    #[must_use]
    pub fn named(name: &str, grants: Arc<Grants>) -> Self {
        let labels = |set: &EntrySet| {
            let named = set.labels.iter();
            named
                .map(|label| format!("{name} {label}").into())
                .collect()
        };
        Self {
            allowed_labels: labels(&grants.allowed),
            denied_labels: labels(&grants.denied),
            grants,
        }
    }
}

/// What [`Grants::joined`] is made of. Rules are numbered through, those of `base` first; a number beyond 65534 has no label.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) base: Arc<Grants>,
    pub(super) further: Box<[Arc<GrantsPart>]>,
    /// What further ones may be joined from: they give nothing, and say which servers the caller may know of.
    pub(super) offered: Arc<[Arc<GrantsPart>]>,
}

impl Joined {
    /// Every part.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Grants> {
        let further = self.further.iter().map(|part| &*part.grants);
        std::iter::once(&*self.base).chain(further)
    }

    /// Whether a caller to whom nothing is granted may know of `server`: one of those that are offered is about it, or they are
    /// about nothing at all.
    pub(super) fn may_know(&self, server: &str) -> bool {
        let mut offered = self.offered.iter().map(|part| &*part.grants);
        offered.clone().all(Grants::is_empty) || offered.any(|grants| grants.allows_some(server))
    }

    pub(super) fn allowing(&self, server: &str, subject: Subject<'_>) -> Option<u16> {
        self.find(|grants| &grants.allowed, server, subject)
    }

    pub(super) fn denying(&self, server: &str, subject: Subject<'_>) -> Option<u16> {
        self.find(|grants| &grants.denied, server, subject)
    }

    fn find(
        &self,
        list: impl Fn(&Grants) -> &EntrySet,
        server: &str,
        subject: Subject<'_>,
    ) -> Option<u16> {
        let mut before = 0_usize;
        for set in self.parts().map(list) {
            if let Some(index) = set.find(server, subject) {
                let number = before.saturating_add(usize::from(index));
                return Some(u16::try_from(number).unwrap_or(u16::MAX));
            }
            before += set.labels.len();
        }
        None
    }

    pub(super) fn allowed_label(&self, index: u16) -> Option<&str> {
        let further = self.further.iter().map(|part| &part.allowed_labels);
        label(&self.base.allowed.labels, further, index)
    }

    pub(super) fn denied_label(&self, index: u16) -> Option<&str> {
        let further = self.further.iter().map(|part| &part.denied_labels);
        label(&self.base.denied.labels, further, index)
    }
}

fn label<'g>(
    base: &'g [Box<str>],
    further: impl Iterator<Item = &'g Box<[Box<str>]>>,
    index: u16,
) -> Option<&'g str> {
    // The last number stands for every one that does not fit.
    let index = Some(usize::from(index)).filter(|index| *index < usize::from(u16::MAX))?;
    let labels = base.iter().chain(further.flatten());
    labels.map(|label| &**label).nth(index)
}

#[cfg(test)]
#[path = "joined/tests.rs"]
mod tests;
