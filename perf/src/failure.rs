//! Why a harness command could not finish.

use std::fmt;
use std::io;

/// One failed step of the harness, with what is needed to act on it.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A system call on `what` failed.
    Io { what: String, source: io::Error },
    /// An argument cannot be understood.
    Argument { what: &'static str, value: String },
    /// A proxy did not answer within its start deadline.
    NotReady { peer: String, said: String },
    /// A run saw answers that were wrong, so its figures mean nothing.
    WrongAnswers { run: String, faults: String },
    /// A run ended without one answer.
    NoAnswers { run: String },
}

impl Failure {
    /// Wraps an [`io::Error`] with the name of what it happened on.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { what, source } => write!(out, "{what}: {source}"),
            Self::Argument { what, value } => write!(out, "{what} is not understood: {value}"),
            Self::NotReady { peer, said } => {
                write!(
                    out,
                    "{peer} did not answer within the start deadline; it said: {said}"
                )
            }
            Self::WrongAnswers { run, faults } => {
                write!(out, "{run} gave wrong answers: {faults}")
            }
            Self::NoAnswers { run } => write!(out, "{run} gave no answer"),
        }
    }
}
