//! What clients are told of where tokens come from: documents about protected resources (RFC 9728), and the challenges that
//! point at them.
//!
//! Written from the configuration alone: no Host, no server and no caller has a say in it. **Invariant:** every resource below `/mcp`
//! has the same document but for its own URL, whether or not a server is there, so nobody learns from them which servers exist.
//!
//! Read [`Discovery`] first. Sources: RFC 9728, MCP 2026-07-28 Authorization Server Discovery.

use super::audit::json::write_string;
use super::identity::{
    Authenticator, AuthorizationServer, ChallengeError, Directions, is_scope_to_ask,
};
use super::limits::CHALLENGE_SCOPE_BYTES_MAX;
use super::policy::StepUp;
use super::route::{PublicBase, RESOURCE_METADATA_PATH, Resource, Routes};

/// How long clients may keep a document, in seconds: a changed configuration is noticed soon.
pub const DOCUMENT_MAX_AGE_SECS: u32 = 300;

/// The documents and challenges of one configuration. Without `server.public_url`, or without an issuer whose name is the URL of
/// an authorization server, there are no documents.
#[derive(Debug, Default)]
pub struct Discovery {
    published: Option<Published>,
}

/// What a [`Discovery`] is put together from.
#[derive(Clone, Copy, Debug)]
pub struct DiscoverySpec<'a> {
    /// `server.public_url`, without a trailing slash.
    pub public_url: Option<&'a str>,
    /// Whose tokens are taken.
    pub identity: &'a Authenticator,
    /// How many servers there are.
    pub servers: usize,
    /// Whether `/sse` is served.
    pub legacy_sse: bool,
}

#[derive(Debug)]
struct Published {
    base: PublicBase,
    /// What follows the resource in every document.
    tail: Box<[u8]>,
    /// The issuers' scopes, separated by spaces.
    scope: Box<str>,
    /// Whether one document says it all, so that it has the root form too.
    is_only: bool,
    legacy_sse: bool,
}

impl Discovery {
    /// Writes all that does not depend on the request.
    #[must_use]
    pub fn new(spec: DiscoverySpec<'_>) -> Self {
        let servers: Vec<_> = spec.identity.authorization_servers().collect();
        let base = spec.public_url.and_then(PublicBase::parse);
        let published = base.filter(|_| !servers.is_empty()).map(|base| {
            let scopes = scopes(&servers);
            Published {
                base,
                tail: tail(&servers, &scopes).into(),
                scope: scopes.join(" ").into(),
                is_only: spec.servers == 1,
                legacy_sse: spec.legacy_sse,
            }
        });
        Self { published }
    }

    /// The resource that the document at `path` below [`RESOURCE_METADATA_PATH`] is about. `None` where there is no document.
    ///
    /// Where the gateway has a path of its own in public, that stands before the resource's (RFC 9728 §3.1); the proxy in front
    /// may have taken it away.
    #[must_use]
    pub fn described<'a>(&self, routes: &Routes, path: &'a str) -> Option<Resource<'a>> {
        let published = self.published.as_ref()?;
        let inner = path
            .strip_prefix(published.base.path())
            .filter(|inner| inner.is_empty() || inner.starts_with('/'));
        let found = inner.and_then(|inner| published.resource(routes, inner));
        found.or_else(|| published.resource(routes, path))
    }

    /// The document about `resource`, in JSON. Empty where there is none.
    #[must_use]
    pub fn document(&self, resource: Resource<'_>) -> Vec<u8> {
        let Some(published) = &self.published else {
            return Vec::new();
        };
        let (origin, path) = (published.base.origin(), published.base.path());
        let mut document = format!("{{\"resource\":\"{origin}{path}{resource}\"").into_bytes();
        document.extend_from_slice(&published.tail);
        document
    }

    /// The challenge of a 401 to a request for `resource`.
    #[must_use]
    pub fn unauthorized(&self, resource: Option<Resource<'_>>, error: ChallengeError) -> String {
        let url = self.document_url(resource);
        let directions = Directions {
            resource_metadata: url.as_deref(),
            scope: match (&self.published, &url) {
                (Some(published), Some(_)) => &published.scope,
                _ => "",
            },
        };
        directions.unauthorized(error)
    }

    /// The challenge of a 403 to a request for `resource` that needs more scopes.
    #[must_use]
    pub fn insufficient_scope(&self, resource: Option<Resource<'_>>, step_up: &StepUp) -> String {
        let url = self.document_url(resource);
        let directions = Directions {
            resource_metadata: url.as_deref(),
            scope: step_up.scope(),
        };
        directions.insufficient_scope()
    }

    fn document_url(&self, resource: Option<Resource<'_>>) -> Option<String> {
        let published = self.published.as_ref()?;
        let resource = resource.filter(|resource| published.serves(resource))?;
        let (origin, path) = (published.base.origin(), published.base.path());
        Some(format!("{origin}{RESOURCE_METADATA_PATH}{path}{resource}"))
    }
}

impl Published {
    fn resource<'a>(&self, routes: &Routes, path: &'a str) -> Option<Resource<'a>> {
        if path.is_empty() {
            return self.is_only.then_some(Resource::DEFAULT);
        }
        routes
            .resource(path.as_bytes())
            .filter(|resource| resource.is_at(path) && self.serves(resource))
    }

    fn serves(&self, resource: &Resource<'_>) -> bool {
        self.legacy_sse || !resource.is_legacy_sse()
    }
}

/// The scopes of `servers` that a client may ask for: each once, in the order of the file, as many as a challenge has room for.
fn scopes<'a>(servers: &[AuthorizationServer<'a>]) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    let mut room = CHALLENGE_SCOPE_BYTES_MAX;
    let all = servers.iter().flat_map(|server| server.scopes.scopes());
    for scope in all.map(|mapped| &*mapped.scope) {
        let bytes = scope.len() + usize::from(!found.is_empty());
        if is_scope_to_ask(scope) && !found.contains(&scope) && bytes <= room {
            room -= bytes;
            found.push(scope);
        }
    }
    found
}

/// The document behind its resource.
fn tail(servers: &[AuthorizationServer<'_>], scopes: &[&str]) -> Vec<u8> {
    let mut issuers: Vec<&str> = Vec::new();
    for server in servers {
        if !issuers.contains(&server.issuer) {
            issuers.push(server.issuer);
        }
    }
    let mut out = b",\"authorization_servers\":".to_vec();
    write_list(issuers.into_iter(), &mut out);
    if !scopes.is_empty() {
        out.extend_from_slice(b",\"scopes_supported\":");
        write_list(scopes.iter().copied(), &mut out);
    }
    out.extend_from_slice(
        b",\"bearer_methods_supported\":[\"header\"],\"resource_name\":\"mcp-guard\"}",
    );
    out
}

fn write_list<'a>(texts: impl Iterator<Item = &'a str>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, text) in texts.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(text.as_bytes(), usize::MAX, out);
    }
    out.push(b']');
}

#[cfg(test)]
#[path = "discovery/tests.rs"]
mod tests;
