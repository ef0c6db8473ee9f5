//! The head: is it for us, from where, to what, and from whom.

use std::fmt;

use super::oauth::{admit_oauth, check_other_origin};
use crate::engine::identity::jwt::{SourceId, TokenFault};
use crate::engine::identity::opaque::OpaqueFault;
use crate::engine::identity::{AuthFailure, Principal, Provider, Proving};
use crate::engine::limits::UNTRIED_RETRY_AFTER_SECS;
use crate::engine::mcp::headers::HeaderDigest;
use crate::engine::oauth::OAuthEndpoint;
use crate::engine::policy::may_reach;
use crate::engine::reply::Failure;
use crate::engine::route::{Endpoint, Resource, RouteError, names_host};
use crate::engine::snapshot::{ServerIndex, Snapshot};

const PAGE_METHODS: &str = "GET, HEAD";
const MCP_METHODS: &str = "POST, GET, DELETE, OPTIONS";

/// The HTTP method, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// POST.
    Post,
    /// DELETE.
    Delete,
    /// OPTIONS.
    Options,
    /// Any other.
    Other,
}

/// A request head as it arrived.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The method.
    pub verb: Verb,
    /// Path and query of the target.
    pub target: &'a [u8],
    /// Host, or the authority of an absolute target; absent in HTTP/1.0 alone.
    pub authority: Option<&'a [u8]>,
    /// The bytes that `digest` was read from.
    pub head: &'a [u8],
    /// What the fields say.
    pub digest: &'a HeaderDigest,
    /// The name that the client asked for in the TLS handshake (SNI), lower case.
    pub server_name: Option<&'a str>,
    /// What the caller's credentials are checked with.
    pub proving: Proving<'a>,
}

/// A page of the gateway's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// `/health`.
    Health,
    /// `/live`.
    Live,
    /// `/ready`.
    Ready,
}

/// What an admitted head asks for.
#[derive(Clone, Debug)]
pub enum HeadAdmission<'a> {
    /// A page that needs no credential.
    Page(Page),
    /// The document about a protected resource (RFC 9728).
    ResourceMetadata(Resource<'a>),
    /// An endpoint of OAuth that is served, with a method and a content type that it takes.
    OAuth(OAuthEndpoint),
    /// A CORS preflight from an allowed origin.
    Preflight,
    /// `/routes`.
    Routes(Principal),
    /// `/metrics` on the main listener.
    Metrics(Principal),
    /// An upstream server, with POST, GET or DELETE.
    Mcp {
        /// Who asks.
        principal: Principal,
        /// Which server; the caller reaches it, or would with a further scope.
        server: ServerIndex,
        /// What `strip_prefix` appends to the server's target.
        remainder: &'a str,
        /// How the client is served.
        front: Front,
    },
    /// A POST to a stream of 2024-11-05. A client that tries newer transports first goes on from a 405 that has no JSON-RPC
    /// body (2026-07-28 Streamable HTTP, Backward Compatibility).
    SseTried(Principal),
}

/// The transport by which a client is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Front {
    /// Streamable HTTP.
    #[default]
    Streamable,
    /// HTTP+SSE: its stream.
    SseStream,
    /// HTTP+SSE: a post that belongs to a stream.
    SsePost,
}

/// Why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadRefusal {
    /// For what it says.
    Failure(Failure),
    /// For what it says, at an endpoint of OAuth: its clients read other errors.
    OAuth {
        /// Which.
        endpoint: OAuthEndpoint,
        /// Why.
        failure: Failure,
    },
    /// For who sent it. The address may have to be charged for the attempt: [`is_chargeable`](Self::is_chargeable).
    Unauthenticated(AuthFailure),
}

impl HeadRefusal {
    /// What the client is told.
    #[must_use]
    pub const fn failure(self) -> Failure {
        match self {
            Self::Failure(failure) | Self::OAuth { failure, .. } => failure,
            Self::Unauthenticated(failure) if failure.is_untried() => Failure::AuthRateLimited {
                retry_after_secs: UNTRIED_RETRY_AFTER_SECS,
            },
            Self::Unauthenticated(failure) if failure.is_undecided() => Failure::KeysUnavailable,
            Self::Unauthenticated(failure) => Failure::Unauthorized {
                challenge: failure.challenge(),
            },
        }
    }

    /// The source whose keys, fetched anew, may change the verdict.
    #[must_use]
    pub const fn wanted_keys(self) -> Option<SourceId> {
        match self {
            Self::Unauthenticated(AuthFailure::Token(
                TokenFault::UnknownKey(source) | TokenFault::KeysMissing(source),
            )) => Some(source),
            _ => None,
        }
    }

    /// Whether the verdict of whoever issued the caller's opaque token is needed ([`Proving::verdict`]).
    #[must_use]
    pub const fn wants_verdict(self) -> bool {
        matches!(
            self,
            Self::Unauthenticated(AuthFailure::Opaque(OpaqueFault::Unasked))
        )
    }

    /// Whether the address is to be charged for the attempt: a bad credential was shown, or none. Where the gateway lacks the
    /// keys to tell, or cannot ask whoever could, or did not try to, the caller may be as good as any.
    #[must_use]
    pub const fn is_chargeable(self) -> bool {
        match self {
            Self::Failure(_) | Self::OAuth { .. } => false,
            Self::Unauthenticated(failure) => !failure.is_untried() && !failure.is_undecided(),
        }
    }
}

impl From<Failure> for HeadRefusal {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl fmt::Display for HeadRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failure(failure) | Self::OAuth { failure, .. } => failure.fmt(f),
            Self::Unauthenticated(failure) => failure.fmt(f),
        }
    }
}

impl std::error::Error for HeadRefusal {}

/// Decides what `arrival` may ask for. Pure; allocates nothing for a caller that reaches the server.
///
/// Errors: the first check that fails, see the folder. Below `/mcp` and the prefixes a missing credential is told before
/// whether anything is there.
pub fn admit_head<'a>(
    snapshot: &Snapshot,
    arrival: &Arrival<'a>,
) -> Result<HeadAdmission<'a>, HeadRefusal> {
    check_host(snapshot, arrival)?;
    check_origin(snapshot, arrival)?;
    if arrival.verb == Verb::Options {
        return preflight(snapshot, arrival).map_err(HeadRefusal::from);
    }
    match snapshot
        .routes()
        .resolve(arrival.target)
        .map_err(unrouted)?
    {
        Endpoint::Health => page(Page::Health, arrival.verb),
        Endpoint::Live => page(Page::Live, arrival.verb),
        Endpoint::Ready => page(Page::Ready, arrival.verb),
        Endpoint::Routes => own_answer(snapshot, arrival).map(HeadAdmission::Routes),
        Endpoint::Metrics if snapshot.metrics_on_main => {
            named(own_answer(snapshot, arrival)?).map(HeadAdmission::Metrics)
        }
        Endpoint::Metrics => Err(Failure::NotFound.into()),
        Endpoint::ResourceMetadata { path } => resource_metadata(snapshot, path, arrival.verb),
        found @ (Endpoint::OAuth(_) | Endpoint::ServerMetadata { .. }) => {
            admit_oauth(snapshot, arrival, found)
        }
        Endpoint::Hidden => {
            authenticate(snapshot, arrival)?;
            Err(Failure::NotFound.into())
        }
        Endpoint::Mcp { server, remainder } => {
            admit_mcp(snapshot, arrival, server, remainder, Front::Streamable)
        }
        Endpoint::Sse { .. } | Endpoint::Message { .. } if !snapshot.sessions.legacy_sse => {
            Err(Failure::NotFound.into())
        }
        Endpoint::Sse { server } => admit_sse(snapshot, arrival, server),
        Endpoint::Message { server } => admit_mcp(snapshot, arrival, server, "", Front::SsePost),
    }
}

fn check_host(snapshot: &Snapshot, arrival: &Arrival<'_>) -> Result<(), Failure> {
    // HTTP/1.0 needs no Host; where only known hosts are served, silence is not one of them.
    match arrival.authority {
        Some(host) if !agrees_with(host, arrival.server_name) => Err(Failure::ForeignHost),
        Some(host) if snapshot.hosts.allows(host) => Ok(()),
        None if snapshot.hosts.allows(b"") => Ok(()),
        _ => Err(Failure::ForeignHost),
    }
}

/// Whether Host means the name that the handshake was about. A client that asked for one name and sends another has mixed up
/// its connections, or somebody wants a certificate and its rules to be taken for another's (RFC 9110 §7.4). An address in Host
/// is nothing that a handshake can name.
fn agrees_with(host: &[u8], server_name: Option<&str>) -> bool {
    server_name.is_none_or(|name| names_host(host, name))
}

fn check_origin(snapshot: &Snapshot, arrival: &Arrival<'_>) -> Result<(), HeadRefusal> {
    match arrival.digest.origin.map(|origin| origin.of(arrival.head)) {
        Some(origin) if !snapshot.origins.allows(origin) => {
            check_other_origin(snapshot, arrival, origin)
        }
        _ => Ok(()),
    }
}

fn preflight<'a>(snapshot: &Snapshot, arrival: &Arrival<'_>) -> Result<HeadAdmission<'a>, Failure> {
    let origin = arrival.digest.origin.map(|origin| origin.of(arrival.head));
    match (&snapshot.cors, origin) {
        (Some(cors), Some(origin)) if cors.origins.allows(origin) => Ok(HeadAdmission::Preflight),
        _ => Err(Failure::MethodNotAllowed {
            allow: "POST, GET, DELETE",
        }),
    }
}

const fn unrouted(error: RouteError) -> Failure {
    match error {
        RouteError::NotNormal => Failure::BadPath,
        RouteError::NotFound => Failure::NotFound,
    }
}

fn page<'a>(page: Page, verb: Verb) -> Result<HeadAdmission<'a>, HeadRefusal> {
    check_readable(verb)?;
    Ok(HeadAdmission::Page(page))
}

fn resource_metadata<'a>(
    snapshot: &Snapshot,
    path: &'a str,
    verb: Verb,
) -> Result<HeadAdmission<'a>, HeadRefusal> {
    let resource = snapshot.described(path).ok_or(Failure::NotFound)?;
    check_readable(verb)?;
    Ok(HeadAdmission::ResourceMetadata(resource))
}

fn own_answer(snapshot: &Snapshot, arrival: &Arrival<'_>) -> Result<Principal, HeadRefusal> {
    let principal = authenticate(snapshot, arrival)?;
    check_readable(arrival.verb)?;
    Ok(principal)
}

/// Metrics are for those who show a credential, whatever else anonymous callers may do.
fn named(principal: Principal) -> Result<Principal, HeadRefusal> {
    match principal.provider() {
        Provider::Anonymous => Err(HeadRefusal::Unauthenticated(AuthFailure::Missing)),
        _ => Ok(principal),
    }
}

const fn check_readable(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Get | Verb::Head => Ok(()),
        _ => Err(Failure::MethodNotAllowed {
            allow: PAGE_METHODS,
        }),
    }
}

fn authenticate(snapshot: &Snapshot, arrival: &Arrival<'_>) -> Result<Principal, HeadRefusal> {
    let header = arrival
        .digest
        .authorization
        .map(|value| value.of(arrival.head));
    let identity = &snapshot.identity;
    let proven = match identity.has_bound_tokens() {
        true => authenticate_at(snapshot, header, arrival),
        false => identity.authenticate(header, &arrival.proving),
    };
    proven.map_err(HeadRefusal::Unauthenticated)
}

/// The same where a token may be for one resource alone. On a page of the gateway's own it may be any that the gateway has.
fn authenticate_at(
    snapshot: &Snapshot,
    header: Option<&[u8]>,
    arrival: &Arrival<'_>,
) -> Result<Principal, AuthFailure> {
    let routes = snapshot.routes();
    let resource = routes.resource(arrival.target);
    let proving = Proving {
        resource,
        ..arrival.proving
    };
    let principal = snapshot.identity.authenticate(header, &proving)?;
    let is_ours = |path: &str| {
        let found = routes.resource(path.as_bytes());
        found.is_some_and(|found| found.is_at(path))
    };
    match principal.resources() {
        Some(paths) if resource.is_none() && !paths.iter().any(|path| is_ours(path)) => {
            Err(AuthFailure::Opaque(OpaqueFault::OtherAudience))
        }
        _ => Ok(principal),
    }
}

fn admit_sse<'a>(
    snapshot: &Snapshot,
    arrival: &Arrival<'_>,
    server: ServerIndex,
) -> Result<HeadAdmission<'a>, HeadRefusal> {
    match arrival.verb {
        Verb::Post => authenticate(snapshot, arrival).map(HeadAdmission::SseTried),
        _ => admit_mcp(snapshot, arrival, server, "", Front::SseStream),
    }
}

fn admit_mcp<'a>(
    snapshot: &Snapshot,
    arrival: &Arrival<'_>,
    server: ServerIndex,
    remainder: &'a str,
    front: Front,
) -> Result<HeadAdmission<'a>, HeadRefusal> {
    let principal = authenticate(snapshot, arrival)?;
    if !may_reach(&principal, snapshot.server(server)) {
        return Err(Failure::NotFound.into());
    }
    check_method(arrival, front)?;
    Ok(HeadAdmission::Mcp {
        principal,
        server,
        remainder,
        front,
    })
}

fn check_method(arrival: &Arrival<'_>, front: Front) -> Result<(), Failure> {
    match (front, arrival.verb) {
        (Front::SseStream, Verb::Get) => return Ok(()),
        (Front::SseStream, _) => return Err(Failure::MethodNotAllowed { allow: "GET" }),
        (Front::SsePost, Verb::Get | Verb::Delete) => {
            return Err(Failure::MethodNotAllowed { allow: "POST" });
        }
        _ => {}
    }
    match arrival.verb {
        Verb::Post if arrival.digest.is_encoded => Err(Failure::ContentEncoding),
        // Anything else may be a form that a browser sends across origins without asking.
        Verb::Post if !arrival.digest.is_json => Err(Failure::ContentType),
        Verb::Post | Verb::Get | Verb::Delete => Ok(()),
        _ => Err(Failure::MethodNotAllowed { allow: MCP_METHODS }),
    }
}

#[cfg(test)]
#[path = "head/tests.rs"]
mod tests;
