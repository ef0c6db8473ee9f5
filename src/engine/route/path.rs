//! The route table.

use std::fmt;

use rustc_hash::FxHashMap;

use super::legacy_sse::{MESSAGE_PATH, SSE_PATH};
use super::oauth::resolve_oauth;
use crate::engine::limits::{PATH_BYTES_MAX, SERVERS_MAX};
use crate::engine::oauth::OAuthEndpoint;
use crate::engine::policy::is_server_name;
use crate::engine::snapshot::{ServerIndex, ServerParts};

/// Where every server can be found.
pub(super) const MCP_PATH: &str = "/mcp";

/// Where documents about protected resources are, by the path of the resource below (RFC 9728 §3.1).
pub const RESOURCE_METADATA_PATH: &str = "/.well-known/oauth-protected-resource";

/// First segments that a `path_prefix` may not take, because they mean something of the gateway's own.
const RESERVED: [&str; 10] = [
    "mcp",
    "health",
    "live",
    "ready",
    "routes",
    "metrics",
    "oauth",
    ".well-known",
    "sse",
    "message",
];

/// What a request path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint<'a> {
    /// `/health`.
    Health,
    /// `/live`.
    Live,
    /// `/ready`.
    Ready,
    /// `/routes`.
    Routes,
    /// `/metrics`. Whether it is served here is the listener's business.
    Metrics,
    /// An upstream server.
    Mcp {
        /// Which.
        server: ServerIndex,
        /// What `strip_prefix` appends to the upstream's target: empty, or beginning with `/`.
        remainder: &'a str,
    },
    /// `/sse` or `/sse/{server}`: where a client of 2024-11-05 opens its stream.
    Sse {
        /// Which.
        server: ServerIndex,
    },
    /// `/message` or `/message/{server}`: where it posts.
    Message {
        /// Which.
        server: ServerIndex,
    },
    /// `/.well-known/oauth-protected-resource`, or below. Whether there is a document is the snapshot's business.
    ResourceMetadata {
        /// What follows: empty, or beginning with `/`.
        path: &'a str,
    },
    /// Below `/oauth`. Whether it is served is the snapshot's business.
    OAuth(OAuthEndpoint),
    /// `/.well-known/oauth-authorization-server`, or below. Whether there is a document is the snapshot's business.
    ServerMetadata {
        /// What follows: empty, or beginning with `/`.
        path: &'a str,
    },
    /// Below `/mcp` or a prefix, and nothing there. Answer 404 to authenticated callers and 401 to others, so that nobody
    /// else learns which servers exist.
    Hidden,
}

/// Why a path leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteError {
    /// The path is not in the one form that everybody reads alike: 400.
    NotNormal,
    /// Nothing is there, and nothing secret about it: 404.
    NotFound,
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotNormal => "request path is not normalised",
            Self::NotFound => "request path leads nowhere",
        })
    }
}

impl std::error::Error for RouteError {}

/// Paths that collide, or cannot be routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteConflict {
    /// No server is configured.
    NoServer,
    /// More servers than [`SERVERS_MAX`].
    TooManyServers,
    /// The name cannot stand in a path.
    BadName {
        /// Index of the server.
        index: usize,
    },
    /// Two servers share a name.
    SameName {
        /// Index of the later server.
        index: usize,
    },
    /// Two servers are the default.
    SecondDefault {
        /// Index of the later server.
        index: usize,
    },
    /// The prefix does not begin with `/`, ends with one, or is not normalised.
    BadPrefix {
        /// Index of the server.
        index: usize,
    },
    /// The prefix begins with a segment of the gateway's own.
    ReservedPrefix {
        /// Index of the server.
        index: usize,
    },
    /// Two servers share a prefix.
    SamePrefix {
        /// Index of the later server.
        index: usize,
    },
}

impl fmt::Display for RouteConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoServer => f.write_str(
                "no upstream server is configured; add [upstream] or [[upstream.servers]]",
            ),
            Self::TooManyServers => write!(f, "too many upstream servers; limit is {SERVERS_MAX}"),
            Self::BadName { index } => {
                write!(
                    f,
                    "upstream.servers[{index}].name is no server name; accepted are a-z, 0-9, `_` and `-`"
                )
            }
            Self::SameName { index } => write!(
                f,
                "upstream.servers[{index}].name is that of an earlier server"
            ),
            Self::SecondDefault { index } => write!(
                f,
                "upstream.servers[{index}].default is set on an earlier server too"
            ),
            Self::BadPrefix { index } => write!(
                f,
                "upstream.servers[{index}].path_prefix is no plain path; accepted is a form like /team/github, without escapes or a final slash"
            ),
            Self::ReservedPrefix { index } => write!(
                f,
                "upstream.servers[{index}].path_prefix begins with a path of the gateway; every server is at /mcp/NAME anyway"
            ),
            Self::SamePrefix { index } => write!(
                f,
                "upstream.servers[{index}].path_prefix is that of an earlier server"
            ),
        }
    }
}

impl std::error::Error for RouteConflict {}

/// The route table: longest prefix wins, on segment boundaries.
#[derive(Debug)]
pub struct Routes {
    by_path: FxHashMap<Box<str>, Target>,
    default: ServerIndex,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    server: ServerIndex,
    strip_prefix: bool,
}

impl Routes {
    /// Builds the table. A server's index is its place in `servers`. Errors: every conflict, all at once.
    pub fn compile(servers: &[ServerParts]) -> Result<Self, Vec<RouteConflict>> {
        let mut errors = Vec::new();
        let mut by_path = FxHashMap::default();
        let mut default = None;
        if servers.len() > SERVERS_MAX {
            errors.push(RouteConflict::TooManyServers);
        }
        for (index, parts) in servers.iter().enumerate() {
            let Some(server) = ServerIndex::new(index) else {
                break;
            };
            let target = Target {
                server,
                strip_prefix: parts.strip_prefix,
            };
            errors.extend(check_server(index, parts));
            if by_path
                .insert(format!("{MCP_PATH}/{}", parts.name).into(), target)
                .is_some()
            {
                errors.push(RouteConflict::SameName { index });
            }
            if let Some(prefix) = &parts.path_prefix
                && by_path.insert(prefix.clone(), target).is_some()
            {
                errors.push(RouteConflict::SamePrefix { index });
            }
            if parts.default && default.replace(server).is_some() {
                errors.push(RouteConflict::SecondDefault { index });
            }
        }
        let default = default.or(ServerIndex::new(0).filter(|_| !servers.is_empty()));
        match default {
            Some(default) if errors.is_empty() => Ok(Self { by_path, default }),
            Some(_) => Err(errors),
            None => Err(vec![RouteConflict::NoServer]),
        }
    }

    /// Finds what `target`, the request target in origin form, asks for. The query is dropped.
    ///
    /// Errors: a path that is not normalised, or leads nowhere. Cost: one lookup a segment; allocates nothing.
    pub fn resolve<'a>(&self, target: &'a [u8]) -> Result<Endpoint<'a>, RouteError> {
        let path = normal_path(target)?;
        match path {
            MCP_PATH => Ok(Endpoint::Mcp {
                server: self.default,
                remainder: "",
            }),
            "/health" => Ok(Endpoint::Health),
            "/live" => Ok(Endpoint::Live),
            "/ready" => Ok(Endpoint::Ready),
            "/routes" => Ok(Endpoint::Routes),
            "/metrics" => Ok(Endpoint::Metrics),
            _ => match resolve_own(path).or_else(|| self.resolve_legacy(path)) {
                Some(endpoint) => Ok(endpoint),
                None => self.resolve_server(path),
            },
        }
    }

    /// The server at `/mcp`.
    #[must_use]
    pub const fn default_server(&self) -> ServerIndex {
        self.default
    }

    /// The endpoints of HTTP+SSE, and what lies below them. Whether they are served is the snapshot's business.
    fn resolve_legacy(&self, path: &str) -> Option<Endpoint<'static>> {
        let (is_stream, name) = match path.strip_prefix(SSE_PATH) {
            Some(name) => (true, name),
            None => (false, path.strip_prefix(MESSAGE_PATH)?),
        };
        let server = match name {
            "" => Some(self.default),
            _ if name.starts_with('/') => self.named(name),
            _ => return None,
        };
        Some(match server {
            None => Endpoint::Hidden,
            Some(server) if is_stream => Endpoint::Sse { server },
            Some(server) => Endpoint::Message { server },
        })
    }

    /// The server at `/mcp` + `name`, which begins with `/`.
    fn named(&self, name: &str) -> Option<ServerIndex> {
        let target = self.by_path.get(&*format!("{MCP_PATH}{name}"))?;
        Some(target.server)
    }

    fn resolve_server<'a>(&self, path: &'a str) -> Result<Endpoint<'a>, RouteError> {
        if let Some((prefix, target)) = self.longest_prefix(path) {
            return Ok(target.endpoint(&path[prefix.len()..]));
        }
        let below_mcp = path
            .strip_prefix(MCP_PATH)
            .is_some_and(|rest| rest.starts_with('/'));
        if below_mcp {
            Ok(Endpoint::Hidden)
        } else {
            Err(RouteError::NotFound)
        }
    }

    /// The longest path of a server that `path` begins with, on a segment boundary.
    pub(super) fn longest_prefix<'a>(&self, path: &'a str) -> Option<(&'a str, Target)> {
        let mut end = path.len();
        while end > 0 {
            let prefix = &path[..end];
            if let Some(target) = self.by_path.get(prefix) {
                return Some((prefix, *target));
            }
            end = prefix.rfind('/').unwrap_or(0);
        }
        None
    }
}

/// What has no server in its path.
fn resolve_own(path: &str) -> Option<Endpoint<'_>> {
    resolve_metadata(path).or_else(|| resolve_oauth(path))
}

fn resolve_metadata(path: &str) -> Option<Endpoint<'_>> {
    let path = path.strip_prefix(RESOURCE_METADATA_PATH)?;
    (path.is_empty() || path.starts_with('/')).then_some(Endpoint::ResourceMetadata { path })
}

impl Target {
    fn endpoint(self, remainder: &str) -> Endpoint<'_> {
        if remainder.is_empty() || self.strip_prefix {
            Endpoint::Mcp {
                server: self.server,
                remainder,
            }
        } else {
            Endpoint::Hidden
        }
    }
}

fn check_server(index: usize, parts: &ServerParts) -> impl Iterator<Item = RouteConflict> {
    let bad_name = (!is_server_name(&parts.name)).then_some(RouteConflict::BadName { index });
    let prefix = parts
        .path_prefix
        .as_deref()
        .and_then(|prefix| check_prefix(index, prefix));
    bad_name.into_iter().chain(prefix)
}

fn check_prefix(index: usize, prefix: &str) -> Option<RouteConflict> {
    let plain = normal_path(prefix.as_bytes()) == Ok(prefix) && !prefix.ends_with('/');
    if !plain {
        return Some(RouteConflict::BadPrefix { index });
    }
    let first = prefix.split('/').nth(1).unwrap_or_default();
    RESERVED
        .contains(&first)
        .then_some(RouteConflict::ReservedPrefix { index })
}

/// The path of `target`, where it has the one form that every reader agrees on: it begins with `/`, has no empty segment
/// but possibly the last, no `.` or `..`, no escapes, no parameters (`;`), and only visible ASCII.
pub(super) fn normal_path(target: &[u8]) -> Result<&str, RouteError> {
    let end = target
        .iter()
        .position(|&byte| byte == b'?')
        .unwrap_or(target.len());
    let path = std::str::from_utf8(&target[..end]).map_err(|_| RouteError::NotNormal)?;
    let segments = path.strip_prefix('/').ok_or(RouteError::NotNormal)?;
    let plain = path.len() <= PATH_BYTES_MAX && path.bytes().all(is_plain);
    let clear =
        !segments.contains("//") && !segments.starts_with('/') && !segments.split('/').any(is_dots);
    if plain && clear {
        Ok(path)
    } else {
        Err(RouteError::NotNormal)
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"%\\;#\"<>^`{|}".contains(&byte)
}

fn is_dots(segment: &str) -> bool {
    segment == "." || segment == ".."
}

#[cfg(test)]
#[path = "path/tests.rs"]
mod tests;
