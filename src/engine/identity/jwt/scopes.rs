//! `scope_tool_mapping`: what each scope allows.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::engine::policy::{Grants, GrantsPart};

/// One scope and what it allows.
#[derive(Debug)]
pub struct ScopeGrants {
    /// The scope-token (RFC 6749 §3.3).
    pub scope: Box<str>,
    /// What a token with it may use.
    pub grants: Arc<Grants>,
}

/// The scopes of one issuer that mean something, in the order of the file.
#[derive(Debug, Default)]
pub struct ScopeMap {
    scopes: Vec<ScopeGrants>,
    places: FxHashMap<Box<str>, usize>,
    parts: Arc<[Arc<GrantsPart>]>,
}

impl ScopeMap {
    /// A map of `scopes`. Of two with one name the first counts.
    #[must_use]
    pub fn new(scopes: Vec<ScopeGrants>) -> Self {
        let mut places = FxHashMap::default();
        for (place, each) in scopes.iter().enumerate() {
            places.entry(each.scope.clone()).or_insert(place);
        }
        let part = |each: &ScopeGrants| {
            let name = format!("scope {:?}", each.scope);
            Arc::new(GrantsPart::named(&name, Arc::clone(&each.grants)))
        };
        Self {
            parts: scopes.iter().map(part).collect(),
            scopes,
            places,
        }
    }

    /// Every scope, in the order of the file.
    #[must_use]
    pub fn scopes(&self) -> &[ScopeGrants] {
        &self.scopes
    }

    /// Which are held where `scopes` are.
    pub(in crate::engine::identity) fn held<'s>(
        &self,
        scopes: impl IntoIterator<Item = &'s str>,
    ) -> Box<[bool]> {
        let mut held = self.none_held();
        for scope in scopes {
            self.hold(scope, &mut held);
        }
        held
    }

    /// No scope is held.
    pub(super) fn none_held(&self) -> Box<[bool]> {
        vec![false; self.scopes.len()].into()
    }

    /// Marks `scope` as held, where it means something.
    pub(super) fn hold(&self, scope: &str, held: &mut [bool]) {
        let place = self.places.get(scope);
        if let Some(held) = place.and_then(|place| held.get_mut(*place)) {
            *held = true;
        }
    }

    /// What a token may use that holds the scopes `held`, by place: `base`, and what each of them allows. What `base` denies
    /// is denied whatever the scopes. Without a scope it reaches the servers that some scope of the map is about, so that leaving
    /// scopes out never shows more. Nothing is compiled or copied: O(scopes held).
    #[must_use]
    pub fn grants(&self, base: &Arc<Grants>, held: &[bool]) -> Arc<Grants> {
        self.join(base, held, Arc::clone(&self.parts))
    }

    /// The same for a user for whom those scopes alone count that `counting` says, by place, `held` among them: the others tell of
    /// no server either.
    #[must_use]
    pub fn grants_of_some(
        &self,
        base: &Arc<Grants>,
        held: &[bool],
        counting: &[bool],
    ) -> Arc<Grants> {
        let parts = self.parts.iter().zip(counting);
        let offered = parts.filter(|(_, counts)| **counts).map(|(part, _)| part);
        self.join(base, held, offered.cloned().collect())
    }

    fn join(
        &self,
        base: &Arc<Grants>,
        held: &[bool],
        offered: Arc<[Arc<GrantsPart>]>,
    ) -> Arc<Grants> {
        let parts = self.parts.iter().zip(held);
        let held = parts.filter(|(_, held)| **held).map(|(part, _)| part);
        if offered.is_empty() {
            return Arc::clone(base);
        }
        let further = held.cloned().collect();
        Arc::new(Grants::joined(Arc::clone(base), further, offered))
    }
}
