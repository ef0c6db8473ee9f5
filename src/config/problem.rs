//! Everything that can be wrong with a configuration.
//!
//! Each variant is one nameable event with what is needed to act on it. `Display` says subject, fact and bound; the remedy is
//! apart, so that a program can tell them from each other. **Invariant:** no variant carries the value of a secret.

mod tls;
mod words;

pub use tls::TlsProblem;

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
    /// A session key that could be guessed.
    SessionKeyShort {
        /// Its length.
        bytes: usize,
    },
    /// A secret that could be guessed, or that is shorter than its algorithm needs.
    SecretShort {
        /// Its length.
        bytes: usize,
        /// Least length.
        bytes_min: usize,
    },
    /// Tokens that nobody signed.
    UnsignedTokens,
    /// A range of proxies that holds more than anybody's own.
    TrustsTooMany {
        /// The range.
        range: String,
    },
    /// Warning: a section that is neither on nor off.
    SwitchedOff,
    /// Warning: a key without effect.
    Unused {
        /// Why.
        reason: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// Warning: bearer tokens cross a network that others may listen to.
    CredentialsInClear {
        /// The bind address.
        host: String,
    },
    /// Warning: clients are told to come without TLS.
    PublicUrlInClear,
    /// Warning: the base address ends as the address of clients does.
    PublicUrlOfEndpoint {
        /// Where clients would come.
        client: String,
    },
    /// A login of GitHub where users are told apart by ids.
    LoginIsNoId {
        /// The login.
        login: String,
        /// What the addresses of GitHub's API begin with.
        api: String,
    },
    /// Warning: a name of users that another person may have later.
    UserIdReused {
        /// The claim.
        claim: String,
    },
    /// Warning: everybody in the world may come in who makes an account at the provider.
    OpenToEverybody {
        /// The provider.
        provider: &'static str,
    },
    /// A scope that is not asked of the provider, and without which nobody could come in.
    ScopeNeeded {
        /// The scope.
        scope: &'static str,
        /// The key that needs it.
        needed_by: String,
    },
    /// Warning: certificates of the handshake are asked for, and identities come from headers.
    HandshakeIsNoIdentity,
    /// An argument that asks for a secret: every user of the host could read it.
    SecretInArgs,
    /// Warning: a program whose name has spaces and that is no file, so its arguments are probably in it.
    CommandWithSpaces,
    /// Warning: headers for a server that takes none.
    HeadersUnused,
    /// Warning: workers do not poll in this version.
    PollingUnavailable,
    /// A file of certificates, keys or revocation lists.
    Tls(TlsProblem),
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
            | Self::SwitchedOff
            | Self::Unused { .. }
            | Self::CredentialsInClear { .. }
            | Self::PublicUrlInClear
            | Self::PublicUrlOfEndpoint { .. }
            | Self::UserIdReused { .. }
            | Self::OpenToEverybody { .. }
            | Self::HandshakeIsNoIdentity
            | Self::Expired { .. }
            | Self::AuditNowhere
            | Self::CommandWithSpaces
            | Self::HeadersUnused
            | Self::PollingUnavailable
            | Self::SecretFileExposed { .. }
            | Self::FileExposed { .. }
            | Self::FileWritable { .. } => Severity::Warning,
            Self::Tls(problem) => problem.severity(),
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
            Self::SessionKeyShort { .. } => "session_key_short",
            Self::SecretShort { .. } => "secret_short",
            Self::UnsignedTokens => "unsigned_tokens",
            Self::TrustsTooMany { .. } => "trusts_too_many",
            Self::SwitchedOff => "switched_off",
            Self::Unused { .. } => "unused",
            Self::CredentialsInClear { .. } => "credentials_in_clear",
            Self::PublicUrlInClear => "public_url_in_clear",
            Self::PublicUrlOfEndpoint { .. } => "public_url_of_endpoint",
            Self::LoginIsNoId { .. } => "login_is_no_id",
            Self::UserIdReused { .. } => "user_id_reused",
            Self::OpenToEverybody { .. } => "open_to_everybody",
            Self::ScopeNeeded { .. } => "scope_needed",
            Self::HandshakeIsNoIdentity => "handshake_is_no_identity",
            Self::SecretInArgs => "secret_in_args",
            Self::CommandWithSpaces => "command_with_spaces",
            Self::HeadersUnused => "headers_unused",
            Self::PollingUnavailable => "polling_unavailable",
            Self::Tls(problem) => problem.code(),
        }
    }
}
