//! The decision itself.

use std::fmt;

use super::climb::climbs;
use super::rights::Rights;
use super::{Action, Grants, Rule, Subject, SubjectKind};
use crate::engine::identity::Principal;
use crate::engine::snapshot::{Server, ServerIndex};

/// Proof that policy allowed an action on one server. Only this module can make one, and the function that writes to an
/// upstream demands one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a permit is the proof that the upstream call demands"]
pub struct Permit {
    server: ServerIndex,
    rule: Rule,
}

impl Permit {
    /// The server that the permit is for.
    #[must_use]
    pub const fn server(self) -> ServerIndex {
        self.server
    }

    /// The rule that allowed the action.
    #[must_use]
    pub const fn rule(self) -> Rule {
        self.rule
    }
}

/// A refusal by policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The word that the client may see: *tool* not available. `None` where it is the server or a task that is refused.
    pub kind: Option<SubjectKind>,
    /// The rule that refused, for the audit record only.
    pub rule: Rule,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is not available",
            self.kind.map_or("target", SubjectKind::as_str)
        )
    }
}

impl std::error::Error for Denial {}

/// Decides whether `principal` may do `action` on `server`. Pure; allocates nothing; one hash lookup and O(patterns).
///
/// `denied_tools` wins over the server's ceiling, which wins over `allowed_tools`. Errors: [`Rule::Denied`],
/// [`Rule::Ceiling`], [`Rule::NoRule`] when nothing matches, [`Rule::Unreachable`], [`Rule::ForeignTask`].
/// Source: docs/policy.md.
pub fn decide(
    principal: &Principal,
    server: &Server,
    action: Action<'_>,
) -> Result<Permit, Denial> {
    let rule = rule_for(Rights::of(principal.grants()), server, action)?;
    Ok(Permit {
        server: server.index(),
        rule,
    })
}

/// Whether `principal` might do `action` on `server`, were it granted `further` as well.
pub(super) fn would_allow(
    principal: &Principal,
    further: &Grants,
    server: &Server,
    action: Action<'_>,
) -> bool {
    let rights = Rights::of(principal.grants()).with(further);
    rule_for(rights, server, action).is_ok()
}

/// Decides a message that asks for several things at once: allowed when each of them is, refused by the first that is not,
/// and refused when there are none.
pub fn decide_all<'a>(
    principal: &Principal,
    server: &Server,
    actions: impl IntoIterator<Item = Action<'a>>,
) -> Result<Permit, Denial> {
    let nothing = Err(Denial {
        kind: None,
        rule: Rule::NoRule,
    });
    let mut decision = nothing;
    for action in actions {
        decision = Ok(decide(principal, server, action)?);
    }
    decision
}

/// Decides whether `principal` may open (GET) or end (DELETE) a session stream on `server`: it may where it reaches the
/// server, and what the stream carries is filtered.
pub fn decide_stream(principal: &Principal, server: &Server) -> Result<Permit, Denial> {
    decide(principal, server, Action::AlwaysAllowed)
}

/// Whether `subject` appears in the lists that `principal` gets from `server`: exactly when using it is allowed.
#[must_use]
pub fn shows(principal: &Principal, server: &Server, subject: Subject<'_>) -> bool {
    judge(Rights::of(principal.grants()), server, subject).is_ok()
}

/// Whether every name of `kind` is shown, so that a list needs no look at its items. May say no where the answer is yes,
/// never the reverse.
#[must_use]
pub fn sees_all(principal: &Principal, server: &Server, kind: SubjectKind) -> bool {
    covers(Rights::of(principal.grants()), server, kind)
}

/// Whether `principal` may know that `server` exists: `/routes` lists it and its path answers.
#[must_use]
pub fn reaches(principal: &Principal, server: &Server) -> bool {
    Rights::of(principal.grants()).concerns(&server.name)
}

fn rule_for(rights: Rights<'_>, server: &Server, action: Action<'_>) -> Result<Rule, Denial> {
    match action {
        Action::Use(subject) => judge(rights, server, subject),
        Action::AlwaysAllowed => reach(rights, server),
        Action::OwnTask => reach(rights, server).map(|_| Rule::OwnTask),
        Action::ForeignTask => Err(Denial {
            kind: None,
            rule: Rule::ForeignTask,
        }),
    }
}

fn reach(rights: Rights<'_>, server: &Server) -> Result<Rule, Denial> {
    if rights.concerns(&server.name) {
        Ok(Rule::AlwaysAllowed)
    } else {
        Err(Denial {
            kind: None,
            rule: Rule::Unreachable,
        })
    }
}

fn covers(rights: Rights<'_>, server: &Server, kind: SubjectKind) -> bool {
    server.ceiling.covers(kind) && rights.covers(&server.name, kind)
}

fn judge(rights: Rights<'_>, server: &Server, subject: Subject<'_>) -> Result<Rule, Denial> {
    let deny = |rule| {
        Err(Denial {
            kind: Some(subject.kind),
            rule,
        })
    };
    let is_resource = subject.kind == SubjectKind::Resource;
    if is_resource && climbs(subject.name) && !covers(rights, server, subject.kind) {
        return deny(Rule::NoRule);
    }
    if let Some(index) = rights.denying(&server.name, subject) {
        return deny(Rule::Denied(index));
    }
    if !server.ceiling.offers(subject) {
        return deny(Rule::Ceiling);
    }
    rights
        .allowing(&server.name, subject)
        .map_or_else(|| deny(Rule::NoRule), |index| Ok(Rule::Allowed(index)))
}

#[cfg(test)]
#[path = "decide/tests.rs"]
mod tests;
