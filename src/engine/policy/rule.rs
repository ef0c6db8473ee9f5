//! Which rule decided, small enough to travel with a permit.

use super::{Ceiling, Grants};

/// The rule behind a decision. Copy; its text is looked up with [`Rule::label`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The entry of `allowed_tools` at this index.
    Allowed(u16),
    /// The entry of `denied_tools` at this index.
    Denied(u16),
    /// The server's own `allowed_tools` does not hold the name.
    Ceiling,
    /// No entry of `allowed_tools` matches.
    NoRule,
    /// The method is open to every authenticated caller.
    AlwaysAllowed,
    /// No entry of this identity concerns this server.
    Unreachable,
    /// The task belongs to the caller.
    OwnTask,
    /// The task does not belong to the caller.
    ForeignTask,
}

impl Rule {
    /// The text for audit records and `explain`, such as `allowed_tools[2] "read_*"` or `no rule`.
    ///
    /// `grants` must be those that decided. Allocates nothing.
    #[must_use]
    pub fn label(self, grants: &Grants) -> &str {
        match self {
            Self::Allowed(index) => grants.allowed_label(index),
            Self::Denied(index) => grants.denied_label(index),
            Self::Ceiling => Ceiling::LABEL,
            Self::NoRule => "no rule",
            Self::AlwaysAllowed => "always allowed",
            Self::Unreachable => "server not granted",
            Self::OwnTask => "own task",
            Self::ForeignTask => "not the caller's task",
        }
    }
}
