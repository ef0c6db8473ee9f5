//! What there is to ask for: the resources and scopes of one configuration.

use super::fault::{OAuthCode, OAuthFault};
use super::scope::{is_scope_list, known_scopes};
use crate::engine::limits::{OAUTH_RESOURCE_BYTES_MAX, OAUTH_SCOPE_BYTES_MAX};
use crate::engine::route::{PublicBase, Routes};

/// What tokens can be for, and which scopes they can have.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// Where the gateway is found: with no resource named, a token is for all that is below.
    pub base: &'a PublicBase,
    /// Which paths are resources.
    pub routes: &'a Routes,
    /// Scopes that mean something.
    pub scopes: &'a [&'a str],
    /// Whether `/sse` is served.
    pub legacy_sse: bool,
}

impl Offer<'_> {
    /// The audience of a token for `resource`, as RFC 9728 documents write it; the public base URL where none is named.
    ///
    /// Scheme and host count without case, a default port and one slash at the end are left out; the rest is exact. Below `/mcp`
    /// every name is a resource, so that nobody learns from this which servers exist.
    /// Errors: `invalid_target` where it is none of the gateway's (RFC 8707 §2).
    pub fn audience(&self, resource: Option<&str>) -> Result<Box<str>, OAuthFault> {
        let base = [self.base.origin(), self.base.path()].concat();
        let Some(resource) = resource else {
            return Ok(base.into());
        };
        let path = self.path_of(resource).ok_or(NO_RESOURCE)?;
        if path.is_empty() {
            return Ok(base.into());
        }
        let found = self.routes.resource(path.as_bytes());
        let found =
            found.filter(|found| found.is_at(path) && (self.legacy_sse || !found.is_legacy_sse()));
        let found = found.ok_or(NO_RESOURCE)?;
        Ok(format!("{base}{found}").into())
    }

    /// The one audience that the parameters `resource` name together with nothing else.
    /// Errors: `invalid_target`; a token is for one resource, or for all.
    pub(super) fn audience_of<'r>(
        &self,
        mut resources: impl Iterator<Item = &'r str>,
    ) -> Result<Box<str>, OAuthFault> {
        let first = resources.next();
        if resources.next().is_some() {
            return Err(OAuthFault::new(
                OAuthCode::InvalidTarget,
                "one resource at most can be asked for",
            ));
        }
        self.audience(first)
    }

    /// The scopes of `list` that exist, each once; without a list all of them (RFC 6749 §3.3: a default), since clients of 2025-03-26
    /// name none, and a person is asked about each. Errors: `invalid_scope` where it is no list of scopes.
    pub(super) fn scopes_of(&self, list: Option<&str>) -> Result<Vec<Box<str>>, OAuthFault> {
        let Some(list) = scope_list(list)? else {
            return Ok(self.scopes.iter().map(|&scope| scope.into()).collect());
        };
        Ok(known_scopes(list, |scope| self.scopes.contains(&scope)))
    }

    /// What of `resource` stands behind the public base URL: empty, or a path without a slash at its end.
    fn path_of<'r>(&self, resource: &'r str) -> Option<&'r str> {
        if resource.len() > OAUTH_RESOURCE_BYTES_MAX {
            return None;
        }
        let path_start = origin_end(resource)?;
        let (origin, path) = resource.split_at(path_start);
        if plain_origin(origin) != plain_origin(self.base.origin()) {
            return None;
        }
        let path = path.strip_suffix('/').unwrap_or(path);
        let inner = path.strip_prefix(self.base.path())?;
        (inner.is_empty() || inner.starts_with('/')).then_some(inner)
    }
}

/// `list`, where it is a list of scopes.
pub(super) fn scope_list(list: Option<&str>) -> Result<Option<&str>, OAuthFault> {
    let is_list = |list: &&str| list.len() <= OAUTH_SCOPE_BYTES_MAX && is_scope_list(list);
    match list {
        Some(list) if !is_list(&list) => Err(OAuthFault::new(
            OAuthCode::InvalidScope,
            "scope is no list of scopes",
        )),
        list => Ok(list),
    }
}

const NO_RESOURCE: OAuthFault = OAuthFault::new(
    OAuthCode::InvalidTarget,
    "resource is none of this gateway: use the one in the metadata of the protected resource",
);

/// Where scheme and authority of `url` end.
fn origin_end(url: &str) -> Option<usize> {
    let start = url.find("://")? + "://".len();
    let end = url[start..].find(['/', '?', '#']);
    Some(end.map_or(url.len(), |end| start + end))
}

/// Scheme and authority in lower case, without a port that goes without saying.
fn plain_origin(origin: &str) -> String {
    let mut plain = origin.to_ascii_lowercase();
    for (scheme, port) in [("https://", ":443"), ("http://", ":80")] {
        if plain.starts_with(scheme) && plain.ends_with(port) {
            plain.truncate(plain.len() - port.len());
            break;
        }
    }
    plain
}

#[cfg(test)]
#[path = "offer/tests.rs"]
mod tests;
