//! The validated configuration as plain data: every key of this version, defaults filled in, units resolved.
//!
//! Read [`Config`] first. **Invariant:** a value of these types went through `validate`; nobody else needs to check it again.

mod identity;
mod oauth;
mod tls;

pub use identity::{Anonymous, ApiKey, Auth, FetchUrl, Jwt, JwtKeys, Mtls, MtlsIdentity};
pub use oauth::{OAuth, OAuthClient, OAuthIdentity, OAuthProvider, OAuthServer, SigningAlgorithm};
pub use tls::{CertificateFiles, ClientAuth, Tls, TlsVersion, UpstreamTls};

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::config::secret::Secret;
use crate::engine::identity::AddressRange;
use crate::engine::limits::{self, Limits};
use crate::engine::route;
use crate::engine::snapshot::{Instances, Speech};

/// A whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[auth]`
    pub auth: Auth,
    /// `[rate_limit]`
    pub rate_limit: RateLimit,
    /// `[audit]`
    pub audit: Audit,
    /// `[upstream]` and `[[upstream.servers]]`: at least one, in the order of the file.
    pub upstreams: Vec<Upstream>,
}

/// `[server]`: the listener and everything in front of authentication.
#[derive(Clone, Debug)]
pub struct Server {
    /// Address that the main listener binds.
    pub host: IpAddr,
    /// Port of the main listener; 0 lets the kernel choose.
    pub port: u16,
    /// How many worker threads.
    pub workers: Workers,
    /// How connections are spread over the workers.
    pub accept: Accept,
    /// Which kernel interface moves bytes.
    pub io: IoDriver,
    /// Where clients reach the gateway, without a trailing slash: `https://mcp.example.com`.
    pub public_url: Option<String>,
    /// Extra `Host` values that are accepted, in lower case.
    pub allowed_hosts: Vec<String>,
    /// `Origin` values that are accepted; empty means the default of the bind address.
    pub allowed_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` names the peer.
    pub trusted_proxies: Vec<AddressRange>,
    /// How long requests in flight may take to finish after SIGTERM.
    pub drain_timeout: Duration,
    /// How long an idle worker polls before it sleeps, in microseconds; 0 is off.
    pub busy_poll_us: u32,
    /// `session_key`, `session_ttl` and `legacy_sse`
    pub sessions: Sessions,
    /// `[server.tls]`; absent is plain HTTP.
    pub tls: Option<Tls>,
    /// `[server.cors]`
    pub cors: Cors,
    /// `[server.limits]`, and `max_request_size` as `body_bytes`.
    pub limits: Limits,
    /// `[server.admin]`
    pub admin: Admin,
}

impl Server {
    /// The address of the main listener.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

/// `server.workers`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// One for each core that the process may use.
    Auto,
    /// Exactly this many, at least one and at most [`Workers::COUNT_MAX`].
    Count(u16),
}

impl Workers {
    /// Most worker threads.
    pub const COUNT_MAX: u16 = 1024;
}

/// `server.accept`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// A listener a worker, spread by the kernel's hash.
    ReusePort,
    /// One listener that all workers accept from.
    Shared,
}

/// `server.io`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoDriver {
    /// The best that the kernel offers.
    Auto,
    /// io_uring or nothing.
    Uring,
    /// epoll.
    Epoll,
}

/// What `[server]` says of sessions.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// Secret that seals session ids, at least [`Sealer::SECRET_BYTES_MIN`](crate::engine::seal::Sealer::SECRET_BYTES_MIN)
    /// bytes; absent makes one at start.
    pub key: Option<Secret>,
    /// How long a session id is taken.
    pub ttl: Duration,
    /// Whether clients of HTTP+SSE (2024-11-05) are served.
    pub legacy_sse: bool,
}

/// `[server.cors]`
#[derive(Clone, Debug)]
pub struct Cors {
    /// Whether CORS headers are sent and preflights are answered.
    pub enabled: bool,
    /// Origins that get them, a subset of `server.allowed_origins`; empty means all of those.
    pub allowed_origins: Vec<String>,
    /// `Access-Control-Allow-Methods`
    pub allowed_methods: Vec<String>,
    /// `Access-Control-Allow-Headers`
    pub allowed_headers: Vec<String>,
    /// `Access-Control-Max-Age`
    pub max_age: Duration,
}

/// `[server.admin]`
#[derive(Clone, Debug)]
pub struct Admin {
    /// Address that the admin listener binds.
    pub host: IpAddr,
    /// Port of the admin listener; 0 lets the kernel choose.
    pub port: u16,
    /// Bearer token that every admin request other than health must carry.
    pub token: Option<Secret>,
    /// Whether `/metrics` is served, with credentials, on the main listener too.
    pub metrics_on_main: bool,
}

impl Admin {
    /// The address of the admin listener.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

/// `[rate_limit]`
#[derive(Clone, Debug)]
pub struct RateLimit {
    /// Whether quotas are enforced at all.
    pub enabled: bool,
    /// Requests a second of one identity.
    pub requests_per_second: f64,
    /// How many requests an identity may make at once.
    pub burst_size: u32,
    /// `[[rate_limit.tool_limits]]`
    pub tool_limits: Vec<ToolLimit>,
    /// Failed authentications a second of one address.
    pub unauthenticated_per_ip: f64,
    /// How long an identity that is silent is remembered.
    pub identity_ttl: Duration,
    /// How many identities are remembered.
    pub identities_max: usize,
}

/// `[[rate_limit.tool_limits]]`: a quota of each identity for the tools that match.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolLimit {
    /// Where it is written: `rate_limit.tool_limits[0]`.
    pub key_path: String,
    /// Glob over tool names.
    pub tool_pattern: String,
    /// Calls a second.
    pub requests_per_second: f64,
    /// How many calls at once.
    pub burst_size: u32,
}

/// `[audit]`
#[derive(Clone, Debug)]
pub struct Audit {
    /// Whether records are written at all.
    pub enabled: bool,
    /// File that records are appended to.
    pub file: Option<PathBuf>,
    /// Whether records go to standard output.
    pub stdout: bool,
    /// What happens to requests while records cannot be written.
    pub overflow: Overflow,
    /// How long a record may wait before it is written.
    pub flush_interval: Duration,
}

/// `audit.overflow`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Requests are refused: nothing that was admitted goes unrecorded.
    Refuse,
    /// Records are dropped and counted.
    Drop,
}

/// One upstream: `[upstream]` alone, or one of `[[upstream.servers]]`.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Where it is written: `upstream` or `upstream.servers[0]`.
    pub key_path: String,
    /// Unique name, `default` for a lone `[upstream]`.
    pub name: String,
    /// Where it is: `url`, or `command` and what belongs to it.
    pub target: Target,
    /// What it speaks: `transport`, `era` and `translate`.
    pub speech: Speech,
    /// Headers that the gateway adds to each request.
    pub headers: Vec<(String, Secret)>,
    /// Token that the gateway presents as `Authorization: Bearer`.
    pub bearer_token: Option<Secret>,
    /// Until the first byte of an answer.
    pub timeout: Duration,
    /// Until a connection is open.
    pub connect_timeout: Duration,
    /// Further request headers that pass, in lower case.
    pub forward_headers: Vec<String>,
    /// Further response headers that pass, in lower case.
    pub forward_response_headers: Vec<String>,
    /// What anybody may use here at most; absent is no ceiling.
    pub allowed_tools: Option<Vec<String>>,
    /// Whether the gateway is ready only while this upstream is up.
    pub required: bool,
    /// Path that leads here besides `/mcp/{name}`.
    pub path_prefix: Option<String>,
    /// Whether what follows the matched prefix is appended to the target's path.
    pub strip_prefix: bool,
    /// Whether `/mcp` leads here. Exactly one upstream is the default.
    pub default: bool,
}

/// Where an upstream is.
#[derive(Clone, Debug)]
pub enum Target {
    /// `http://host[:port][/path][?query]`
    Http {
        /// Name or address; IPv6 without brackets.
        host: String,
        /// Port, 80 when none was given.
        port: u16,
        /// Request target, at least `/`.
        path: String,
        /// What TLS is spoken with, where the scheme is `https`.
        tls: Option<UpstreamTls>,
    },
    /// `unix:/socket[:/path]`
    Unix {
        /// Path of the socket.
        socket: PathBuf,
        /// Request target, at least `/`.
        path: String,
    },
    /// A child process over its standard input and output.
    Child(Child),
}

/// `command` and what belongs to it.
#[derive(Clone, Debug)]
pub struct Child {
    /// Program, looked up in `PATH` where it holds no slash.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Environment beside the clean one that every child gets, in the order of the file.
    pub env: Vec<(String, Secret)>,
    /// Working directory; the gateway's own where absent.
    pub cwd: Option<PathBuf>,
    /// Who shares a child; by the server's era where absent.
    pub instances: Option<Instances>,
    /// Whether a shared child that ended is started again.
    pub restarts: bool,
    /// Most children of this server at once.
    pub children_max: usize,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 3000,
            workers: Workers::Auto,
            accept: Accept::ReusePort,
            io: IoDriver::Auto,
            public_url: None,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            drain_timeout: Duration::from_millis(limits::DRAIN_TIMEOUT_MS_DEFAULT),
            busy_poll_us: 0,
            sessions: Sessions::default(),
            tls: None,
            cors: Cors::default(),
            limits: Limits::default(),
            admin: Admin::default(),
        }
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            key: None,
            ttl: Duration::from_millis(limits::SESSION_TTL_MS_DEFAULT),
            legacy_sse: false,
        }
    }
}

impl Default for Cors {
    fn default() -> Self {
        let names = |list: &str| list.split(", ").map(str::to_owned).collect();
        Self {
            enabled: false,
            allowed_origins: Vec::new(),
            allowed_methods: names(route::Cors::ALLOW_METHODS_DEFAULT),
            allowed_headers: names(route::Cors::ALLOW_HEADERS_DEFAULT),
            max_age: Duration::from_secs(3600),
        }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 9464,
            token: None,
            metrics_on_main: false,
        }
    }
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            enabled: true,
            requests_per_second: limits::RATE_PER_SECOND_DEFAULT,
            burst_size: limits::BURST_DEFAULT,
            tool_limits: Vec::new(),
            unauthenticated_per_ip: limits::UNAUTHENTICATED_PER_SECOND_DEFAULT,
            identity_ttl: Duration::from_millis(limits::IDENTITY_TTL_MS_DEFAULT),
            identities_max: limits::IDENTITIES_MAX_DEFAULT,
        }
    }
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            enabled: true,
            file: None,
            stdout: false,
            overflow: Overflow::Refuse,
            flush_interval: Duration::from_millis(limits::AUDIT_FLUSH_INTERVAL_MS_DEFAULT),
        }
    }
}
