//! Step-up: which further scopes would allow what was denied.
//!
//! A refusal that names scopes sends the client's user through a login, so it is made only where that helps: when scopes of
//! the token's own issuer, granted as well, would allow the message. What `denied_tools` or a ceiling refuses stays a plain
//! denial, and so does a name that no scope allows. Source: MCP 2026-07-28 Authorization, Scope Challenge Handling.

use std::fmt;

use super::decide::would_allow;
use super::{Action, decide, reaches};
use crate::engine::identity::{Granted, Principal, is_scope_to_ask};
use crate::engine::limits::{CHALLENGE_SCOPE_BYTES_MAX, STEP_UP_SCOPES_MAX};
use crate::engine::snapshot::Server;

/// The scopes that a token would need. Only [`step_up`] makes one. `Display` is the rule of audit records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepUp {
    scope: Box<str>,
    missing: Box<str>,
}

impl StepUp {
    /// What the client is to ask for, separated by spaces: the scopes that its token has, so that the new one can do what the
    /// old one could, and those that are missing. Scope-tokens alone (RFC 6749 §3.3), at most
    /// [`CHALLENGE_SCOPE_BYTES_MAX`] bytes.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }
}

impl fmt::Display for StepUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "needs scope \"{}\"", self.missing)
    }
}

/// The scopes that would allow `principal` all of `actions` on `server`: for each the first of the issuer's map, in the order of
/// the file. `None` where nothing is missing, where scopes mean nothing to this caller, or where no scopes would help.
///
/// For denied messages alone. Cost: O(actions × [`STEP_UP_SCOPES_MAX`] + scopes) decisions.
#[must_use]
pub fn step_up<'a>(
    principal: &Principal,
    server: &Server,
    actions: impl IntoIterator<Item = Action<'a>>,
) -> Option<StepUp> {
    let granted = principal.granted()?;
    let scopes = granted.map.scopes();
    let mut actions: Vec<_> = actions.into_iter().collect();
    // What names a thing chooses the scope; whatever allows that reaches the server as well.
    actions.sort_by_key(|action| !matches!(action, Action::Use(_)));
    let mut missing = Vec::new();
    for action in actions {
        let helps = |place: &usize| would_allow(principal, &scopes[*place].grants, server, action);
        if decide(principal, server, action).is_ok() || missing.iter().any(helps) {
            continue;
        }
        let mut others = (0..scopes.len()).filter(|&place| may_add(granted, place));
        missing.push(
            others
                .find(helps)
                .filter(|_| missing.len() < STEP_UP_SCOPES_MAX)?,
        );
    }
    asked(granted, missing)
}

/// Whether `principal` reaches `server`, or would with a further scope: then its path answers, if only with a step-up.
#[must_use]
pub fn may_reach(principal: &Principal, server: &Server) -> bool {
    let further = || step_up(principal, server, [Action::AlwaysAllowed]);
    reaches(principal, server) || further().is_some()
}

fn may_add(granted: &Granted, place: usize) -> bool {
    granted.may_gain(place) && is_scope_to_ask(&granted.map.scopes()[place].scope)
}

fn is_held(granted: &Granted, place: usize) -> bool {
    granted.held.get(place).is_some_and(|is_held| *is_held)
}

/// The scopes at `missing` and those held, in the order of the file. Held ones are left out, from the last, where there is no
/// room for all.
fn asked(granted: &Granted, mut missing: Vec<usize>) -> Option<StepUp> {
    let scopes = granted.map.scopes();
    missing.sort_unstable();
    let text = |places: &[usize]| {
        let names: Vec<&str> = places.iter().map(|&place| &*scopes[place].scope).collect();
        names.join(" ")
    };
    let missing_text = text(&missing);
    if missing.is_empty() || missing_text.len() > CHALLENGE_SCOPE_BYTES_MAX {
        return None;
    }
    let mut room = CHALLENGE_SCOPE_BYTES_MAX - missing_text.len();
    let mut places = missing;
    for (place, each) in scopes.iter().enumerate() {
        let bytes = each.scope.len() + 1;
        if is_held(granted, place) && is_scope_to_ask(&each.scope) && bytes <= room {
            room -= bytes;
            places.push(place);
        }
    }
    places.sort_unstable();
    Some(StepUp {
        scope: text(&places).into(),
        missing: missing_text.into(),
    })
}

#[cfg(test)]
#[path = "step_up/tests.rs"]
mod tests;
