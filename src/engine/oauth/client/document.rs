//! Client ID Metadata Documents (draft-ietf-oauth-client-id-metadata-document): a client whose id is the URL of what it says of
//! itself.

use super::metadata::{Metadata, MetadataFault};
use super::{Client, ClientAuthMethod, ClientOrigin};
use crate::engine::limits::OAUTH_CLIENT_ID_BYTES_MAX;
use crate::engine::oauth::redirect::RedirectUri;

/// A `client_id` that is the URL of a document: `https`, a host, a path that is not `/`; no query, fragment, user information or dot
/// segments, and one reading alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DocumentUrl(Box<str>);

impl DocumentUrl {
    /// Reads `id`. `None` where it is no such URL. O(bytes).
    #[must_use]
    pub fn parse(id: &str) -> Option<Self> {
        let (_, path) = id.strip_prefix("https://")?.split_once('/')?;
        let is_path = !path.is_empty() && !id.contains('?');
        // The rules for hosts, ports, escapes and segments are those of redirect URIs: one reading, in every reader.
        let is_plain = id.len() <= OAUTH_CLIENT_ID_BYTES_MAX && RedirectUri::parse(id).is_ok();
        (is_path && is_plain).then(|| Self(id.into()))
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Host and port, as written: what pages show.
    #[must_use]
    pub fn authority(&self) -> &str {
        let rest = self.0.strip_prefix("https://").unwrap_or_default();
        rest.split('/').next().unwrap_or_default()
    }
}

impl Client {
    /// The client whose document, fetched from `url`, is `body`.
    ///
    /// It has no secret, since everybody can read the document: PKCE, and the addresses that it names, are what protects its users.
    /// A client that authenticates with keys is refused rather than served without (draft §6.2).
    /// Errors: each variant of [`MetadataFault`].
    pub fn from_document(url: &DocumentUrl, body: &[u8]) -> Result<Self, MetadataFault> {
        let metadata = Metadata::parse(body)?;
        if metadata.client_id.as_deref() != Some(url.as_str()) {
            return Err(MetadataFault::ClientId);
        }
        if metadata.holds_secret {
            return Err(MetadataFault::HoldsSecret);
        }
        if !matches!(metadata.auth_method.as_deref(), None | Some("none")) {
            return Err(MetadataFault::AuthMethod);
        }
        Ok(Self {
            id: url.as_str().into(),
            name: metadata.name.ok_or(MetadataFault::Name)?,
            origin: ClientOrigin::Document,
            redirect_uris: metadata.redirect_uris,
            auth_method: ClientAuthMethod::None,
            secret: None,
            refreshes: metadata.refreshes,
        })
    }
}
