//! The compiled, immutable configuration.
//!
//! A snapshot is built whole or not at all, carries a revision, and is swapped whole. What it never holds: file positions,
//! text that was not validated, or anything that changes while it lives. Quota cells, resolved addresses and counters live
//! elsewhere and outlive it.

mod upstream;

pub use upstream::{
    ChildCommand, Eras, HttpTransport, Instances, Speech, Upstream, UpstreamAddress,
};

use std::fmt;

use zeroize::Zeroizing;

use super::discovery::{Discovery, DiscoverySpec};
use super::identity::{AddressRange, Authenticator};
use super::limits::{self, Limits};
use super::oauth::OAuthSurface;
use super::policy::Ceiling;
use super::quota::{Quota, QuotaPlan};
use super::route::{Cors, HostPolicy, OriginPolicy, Resource, RouteConflict, Routes};
use super::seal::Sealer;

/// A server's place in its snapshot. Indices of two snapshots are unrelated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerIndex(u16);

impl ServerIndex {
    /// The place of the `index`-th server, or `None` beyond [`limits::SERVERS_MAX`].
    #[must_use]
    pub fn new(index: usize) -> Option<Self> {
        u16::try_from(index)
            .ok()
            .filter(|_| index < limits::SERVERS_MAX)
            .map(Self)
    }

    /// As an index into the snapshot's servers.
    #[must_use]
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }
}

/// Everything that a worker needs to know of the configuration.
#[derive(Debug)]
pub struct Snapshot {
    revision: u64,
    servers: Vec<Server>,
    routes: Routes,
    discovery: Discovery,
    /// Who may come in.
    pub identity: Authenticator,
    /// How much each may ask for.
    pub quotas: QuotaPlan,
    /// Which Host values are ours.
    pub hosts: HostPolicy,
    /// Which Origins may talk to us.
    pub origins: OriginPolicy,
    /// CORS answers for browsers, where configured.
    pub cors: Option<Cors>,
    /// Bounds.
    pub limits: Limits,
    /// What is recorded.
    pub audit: AuditSettings,
    /// How sessions are sealed and offered.
    pub sessions: SessionSettings,
    /// Which endpoints of OAuth are served.
    pub oauth: OAuthSurface,
    /// Public base URL, without a trailing slash.
    pub public_url: Option<Box<str>>,
    /// Whether `/metrics` is also served here, with credentials.
    pub metrics_on_main: bool,
    /// Proxies whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<AddressRange>,
}

/// What a snapshot is built from: validated values, nothing compiled across sections yet.
#[derive(Debug)]
pub struct SnapshotParts {
    /// Counts up with every configuration that was taken.
    pub revision: u64,
    /// Upstream servers in the order of the file. Their order is their index.
    pub servers: Vec<ServerParts>,
    /// Who may come in.
    pub identity: Authenticator,
    /// How much each may ask for.
    pub quotas: QuotaPlan,
    /// Which Host values are ours.
    pub hosts: HostPolicy,
    /// Which Origins may talk to us.
    pub origins: OriginPolicy,
    /// CORS answers for browsers, where configured.
    pub cors: Option<Cors>,
    /// Bounds.
    pub limits: Limits,
    /// What is recorded.
    pub audit: AuditSettings,
    /// How sessions are sealed and offered.
    pub sessions: SessionSettings,
    /// Which endpoints of OAuth are served.
    pub oauth: OAuthSurface,
    /// Public base URL, without a trailing slash.
    pub public_url: Option<String>,
    /// Whether `/metrics` is also served on the main listener.
    pub metrics_on_main: bool,
    /// Proxies whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<AddressRange>,
}

impl SnapshotParts {
    /// Defaults for everything but the servers: nobody may come in, and no Origin may talk to us.
    #[must_use]
    pub fn new(servers: Vec<ServerParts>) -> Self {
        Self {
            revision: 0,
            servers,
            identity: Authenticator::default(),
            quotas: QuotaPlan::new(Quota::DEFAULT, Vec::new()),
            hosts: HostPolicy::any(),
            origins: OriginPolicy::default(),
            cors: None,
            limits: Limits::DEFAULT,
            audit: AuditSettings::default(),
            oauth: OAuthSurface::default(),
            public_url: None,
            metrics_on_main: false,
            trusted_proxies: Vec::new(),
            sessions: SessionSettings::default(),
        }
    }
}

impl Snapshot {
    /// Puts the parts together. Errors: every conflict between the routes of the servers.
    pub fn new(parts: SnapshotParts) -> Result<Self, Vec<RouteConflict>> {
        let routes = Routes::compile(&parts.servers)?;
        let discovery = Discovery::new(DiscoverySpec {
            public_url: parts.public_url.as_deref(),
            identity: &parts.identity,
            servers: parts.servers.len(),
            legacy_sse: parts.sessions.legacy_sse,
        });
        let place = |(index, parts): (usize, ServerParts)| {
            Some(Server {
                index: ServerIndex::new(index)?,
                parts,
            })
        };
        Ok(Self {
            revision: parts.revision,
            servers: parts
                .servers
                .into_iter()
                .enumerate()
                .map_while(place)
                .collect(),
            routes,
            discovery,
            identity: parts.identity,
            quotas: parts.quotas,
            hosts: parts.hosts,
            origins: parts.origins,
            cors: parts.cors,
            limits: parts.limits,
            audit: parts.audit,
            oauth: parts.oauth,
            public_url: parts.public_url.map(Into::into),
            metrics_on_main: parts.metrics_on_main,
            trusted_proxies: parts.trusted_proxies,
            sessions: parts.sessions,
        })
    }

    /// Counts up with every configuration that was taken.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Upstream servers, by index.
    #[must_use]
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// The server at `index`. Panics where the index is of another snapshot.
    #[must_use]
    pub fn server(&self, index: ServerIndex) -> &Server {
        &self.servers[index.as_usize()]
    }

    /// The server called `name`.
    #[must_use]
    pub fn server_named(&self, name: &str) -> Option<&Server> {
        self.servers.iter().find(|server| *server.name == *name)
    }

    /// Path → server.
    #[must_use]
    pub const fn routes(&self) -> &Routes {
        &self.routes
    }

    /// What clients are told of where tokens come from.
    #[must_use]
    pub const fn discovery(&self) -> &Discovery {
        &self.discovery
    }

    /// The resource that the document at `path` below `/.well-known/oauth-protected-resource` is about, where there is one.
    #[must_use]
    pub fn described<'a>(&self, path: &'a str) -> Option<Resource<'a>> {
        self.discovery.described(&self.routes, path)
    }
}

/// One upstream server in a snapshot. Dereferences to its [`ServerParts`].
#[derive(Debug)]
pub struct Server {
    index: ServerIndex,
    parts: ServerParts,
}

impl Server {
    /// Its place in the snapshot.
    #[must_use]
    pub const fn index(&self) -> ServerIndex {
        self.index
    }
}

#[cfg(test)]
impl ServerParts {
    /// A server for tests that never connect to it.
    pub(crate) fn nowhere(name: &str) -> Self {
        let upstream = Upstream {
            address: UpstreamAddress::Http {
                host: "h".into(),
                port: 1,
                is_secure: false,
            },
            target: "/".into(),
            host_header: "h".into(),
            speech: Speech::DEFAULT,
        };
        Self::new(name, upstream)
    }
}

#[cfg(test)]
impl Server {
    /// A server outside any snapshot.
    pub(crate) fn alone(parts: ServerParts) -> Self {
        Self {
            index: ServerIndex(0),
            parts,
        }
    }
}

impl std::ops::Deref for Server {
    type Target = ServerParts;

    fn deref(&self) -> &ServerParts {
        &self.parts
    }
}

/// One upstream server as configured.
#[derive(Debug)]
pub struct ServerParts {
    /// Its name: [`is_server_name`](super::policy::is_server_name).
    pub name: Box<str>,
    /// Where it is.
    pub upstream: Upstream,
    /// Time to connect, in milliseconds.
    pub connect_timeout_ms: u64,
    /// Time until the first byte of an answer, in milliseconds.
    pub timeout_ms: u64,
    /// Header fields added to every request, the upstream's own bearer token among them.
    pub inject_headers: Vec<InjectedHeader>,
    /// Names of further request headers that are forwarded, lower case.
    pub forward_headers: Vec<Box<str>>,
    /// Names of further response headers that are forwarded, lower case.
    pub forward_response_headers: Vec<Box<str>>,
    /// What it offers to anybody at all.
    pub ceiling: Ceiling,
    /// Whether the gateway is not ready without it.
    pub required: bool,
    /// Whether `/mcp` leads here. At most one server; without any, the first.
    pub default: bool,
    /// A path of its own beside `/mcp/{name}`.
    pub path_prefix: Option<Box<str>>,
    /// Whether what follows the prefix is appended to the upstream's target.
    pub strip_prefix: bool,
}

impl ServerParts {
    /// A server with defaults for everything but its name and place.
    #[must_use]
    pub fn new(name: &str, upstream: Upstream) -> Self {
        Self {
            name: name.into(),
            upstream,
            connect_timeout_ms: limits::CONNECT_TIMEOUT_MS_DEFAULT,
            timeout_ms: limits::UPSTREAM_TIMEOUT_MS_DEFAULT,
            inject_headers: Vec::new(),
            forward_headers: Vec::new(),
            forward_response_headers: Vec::new(),
            ceiling: Ceiling::NONE,
            required: false,
            default: false,
            path_prefix: None,
            strip_prefix: false,
        }
    }
}

/// A header field that the gateway adds to upstream requests. `Debug` hides its value.
#[derive(Clone, PartialEq, Eq)]
pub struct InjectedHeader {
    /// Name, as written on the wire.
    pub name: Box<str>,
    /// Value; often a secret, so it is wiped when dropped.
    pub value: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for InjectedHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ..", self.name)
    }
}

/// Sessions of revisions up to 2025-11-25.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// How long a session id is accepted, in seconds (`server.session_ttl`).
    pub ttl_secs: u64,
    /// Seals with `server.session_key`; `None` leaves it to the key that was made at the start.
    pub sealer: Option<Sealer>,
    /// Whether clients of 2024-11-05 are served at `/sse` and `/message` (`server.legacy_sse`).
    pub legacy_sse: bool,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            ttl_secs: limits::SESSION_TTL_MS_DEFAULT / 1_000,
            sealer: None,
            legacy_sse: false,
        }
    }
}

/// What a worker needs to know of `[audit]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// Whether records are made at all.
    pub enabled: bool,
    /// What happens to requests when there is no room for their records.
    pub overflow: AuditOverflow,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            overflow: AuditOverflow::Refuse,
        }
    }
}

/// `audit.overflow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditOverflow {
    /// Requests that could not be recorded are refused.
    Refuse,
    /// Records are lost, and counted.
    Drop,
}

#[cfg(test)]
#[path = "snapshot/tests.rs"]
mod tests;
