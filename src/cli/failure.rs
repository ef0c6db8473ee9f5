//! Why a command did not do what was asked: one line on standard error, `what: why; remedy`.

use std::fmt;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::config::{Diagnostic, EditError, Format, Refused};
use crate::demo::DemoError;

/// A command that was refused or failed. The exit code is 1.
#[derive(Debug)]
pub(super) enum Failure {
    /// The configuration has errors.
    Configuration {
        /// The file.
        path: PathBuf,
        /// How many errors.
        errors: usize,
        /// The first of them.
        first: String,
    },
    /// The configuration has errors, each of which was shown.
    Invalid {
        /// The file.
        path: PathBuf,
        /// How many errors.
        errors: usize,
    },
    /// A file that would be written exists.
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
    /// Another edit of the file is under way, or was interrupted.
    BeingEdited {
        /// The file that says so.
        marker: PathBuf,
    },
    /// The path has another extension than the format that was asked for, or none that is known.
    FormatDiffers {
        /// The path.
        path: PathBuf,
    },
    /// No such template.
    NoTemplate {
        /// What was asked for.
        name: String,
        /// What is probably meant.
        near: Option<&'static str>,
        /// What there is.
        known: String,
    },
    /// The configuration has such a key already.
    SameId {
        /// The id.
        id: String,
    },
    /// The key cannot be put into the file.
    Edit {
        /// The file.
        path: PathBuf,
        /// Why.
        error: EditError,
    },
    /// The key that was asked for would make the configuration bad.
    KeyRefused {
        /// What is wrong with it.
        reason: String,
    },
    /// What was given on standard input is no API key.
    NotAKey {
        /// Why.
        reason: &'static str,
    },
    /// The system has no randomness.
    NoRandomness {
        /// What it says.
        cause: String,
    },
    /// No identity of that id.
    NoIdentity {
        /// The id.
        id: String,
        /// Who vouches for users, and may know the id.
        issuers: String,
    },
    /// No user of that name at an issuer of that name.
    NoUser {
        /// The issuer.
        issuer: String,
        /// Issuers that there are.
        known: String,
    },
    /// No scope of that name in the tokens of the gateway.
    NoScope {
        /// The scope.
        scope: String,
        /// What there is.
        known: String,
    },
    /// No identity for a certificate with that name.
    NoCertificate {
        /// The name.
        name: String,
    },
    /// No upstream of that name.
    NoServer {
        /// The name.
        name: String,
        /// What there is.
        known: String,
    },
    /// Policy denies the call that was asked about.
    Denied {
        /// The rule.
        rule: String,
    },
    /// Policy denies the call to a token with these scopes, and would allow it with others.
    NeedsScope {
        /// The rule.
        rule: String,
        /// Every scope to ask for.
        scope: String,
    },
    /// Upstreams did not pass a round trip; each was shown with its cause.
    Upstreams {
        /// Their names.
        failed: String,
        /// How many were checked.
        all: usize,
    },
    /// The runtime for a command cannot start.
    Runtime {
        /// What the system says.
        cause: String,
    },
    /// There is no demonstration.
    Demo {
        /// Why.
        error: DemoError,
    },
}

impl Failure {
    /// The failure of a configuration that was refused.
    pub(super) fn configuration(path: PathBuf, refused: &Refused) -> Self {
        let mut errors = refused.diagnostics.iter().filter(|found| found.is_error());
        let first = errors
            .next()
            .map_or_else(String::new, Diagnostic::to_string);
        Self::Configuration {
            path,
            errors: 1 + errors.count(),
            first,
        }
    }

    /// Says it and gives the exit code.
    pub(super) fn print(&self) -> ExitCode {
        let _ = writeln!(std::io::stderr().lock(), "mcp-guard: {self}");
        ExitCode::FAILURE
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration {
                first, errors: 1, ..
            } => f.write_str(first),
            Self::Configuration { path, errors, .. } => write!(
                f,
                "{0}: configuration has {errors} errors; see them with `mcp-guard -c {0} validate`",
                path.display()
            ),
            Self::Invalid { path, errors } => {
                let plural = if *errors == 1 { "" } else { "s" };
                write!(
                    f,
                    "{}: refused: {errors} error{plural}; correct what is listed above",
                    path.display()
                )
            }
            Self::Exists { path } => {
                write!(
                    f,
                    "{}: file exists; overwrite it with --force, or choose another with -c PATH",
                    path.display()
                )
            }
            Self::File { path, cause } => {
                write!(f, "{}: {cause}; check path and permissions", path.display())
            }
            Self::BeingEdited { marker } => {
                write!(
                    f,
                    "{0}: another edit is under way, or was interrupted; remove {0} if none is",
                    marker.display()
                )
            }
            Self::FormatDiffers { path } => {
                write!(
                    f,
                    "{}: extension does not say the format; use .toml, .yaml or .yml, or leave --format out",
                    path.display()
                )
            }
            Self::NoTemplate {
                name,
                near: Some(near),
                ..
            } => write!(
                f,
                "template {name:?} does not exist in this format; did you mean `{near}`?"
            ),
            Self::NoTemplate { name, known, .. } => write!(
                f,
                "template {name:?} does not exist in this format; there are: {known}"
            ),
            Self::SameId { id } => {
                write!(
                    f,
                    "id {id:?} has a key already; choose another --user-id, or remove that key first"
                )
            }
            Self::Edit { path, error } => {
                write!(
                    f,
                    "{}: {error}; paste the snippet that `keygen` prints without --apply-to-config",
                    path.display()
                )
            }
            Self::KeyRefused { reason } => f.write_str(reason),
            Self::NotAKey { reason } => {
                write!(
                    f,
                    "standard input: {reason}; give one key as `mcp-guard keygen` printed it, beginning with mcp_"
                )
            }
            Self::NoRandomness { cause } => write!(
                f,
                "no randomness for a key: {cause}; try again once the system has started"
            ),
            Self::NoIdentity { id, issuers } if issuers.is_empty() => {
                write!(
                    f,
                    "identity {id:?} is not configured; use an id of [[auth.api_keys]], or anonymous"
                )
            }
            Self::NoIdentity { id, issuers } => write!(
                f,
                "identity {id:?} is not configured; use an id of [[auth.api_keys]], or anonymous; for a user of a provider or an issuer add --issuer: {issuers}"
            ),
            Self::NoUser { issuer, known } if known.is_empty() => write!(
                f,
                "issuer {issuer:?} is not configured; there is none, add [auth.jwt] or [auth.oauth]"
            ),
            Self::NoUser { issuer, known } => write!(
                f,
                "issuer {issuer:?} has no such user, or is not configured; there are: {known}"
            ),
            Self::NoScope { scope, known } if known.is_empty() => write!(
                f,
                "scope {scope:?} is in no token: auth.oauth.scope_tool_mapping is empty; leave --scope out"
            ),
            Self::NoScope { scope, known } => write!(
                f,
                "scope {scope:?} is not in auth.oauth.scope_tool_mapping; there are: {known}"
            ),
            Self::NoCertificate { name } => write!(
                f,
                "certificate name {name:?} is nobody; match it in [[auth.mtls.identities]], with auth.mtls.enabled = true"
            ),
            Self::NoServer { name, known } => {
                write!(f, "server {name:?} is not configured; there are: {known}")
            }
            Self::Denied { rule } => write!(
                f,
                "denied: {rule}; allow it in allowed_tools if it is meant to work"
            ),
            Self::NeedsScope { rule, scope } => write!(
                f,
                "denied: {rule}; a token with the scopes \"{scope}\" may make the call"
            ),
            Self::Upstreams { failed, all } => {
                write!(
                    f,
                    "check failed for {failed} ({all} checked); causes are listed above"
                )
            }
            Self::Runtime { cause } => {
                write!(
                    f,
                    "runtime cannot start: {cause}; look at the limits of this process"
                )
            }
            Self::Demo { error } => error.fmt(f),
        }
    }
}

/// How a format is called.
pub(super) fn format_name(format: Format) -> &'static str {
    match format {
        Format::Toml => "toml",
        Format::Yaml => "yaml",
    }
}
