//! What people read of a [`Problem`]: the message, and the remedy.

use std::fmt;

use super::Problem;
use crate::engine::seal::Sealer;

impl Problem {
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
            Self::SecretFile { path, .. } => {
                return Some(format!(
                    "write the secret into it (`install -m 600 /dev/stdin {path}`, paste, Ctrl-D), or let the user that the gateway runs as read it"
                ));
            }
            Self::SecretEmpty => {
                "write the secret there: into the file, the variable or the key that is named"
            }
            Self::LoginIsNoId { login, api } => {
                return Some(format!(
                    "write its id (`id` in the answer of `curl {api}/users/{login}`), or an e-mail pattern"
                ));
            }
            Self::PublicUrlOfEndpoint { client } => {
                return Some(format!(
                    "write the base address, without /mcp, unless clients are to come to {client}"
                ));
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
                "add a key with `mcp-guard keygen --user-id ID --apply-to-config`, [auth.oauth], [auth.jwt], [auth.mtls] with enabled = true, or [auth.anonymous] on a loopback listener"
            }
            Self::NoUpstream => "set upstream.url or upstream.command, or add [[upstream.servers]]",
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
            Self::SessionKeyShort { .. } => "make one with `openssl rand -base64 32`",
            // 64 characters on one line, which is enough for every algorithm.
            Self::SecretShort { bytes_min, .. } if *bytes_min > 44 => {
                "make one with `openssl rand -base64 48`"
            }
            Self::SecretShort { .. } => "make one with `openssl rand -base64 32`",
            Self::UnsignedTokens => "remove it; every token must be signed",
            Self::TrustsTooMany { .. } => "name the proxies alone, such as 10.0.3.7 or 10.0.3.0/24",
            Self::SwitchedOff => "set enabled = true, or enabled = false to leave it off",
            Self::Unused { remedy, .. } => remedy,
            Self::CredentialsInClear { .. } => {
                "set [server.tls]; or terminate TLS in front, listen where only that proxy gets, and name it in server.trusted_proxies"
            }
            Self::PublicUrlInClear => "write https:// in server.public_url",
            Self::UserIdReused { .. } => {
                "remove the key: the default never changes and is never given to anybody else"
            }
            Self::OpenToEverybody { .. } => {
                "name who may come in, unless allowed_tools and scopes are for everybody"
            }
            Self::ScopeNeeded { scope, .. } => return Some(format!("add {scope:?} to scopes")),
            Self::HandshakeIsNoIdentity => {
                "set auth.mtls.source = \"native\" to make them identities; or keep it, as a check of the proxy itself"
            }
            Self::SecretInArgs => {
                "give it in env, `NAME = \"${NAME}\"`; every user of the host can read arguments"
            }
            Self::CommandWithSpaces => {
                "name the program alone in command, and each argument in args"
            }
            Self::HeadersUnused => "remove the key, or give the server what it needs in env",
            Self::Tls(problem) => problem.remedy(),
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
            Self::DuplicateKey { first_line } => {
                write!(f, "key is given twice, first on line {first_line}")
            }
            Self::UnknownKey { .. } => f.write_str("unknown key"),
            Self::WrongType { found, .. } => write!(f, "{found} is not what this key takes"),
            Self::OutOfRange { value, .. } => write!(f, "{value} is out of range"),
            Self::NotAccepted { value, .. } => write!(f, "{value:?} is not a known value"),
            Self::Malformed {
                value: Some(value), ..
            } => write!(f, "{value:?} does not have the form that is needed"),
            Self::Malformed { value: None, .. } => {
                f.write_str("value does not have the form that is needed")
            }
            Self::Missing { .. } => f.write_str("key is missing"),
            Self::NotAvailable { feature } => {
                write!(f, "{feature} is not available in this version")
            }
            Self::SecretTwice { other } => write!(f, "secret is given twice, here and as {other}"),
            Self::EnvMissing { name } => write!(f, "environment variable {name} is not set"),
            Self::SecretFile { path, cause } => {
                write!(f, "secret file {path} cannot be read: {cause}")
            }
            Self::SecretEmpty => f.write_str("secret is empty"),
            Self::SecretUnprintable => {
                f.write_str("secret has a character that no header may carry")
            }
            Self::SecretFileExposed { path, mode } => {
                write!(
                    f,
                    "secret file {path} is open to other users (mode {mode:04o})"
                )
            }
            Self::FileExposed { mode } => {
                write!(
                    f,
                    "file holds secrets and is open to other users (mode {mode:04o})"
                )
            }
            Self::FileWritable { mode } => {
                write!(f, "file can be changed by other users (mode {mode:04o})")
            }
            Self::NoAuthentication => f.write_str("no authentication method is configured"),
            Self::NoUpstream => f.write_str("no upstream is configured"),
            Self::AnonymousExposed { host } => {
                write!(
                    f,
                    "anonymous access is on while the gateway listens on {host}, which others can reach"
                )
            }
            Self::AdminExposed { host } => {
                write!(
                    f,
                    "admin listener on {host} can be reached by others and has no token"
                )
            }
            Self::SameAs { other } => write!(f, "value is the same as that of {other}"),
            Self::Conflict { other, .. } => write!(f, "key cannot be used together with {other}"),
            Self::OriginNotAllowed { origin } => {
                write!(f, "origin {origin:?} is not in server.allowed_origins")
            }
            Self::HeaderReserved { name, reason } => {
                write!(f, "header {name:?} cannot be used here: {reason}")
            }
            Self::BadEntry { entry, reason } => {
                write!(f, "entry {entry:?} cannot be used: {reason}")
            }
            Self::UnknownServer { name, .. } => write!(f, "no upstream is named {name:?}"),
            Self::BadRoute { reason } => f.write_str(reason),
            Self::AllowsNothing => f.write_str("list is absent or empty and allows nothing"),
            Self::Expired { at } => write!(f, "key ended at {at}"),
            Self::AuditNowhere => f.write_str("audit records are not kept anywhere"),
            Self::PollingUnavailable => {
                f.write_str("polling is not available in this version: idle workers sleep at once")
            }
            Self::SessionKeyShort { bytes } => {
                write!(
                    f,
                    "secret is {bytes} bytes; least is {}",
                    Sealer::SECRET_BYTES_MIN
                )
            }
            Self::SecretShort { bytes, bytes_min } => {
                write!(f, "secret is {bytes} bytes; least is {bytes_min}")
            }
            Self::UnsignedTokens => {
                f.write_str("algorithm \"none\" means unsigned tokens, which anybody can make")
            }
            Self::TrustsTooMany { range } => {
                write!(f, "range {range} is too wide to be trusted")
            }
            Self::SwitchedOff => f.write_str("section is neither enabled nor disabled, and stays off"),
            Self::Unused { reason, .. } => write!(f, "key has no effect: {reason}"),
            Self::CredentialsInClear { host } => {
                write!(
                    f,
                    "credentials cross the network in clear: the gateway listens on {host} without TLS"
                )
            }
            Self::PublicUrlInClear => {
                f.write_str("clients are told http://, so that their credentials cross the network in clear")
            }
            Self::PublicUrlOfEndpoint { .. } => {
                f.write_str("base address ends in /mcp, which the gateway adds itself")
            }
            Self::LoginIsNoId { login, .. } => {
                write!(f, "{login:?} is a login, which is no user id and no e-mail address")
            }
            Self::UserIdReused { claim } => write!(
                f,
                "claim {claim:?} can be given to another person, who would then be the same user here"
            ),
            Self::OpenToEverybody { provider } => write!(
                f,
                "everybody in the world who has an account at {provider} may come in"
            ),
            Self::ScopeNeeded { scope, needed_by } => write!(
                f,
                "scope {scope} is not asked of the provider, and {needed_by} cannot be checked without it"
            ),
            Self::HandshakeIsNoIdentity => f.write_str(
                "certificates of the handshake are checked and are nobody's identity, since auth.mtls.source is \"header\"",
            ),
            Self::SecretInArgs => f.write_str("arguments cannot hold secrets"),
            Self::CommandWithSpaces => {
                f.write_str("command holds spaces and there is no such file")
            }
            Self::HeadersUnused => f.write_str("a stdio server takes no headers"),
            Self::Tls(problem) => problem.fmt(f),
        }
    }
}

fn listed(names: &[String]) -> String {
    names.join(", ")
}
