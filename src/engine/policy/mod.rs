//! Principal × action → permit or denial.
//!
//! What it never does: look at HTTP, at JSON or at a clock. **Invariant:** a [`Permit`] can be made only here, and every
//! other question about rights ([`shows`], [`sees_all`], [`reaches`]) is answered by the same matching, so that a list shows
//! exactly what a call allows. What a further scope would allow ([`step_up()`]) is answered by it too.
//!
//! Read [`decide`] first, then [`Grants`].

mod climb;
mod decide;
mod entry;
mod grants;
mod rights;
mod rule;
mod step_up;

pub use decide::{Denial, Permit, decide, decide_all, decide_stream, reaches, sees_all, shows};
pub use entry::{EntryError, EntryFault, EntryList, ToolPattern, is_server_name};
pub use grants::{Ceiling, Grants, GrantsPart};
pub use rule::Rule;
pub use step_up::{StepUp, may_reach, step_up};

/// What kind of thing a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubjectKind {
    /// A tool, named as in `tools/call`.
    Tool,
    /// A prompt, named as in `prompts/get`.
    Prompt,
    /// A resource or a resource template, named by its URI (template).
    Resource,
    /// A request method that the gateway does not know.
    Method,
}

impl SubjectKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Tool, Self::Prompt, Self::Resource, Self::Method];

    /// The word used in entries, records and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
            Self::Method => "method",
        }
    }
}

/// One thing that a caller wants to use or see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    /// What the name names.
    pub kind: SubjectKind,
    /// The decoded name, or URI, exactly as the upstream will read it.
    pub name: &'a str,
}

impl<'a> Subject<'a> {
    /// The tool `name`.
    #[must_use]
    pub const fn tool(name: &'a str) -> Self {
        Self {
            kind: SubjectKind::Tool,
            name,
        }
    }

    /// The prompt `name`.
    #[must_use]
    pub const fn prompt(name: &'a str) -> Self {
        Self {
            kind: SubjectKind::Prompt,
            name,
        }
    }

    /// The resource, or resource template, at `uri`.
    #[must_use]
    pub const fn resource(uri: &'a str) -> Self {
        Self {
            kind: SubjectKind::Resource,
            name: uri,
        }
    }

    /// The unknown request method `name`.
    #[must_use]
    pub const fn method(name: &'a str) -> Self {
        Self {
            kind: SubjectKind::Method,
            name,
        }
    }
}

/// What one JSON-RPC message asks of policy (docs/policy.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// `initialize`, `ping`, `server/discover`, lists, `logging/setLevel`, notifications, responses: open to every
    /// authenticated caller that reaches the server.
    AlwaysAllowed,
    /// Uses one named thing: `tools/call`, `prompts/get`, `resources/read`, `completion/complete` by its `ref`, a
    /// subscription by its URI, or an unknown method by its name.
    Use(Subject<'a>),
    /// `tasks/*` on a task that this identity created.
    OwnTask,
    /// `tasks/*` on any other task: refused as if the task did not exist.
    ForeignTask,
}
