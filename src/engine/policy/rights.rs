//! Whose rights a decision is about: those that a caller has, or those that it would have with a further scope.

use super::{Grants, Subject, SubjectKind};

/// The rights of one caller. Both questions, what is allowed and what a scope would add, are answered by the same matching.
#[derive(Clone, Copy)]
pub(super) struct Rights<'g> {
    own: &'g Grants,
    further: Option<&'g Grants>,
}

impl<'g> Rights<'g> {
    /// What `own` gives.
    pub(super) const fn of(own: &'g Grants) -> Self {
        Self { own, further: None }
    }

    /// The same with `further` granted as well. What `own` denies stays denied.
    pub(super) const fn with(self, further: &'g Grants) -> Self {
        Self {
            own: self.own,
            further: Some(further),
        }
    }

    /// The entry of `allowed_tools` that names `subject`. Its index is one of the list that has it.
    pub(super) fn allowing(self, server: &str, subject: Subject<'_>) -> Option<u16> {
        let further = || self.further?.allowing(server, subject);
        self.own.allowing(server, subject).or_else(further)
    }

    /// The entry of `denied_tools` that names `subject`.
    pub(super) fn denying(self, server: &str, subject: Subject<'_>) -> Option<u16> {
        let further = || self.further?.denying(server, subject);
        self.own.denying(server, subject).or_else(further)
    }

    /// Whether every name of `kind` on `server` is allowed. May say no where the answer is yes, never the reverse.
    pub(super) fn covers(self, server: &str, kind: SubjectKind) -> bool {
        self.any(|grants| grants.allows_all(server, kind))
            && !self.any(|grants| grants.denies_some(server, kind))
    }

    /// Whether the caller may know of `server`: unless its entries are all about other servers, or one that denies takes the
    /// whole server away by name (`server::*`). A caller without entries reaches every server and may use nothing there, so
    /// that its lists come back empty instead of its server missing; one whose scopes were left out, the servers that scopes
    /// of its issuer are about.
    pub(super) fn concerns(self, server: &str) -> bool {
        !self.any(|grants| grants.takes_away(server))
            && (self.is_empty() && self.own.may_know(server)
                || self.any(|grants| grants.allows_some(server)))
    }

    fn is_empty(self) -> bool {
        !self.any(|grants| !grants.is_empty())
    }

    fn any(self, test: impl Fn(&Grants) -> bool) -> bool {
        test(self.own) || self.further.is_some_and(test)
    }
}
