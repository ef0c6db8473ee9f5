//! What a command says: text for standard output, and whether it failed.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::Value;

use crate::cli::failure::Failure;

/// The outcome of a command that ends by itself.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Goes to standard output as it is.
    pub(super) text: String,
    /// Goes to standard error as one line, and makes the exit code 1.
    pub(super) failure: Option<Failure>,
}

impl Answer {
    /// Success that says `text`.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            failure: None,
        }
    }

    /// Success that says `value` on one line.
    pub(super) fn json(value: &Value) -> Self {
        Self::text(format!("{value}\n"))
    }

    /// The same, with a failure.
    pub(super) fn but(self, failure: Option<Failure>) -> Self {
        Self { failure, ..self }
    }

    /// Says it. A reader that went away is no failure of the command.
    pub(super) fn print(self) -> ExitCode {
        let _ = std::io::stdout().lock().write_all(self.text.as_bytes());
        match self.failure {
            None => ExitCode::SUCCESS,
            Some(failure) => failure.print(),
        }
    }
}

impl From<Failure> for Answer {
    fn from(failure: Failure) -> Self {
        Self {
            text: String::new(),
            failure: Some(failure),
        }
    }
}
