//! What a caller sees of a server's lists: exactly what policy would let it use.

use super::Visibility;
use crate::engine::identity::Principal;
use crate::engine::mcp::methods::ListKind;
use crate::engine::policy::{Subject, SubjectKind, sees_all, shows};
use crate::engine::snapshot::Server;

/// The lists of `server` in the eyes of `principal`.
#[derive(Clone, Copy, Debug)]
pub struct Visible<'a> {
    /// Who looks.
    pub principal: &'a Principal,
    /// At which server.
    pub server: &'a Server,
}

impl Visibility for Visible<'_> {
    fn shows(&self, kind: ListKind, name: &str) -> bool {
        let kind = subject_kind(kind);
        shows(self.principal, self.server, Subject { kind, name })
    }

    fn shows_all(&self, kind: ListKind) -> bool {
        sees_all(self.principal, self.server, subject_kind(kind))
    }
}

impl Visible<'_> {
    /// Whether no list hides anything.
    #[must_use]
    pub fn shows_everything(&self) -> bool {
        [ListKind::Tools, ListKind::Prompts, ListKind::Resources]
            .iter()
            .all(|kind| self.shows_all(*kind))
    }
}

const fn subject_kind(kind: ListKind) -> SubjectKind {
    match kind {
        ListKind::Tools => SubjectKind::Tool,
        ListKind::Prompts => SubjectKind::Prompt,
        ListKind::Resources | ListKind::ResourceTemplates => SubjectKind::Resource,
    }
}
