//! Everything that can be wrong with a configuration.
//!
//! Each variant is one nameable event with what is needed to act on it. `Display` says subject, fact and bound; the remedy is
//! apart, so that a program can tell them from each other. **Invariant:** no variant carries the value of a secret.

use std::fmt;

/// Something wrong, or worth a warning, at one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The file cannot be read.
    Unreadable {
        /// What the system says.
        cause: String,
    },
    /// The file is too large to be a configuration.
    TooLarge {
        /// Largest size, in bytes.
        bytes_max: usize,
    },
    /// The name of the file does not say its format.
    UnknownFormat,
    /// The file is not TOML or YAML.
    Syntax {
        /// What the parser says. Never an excerpt.
        detail: String,
    },
    /// Tables and lists nest too deeply.
    TooDeep {
        /// Deepest nesting.
        depth_max: usize,
    },
    /// A YAML feature that can change what a file says at a distance.
    YamlRefused {
        /// `anchor`, `alias`, `tag` …
        feature: &'static str,
    },
    /// A key is given twice.
    DuplicateKey {
        /// Line of the first one.
        first_line: usize,
    },
    /// No such key.
    UnknownKey {
        /// A known key that looks alike.
        near: Option<String>,
        /// Every key of the section.
        accepted: Vec<String>,
    },
    /// A value of another type is needed.
    WrongType {
        /// What is needed.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A number, a size or a duration is out of its range.
    OutOfRange {
        /// What is there.
        value: String,
        /// The range.
        accepted: String,
    },
    /// A text is none of the known ones.
    NotAccepted {
        /// What is there.
        value: String,
        /// The known ones.
        accepted: Vec<String>,
    },
    /// A text does not have the form that it needs.
    Malformed {
        /// What is there; absent where it could be a secret.
        value: Option<String>,
        /// The form.
        accepted: String,
    },
    /// A key that must be given is not.
    Missing {
        /// What it would take.
        accepted: &'static str,
    },
    /// A known feature that this version does not have.
    NotAvailable {
        /// What was asked for.
        feature: &'static str,
    },
    /// A secret is given both inline and by file.
    SecretTwice {
        /// The other key.
        other: String,
    },
    /// A secret comes from an environment variable that is not set, or not Unicode.
    EnvMissing {
        /// Its name.
        name: String,
    },
    /// A secret comes from a file that cannot be read.
    SecretFile {
        /// Its path.
        path: String,
        /// What the system says.
        cause: String,
    },
    /// A secret is empty.
    SecretEmpty,
    /// A secret has a byte that cannot go into a header.
    SecretUnprintable,
    /// A secret file is open to others.
    SecretFileExposed {
        /// Its path.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The configuration file has secrets in it and is open to others.
    FileExposed {
        /// Its permission bits.
        mode: u32,
    },
    /// The configuration file can be changed by others.
    FileWritable {
        /// Its permission bits.
        mode: u32,
    },
    /// Nobody could authenticate.
    NoAuthentication,
    /// No upstream is configured.
    NoUpstream,
    /// Anonymous access on a listener that others can reach.
    AnonymousExposed {
        /// The bind address.
        host: String,
    },
    /// The admin listener can be reached by others and has no token.
    AdminExposed {
        /// The bind address.
        host: String,
    },
    /// Two things that must differ are equal.
    SameAs {
        /// The other key.
        other: String,
    },
    /// Two keys that cannot be used together.
    Conflict {
        /// The other key.
        other: String,
        /// Why, and what to do.
        remedy: &'static str,
    },
    /// A CORS origin that `server.allowed_origins` would refuse.
    OriginNotAllowed {
        /// The origin.
        origin: String,
    },
    /// A header that the gateway keeps to itself.
    HeaderReserved {
        /// Its name.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// An entry of a tool list cannot be understood.
    BadEntry {
        /// The entry.
        entry: String,
        /// Why.
        reason: String,
    },
    /// An entry names an upstream that is not configured.
    UnknownServer {
        /// The name.
        name: String,
        /// Names that are.
        accepted: Vec<String>,
    },
    /// Two routes claim the same path, or a path that the gateway keeps to itself.
    BadRoute {
        /// What is wrong.
        reason: String,
    },
    /// Warning: a tool list that allows nothing.
    AllowsNothing,
    /// Warning: a key that is past its end.
    Expired {
        /// When it ended.
        at: String,
    },
    /// Warning: records are made and nobody keeps them.
    AuditNowhere,
    /// Warning: upstream session ids reach clients as they are.
    SessionsUnsealed,
    /// Warning: workers do not poll in this version.
    PollingUnavailable,
}

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// The configuration works, probably not as intended.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl Problem {
    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::AllowsNothing
            | Self::Expired { .. }
            | Self::AuditNowhere
            | Self::SessionsUnsealed
            | Self::PollingUnavailable
            | Self::SecretFileExposed { .. }
            | Self::FileExposed { .. }
            | Self::FileWritable { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// A stable name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable",
            Self::TooLarge { .. } => "too_large",
            Self::UnknownFormat => "unknown_format",
            Self::Syntax { .. } => "syntax",
            Self::TooDeep { .. } => "too_deep",
            Self::YamlRefused { .. } => "yaml_refused",
            Self::DuplicateKey { .. } => "duplicate_key",
            Self::UnknownKey { .. } => "unknown_key",
            Self::WrongType { .. } => "wrong_type",
            Self::OutOfRange { .. } => "out_of_range",
            Self::NotAccepted { .. } => "not_accepted",
            Self::Malformed { .. } => "malformed",
            Self::Missing { .. } => "missing",
            Self::NotAvailable { .. } => "not_available",
            Self::SecretTwice { .. } => "secret_twice",
            Self::EnvMissing { .. } => "env_missing",
            Self::SecretFile { .. } => "secret_file",
            Self::SecretEmpty => "secret_empty",
            Self::SecretUnprintable => "secret_unprintable",
            Self::SecretFileExposed { .. } => "secret_file_exposed",
            Self::FileExposed { .. } => "file_exposed",
            Self::FileWritable { .. } => "file_writable",
            Self::NoAuthentication => "no_authentication",
            Self::NoUpstream => "no_upstream",
            Self::AnonymousExposed { .. } => "anonymous_exposed",
            Self::AdminExposed { .. } => "admin_exposed",
            Self::SameAs { .. } => "same_as",
            Self::Conflict { .. } => "conflict",
            Self::OriginNotAllowed { .. } => "origin_not_allowed",
            Self::HeaderReserved { .. } => "header_reserved",
            Self::BadEntry { .. } => "bad_entry",
            Self::UnknownServer { .. } => "unknown_server",
            Self::BadRoute { .. } => "bad_route",
            Self::AllowsNothing => "allows_nothing",
            Self::Expired { .. } => "expired",
            Self::AuditNowhere => "audit_nowhere",
            Self::SessionsUnsealed => "sessions_unsealed",
            Self::PollingUnavailable => "polling_unavailable",
        }
    }

    /// What would be accepted, or what to do.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        let fixed = match self {
            Self::UnknownKey {
                near: Some(near), ..
            } => return Some(format!("did you mean `{near}`?")),
            Self::UnknownKey {
                near: None,
                accepted,
            }
            | Self::NotAccepted { accepted, .. } => {
                return Some(format!("accepted: {}", listed(accepted)));
            }
            Self::UnknownServer { accepted, .. } => {
                return Some(format!("configured: {}", listed(accepted)));
            }
            Self::OutOfRange { accepted, .. } | Self::Malformed { accepted, .. } => {
                return Some(format!("accepted: {accepted}"));
            }
            Self::EnvMissing { name } => {
                return Some(format!("set {name} in the environment of the gateway"));
            }
            Self::UnknownFormat => "name the file .toml, .yaml or .yml",
            Self::YamlRefused { .. } => "write the value out where it is used",
            Self::DuplicateKey { .. } => "keep one of them",
            Self::WrongType { expected, .. } => return Some(format!("accepted: {expected}")),
            Self::Missing { accepted } => return Some(format!("accepted: {accepted}")),
            Self::NotAvailable { .. } => "remove the key, or use a version that has it",
            Self::SecretTwice { .. } => "keep one of them",
            Self::SecretUnprintable => "use printable ASCII without line breaks",
            Self::SecretFileExposed { path, .. } => return Some(format!("run `chmod 600 {path}`")),
            Self::FileExposed { .. } => {
                "run `chmod 600` on it, or move the secrets to files or the environment"
            }
            Self::FileWritable { .. } => "run `chmod go-w` on it",
            Self::NoAuthentication => {
                "add a key with `mcp-guard keygen --user-id ID --apply-to-config`, or [auth.anonymous] on a loopback listener"
            }
            Self::NoUpstream => "set upstream.url, or add [[upstream.servers]]",
            Self::AnonymousExposed { .. } => {
                "bind a loopback address, remove [auth.anonymous], or set auth.anonymous.i_understand = true"
            }
            Self::AdminExposed { .. } => {
                "set server.admin.token or token_file, or bind a loopback address"
            }
            Self::SameAs { .. } => "make them differ",
            Self::Conflict { remedy, .. } => remedy,
            Self::OriginNotAllowed { .. } => "add it to server.allowed_origins too",
            Self::AllowsNothing => "name what is allowed, or \"*\" for everything",
            Self::Expired { .. } => "remove the key, or make a new one with `mcp-guard keygen`",
            Self::AuditNowhere => "set audit.file or audit.stdout, or audit.enabled = false",
            _ => return None,
        };
        Some(fixed.to_owned())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { cause } => write!(f, "file cannot be read: {cause}"),
            Self::TooLarge { bytes_max } => write!(f, "file is larger than {bytes_max} bytes"),
            Self::UnknownFormat => f.write_str("file name says neither TOML nor YAML"),
            Self::Syntax { detail } => write!(f, "syntax error: {detail}"),
            Self::TooDeep { depth_max } => write!(f, "nesting is deeper than {depth_max} levels"),
            Self::YamlRefused { feature } => write!(f, "YAML {feature} is not supported"),
            Self::DuplicateKey { first_line } => write!(f, "key is given twice, first on line {first_line}"),
            Self::UnknownKey { .. } => f.write_str("unknown key"),
            Self::WrongType { found, .. } => write!(f, "{found} is not what this key takes"),
            Self::OutOfRange { value, .. } => write!(f, "{value} is out of range"),
            Self::NotAccepted { value, .. } => write!(f, "{value:?} is not a known value"),
            Self::Malformed { value: Some(value), .. } => write!(f, "{value:?} does not have the form that is needed"),
            Self::Malformed { value: None, .. } => f.write_str("value does not have the form that is needed"),
            Self::Missing { .. } => f.write_str("key is missing"),
            Self::NotAvailable { feature } => write!(f, "{feature} is not available in this version"),
            Self::SecretTwice { other } => write!(f, "secret is given twice, here and as {other}"),
            Self::EnvMissing { name } => write!(f, "environment variable {name} is not set"),
            Self::SecretFile { path, cause } => write!(f, "secret file {path} cannot be read: {cause}"),
            Self::SecretEmpty => f.write_str("secret is empty"),
            Self::SecretUnprintable => f.write_str("secret has a character that no header may carry"),
            Self::SecretFileExposed { path, mode } => {
                write!(f, "secret file {path} is open to other users (mode {mode:04o})")
            }
            Self::FileExposed { mode } => {
                write!(f, "file holds secrets and is open to other users (mode {mode:04o})")
            }
            Self::FileWritable { mode } => write!(f, "file can be changed by other users (mode {mode:04o})"),
            Self::NoAuthentication => f.write_str("no authentication method is configured"),
            Self::NoUpstream => f.write_str("no upstream is configured"),
            Self::AnonymousExposed { host } => {
                write!(f, "anonymous access is on while the gateway listens on {host}, which others can reach")
            }
            Self::AdminExposed { host } => {
                write!(f, "admin listener on {host} can be reached by others and has no token")
            }
            Self::SameAs { other } => write!(f, "value is the same as that of {other}"),
            Self::Conflict { other, .. } => write!(f, "key cannot be used together with {other}"),
            Self::OriginNotAllowed { origin } => write!(f, "origin {origin:?} is not in server.allowed_origins"),
            Self::HeaderReserved { name, reason } => write!(f, "header {name:?} cannot be used here: {reason}"),
            Self::BadEntry { entry, reason } => write!(f, "entry {entry:?} cannot be used: {reason}"),
            Self::UnknownServer { name, .. } => write!(f, "no upstream is named {name:?}"),
            Self::BadRoute { reason } => f.write_str(reason),
            Self::AllowsNothing => f.write_str("list is absent or empty and allows nothing"),
            Self::Expired { at } => write!(f, "key ended at {at}"),
            Self::AuditNowhere => f.write_str("audit records are not kept anywhere"),
            Self::PollingUnavailable => {
                f.write_str("polling is not available in this version: idle workers sleep at once")
            }
            Self::SessionsUnsealed => {
                f.write_str("session ids of upstreams reach clients unsealed in this version: an id is not bound to its identity")
            }
        }
    }
}

fn listed(names: &[String]) -> String {
    names.join(", ")
}
