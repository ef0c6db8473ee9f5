//! The validated configuration as plain data: every key of this version, defaults filled in, units resolved.
//!
//! Read [`Config`] first. **Invariant:** a value of these types went through `validate`; nobody else needs to check it again.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::config::secret::Secret;
use crate::engine::identity::jwt::Algorithm;
use crate::engine::identity::mtls::{CertificateOrigin, IdentityPattern, IdentitySource};
use crate::engine::identity::{AddressRange, KeyHash};
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

/// `[server.tls]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// `cert_path` and `key_path`, then `[[server.tls.certificates]]`: at least one, the first for clients that name none of
    /// the others' names.
    pub certificates: Vec<CertificateFiles>,
    /// Whether the first is that of the section itself, rather than of the list.
    pub has_own: bool,
    /// Whether clients show certificates.
    pub client_auth: ClientAuth,
    /// Who may vouch for clients; present unless `client_auth` is `none`.
    pub client_ca_path: Option<PathBuf>,
    /// Revocation lists.
    pub crl_path: Option<PathBuf>,
    /// Oldest version.
    pub min_version: TlsVersion,
}

/// `server.tls.client_auth`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// Clients are not asked for certificates.
    None,
    /// They are asked; one that is shown must be good.
    Optional,
    /// Without a good one there is no connection.
    Required,
}

/// `server.tls.min_version`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// `1.2`
    Tls12,
    /// `1.3`
    Tls13,
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

/// `[auth]`: at least one method is configured.
#[derive(Clone, Debug)]
pub struct Auth {
    /// `[[auth.api_keys]]`; ids and hashes are unique.
    pub api_keys: Vec<ApiKey>,
    /// `[auth.jwt]` or `[[auth.jwt]]`; issuers are unique.
    pub jwt: Vec<Jwt>,
    /// `[auth.mtls]` with `enabled = true`.
    pub mtls: Option<Mtls>,
    /// `[auth.anonymous]`; absent is off.
    pub anonymous: Option<Anonymous>,
}

/// `[auth.jwt]`: one issuer of signed tokens.
#[derive(Clone, Debug)]
pub struct Jwt {
    /// Where it is written: `auth.jwt` or `auth.jwt[0]`.
    pub key_path: String,
    /// Where its keys come from.
    pub keys: JwtKeys,
    /// Algorithms that are taken, at least one, all of the mode's kind.
    pub algorithms: Vec<Algorithm>,
    /// The `iss` value, exactly.
    pub issuer: String,
    /// `aud` values of which a token must have one; at least one.
    pub audience: Vec<String>,
    /// The claim that names the user.
    pub user_id_claim: String,
    /// The claim with the scopes.
    pub scopes_claim: String,
    /// Scopes and what each allows, in the order of the file.
    pub scope_tool_mapping: Vec<(String, Vec<String>)>,
    /// What every token may use, whatever its scopes.
    pub allowed_tools: Vec<String>,
    /// What no token may use, whatever its scopes.
    pub denied_tools: Vec<String>,
    /// Requests a second of each user; the default of `[rate_limit]` when absent.
    pub rate_limit: Option<f64>,
    /// Burst of each user; the default of `[rate_limit]` when absent.
    pub burst_size: Option<u32>,
    /// How far clocks may differ.
    pub leeway: Duration,
    /// Whether `typ` must be `at+jwt`.
    pub require_at_jwt: bool,
}

/// `auth.jwt.mode` and what belongs to each.
#[derive(Clone, Debug)]
pub enum JwtKeys {
    /// `simple`: a secret that the issuer and the gateway share.
    Secret(Secret),
    /// `jwks`: keys that the issuer publishes.
    Jwks {
        /// Where: `https`, or `http` to a loopback address.
        url: JwksUrl,
        /// How long a fetched set counts as fresh.
        cache_duration: Duration,
    },
}

/// An absolute URL that keys are fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwksUrl {
    /// As written.
    pub text: String,
    /// Whether it is `https`.
    pub is_secure: bool,
    /// Name or address; IPv6 without brackets.
    pub host: String,
    /// Port, that of the scheme when none was given.
    pub port: u16,
    /// Path and query, at least `/`.
    pub target: String,
    /// Authorities that may vouch for the host (`jwks_ca_path`); the system's where absent.
    pub ca_path: Option<PathBuf>,
}

/// `[auth.mtls]`
#[derive(Clone, Debug)]
pub struct Mtls {
    /// Which name of a certificate is the identity.
    pub identity_source: IdentitySource,
    /// Where certificates come from.
    pub origin: CertificateOrigin,
    /// `[[auth.mtls.identities]]`, in the order of the file.
    pub identities: Vec<MtlsIdentity>,
    /// What identities may use that no entry matches (`allowed_tools`); absent denies them.
    pub allowed_tools: Option<Vec<String>>,
    /// Their requests a second.
    pub rate_limit: Option<f64>,
    /// Their burst.
    pub burst_size: Option<u32>,
    /// Whether a bearer token beside a certificate is taken, as the identity.
    pub allow_bearer: bool,
}

/// `[[auth.mtls.identities]]`
#[derive(Clone, Debug)]
pub struct MtlsIdentity {
    /// Where it is written: `auth.mtls.identities[0]`.
    pub key_path: String,
    /// `match`: pattern over whole identities.
    pub pattern: IdentityPattern,
    /// What those that match may use.
    pub allowed_tools: Vec<String>,
    /// What they may not use, whatever `allowed_tools` says.
    pub denied_tools: Vec<String>,
    /// Requests a second of each.
    pub rate_limit: Option<f64>,
    /// Burst of each.
    pub burst_size: Option<u32>,
}

/// `[[auth.api_keys]]`
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Where it is written: `auth.api_keys[0]`.
    pub key_path: String,
    /// Name of the identity, unique.
    pub id: String,
    /// SHA-256 of the key.
    pub key_hash: KeyHash,
    /// What the identity may use; empty allows nothing.
    pub allowed_tools: Vec<String>,
    /// What it may not use, whatever `allowed_tools` says.
    pub denied_tools: Vec<String>,
    /// Requests a second; the default of `[rate_limit]` when absent.
    pub rate_limit: Option<f64>,
    /// Burst; the default of `[rate_limit]` when absent.
    pub burst_size: Option<u32>,
    /// When the key ends, in Unix seconds.
    pub expires_at_unix_secs: Option<i64>,
}

/// `[auth.anonymous]`
#[derive(Clone, Debug)]
pub struct Anonymous {
    /// What callers without a credential may use; empty allows nothing.
    pub allowed_tools: Vec<String>,
    /// Requests a second of all of them together; the default of `[rate_limit]` when absent.
    pub rate_limit: Option<f64>,
    /// Whether anonymous callers are wanted on a listener that others can reach.
    pub i_understand: bool,
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

/// `tls_ca_path`, `tls_client_cert_path` and `tls_client_key_path` of an `https` upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamTls {
    /// Who may vouch for the server; the system's authorities where absent.
    pub ca_path: Option<PathBuf>,
    /// What the gateway proves itself with.
    pub client: Option<CertificateFiles>,
}

/// A certificate chain and its private key, in PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, the end entity's first.
    pub cert_path: PathBuf,
    /// The key.
    pub key_path: PathBuf,
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
