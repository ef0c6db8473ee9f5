//! A [`Problem`] with its place, as people and programs read it.

use std::fmt;

use serde_json::{Value, json};

use crate::config::problem::{Problem, Severity};
use crate::config::tree::Position;

/// One thing to tell about a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Dotted path of the key: `auth.api_keys[0].key_hash`. Empty for the file as a whole.
    pub key_path: String,
    /// The file, as it was named.
    pub file: String,
    /// Where in the file; absent where it could not be read.
    pub position: Option<Position>,
    /// What is wrong.
    pub problem: Problem,
}

impl Diagnostic {
    /// Whether this refuses the configuration.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// As a JSON object: `severity`, `code`, `key_path`, `file`, `line`, `column`, `message`, `remedy`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "severity": self.severity.as_str(),
            "code": self.problem.code(),
            "key_path": self.key_path,
            "file": self.file,
            "line": self.position.map(|position| position.line),
            "column": self.position.map(|position| position.column),
            "message": self.problem.to_string(),
            "remedy": self.problem.remedy(),
        })
    }
}

/// `mcp-guard.toml:12:1: error: server.prot: unknown key; did you mean `port`?`
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(position) = self.position {
            write!(f, ":{}:{}", position.line, position.column)?;
        }
        write!(f, ": {}: ", self.severity.as_str())?;
        if !self.key_path.is_empty() {
            write!(f, "{}: ", self.key_path)?;
        }
        write!(f, "{}", self.problem)?;
        self.problem
            .remedy()
            .map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Diagnostic, Position, Problem, Severity};

    fn unknown_key() -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            key_path: "server.prot".to_owned(),
            file: "mcp-guard.toml".to_owned(),
            position: Some(Position {
                line: 12,
                column: 1,
            }),
            problem: Problem::UnknownKey {
                near: Some("port".to_owned()),
                accepted: Vec::new(),
            },
        }
    }

    #[test]
    fn a_line_names_place_key_fact_and_remedy() {
        assert_eq!(
            unknown_key().to_string(),
            "mcp-guard.toml:12:1: error: server.prot: unknown key; did you mean `port`?"
        );
    }

    #[test]
    fn json_has_the_same_apart() {
        let json = unknown_key().to_json();
        assert_eq!(json["line"], 12);
        assert_eq!(json["code"], "unknown_key");
        assert_eq!(json["remedy"], "did you mean `port`?");
    }
}
