//! The endpoints of OAuth, by path.

use super::path::Endpoint;
use crate::engine::oauth::OAuthEndpoint;

/// What all of them but the metadata have before their names. No `path_prefix` may begin with it.
const OAUTH_PATH: &str = "/oauth/";

/// The endpoint at `path`, exactly; the metadata also below its own path (RFC 8414 §3.1).
pub(super) fn resolve_oauth(path: &str) -> Option<Endpoint<'_>> {
    if let Some(below) = path.strip_prefix(OAuthEndpoint::ServerMetadata.path()) {
        let is_below = below.is_empty() || below.starts_with('/');
        return is_below.then_some(Endpoint::ServerMetadata { path: below });
    }
    path.starts_with(OAUTH_PATH).then_some(())?;
    let mut all = OAuthEndpoint::ALL.into_iter();
    all.find(|endpoint| endpoint.path() == path)
        .map(Endpoint::OAuth)
}
