//! Finds clients, however they are known: configured, by their metadata document, registered.
//!
//! What it never does: take a document that was not fetched from the very URL that is the client's id, from the public internet
//! unless the operator named its host; or let strangers make the gateway fetch without bound.
//!
//! Read [`Directory`] first. Source: draft-ietf-oauth-client-id-metadata-document.

mod documents;
mod quotas;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::store::Store;
use crate::config::model::{OAuth, OAuthClient};
use crate::engine::oauth::{
    Client, ClientAuthMethod, ClientOrigin, DocumentUrl, RedirectUri, SecretHash,
};
use crate::metrics::OAuthCells;
use documents::Documents;

/// Why there is no client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ClientFault {
    /// Nobody knows it.
    Unknown,
    /// Its metadata document cannot be fetched or used; the sentence says why, for operators.
    Document(String),
    /// It cannot be looked up at the moment: the store is broken, or too many documents were asked for.
    Unavailable,
}

impl fmt::Display for ClientFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("client is not known"),
            Self::Document(why) => write!(f, "client's metadata document: {why}"),
            Self::Unavailable => f.write_str("clients cannot be looked up"),
        }
    }
}

impl std::error::Error for ClientFault {}

/// Every client that there is under one configuration.
#[derive(Debug)]
pub(super) struct Directory {
    configured: HashMap<Box<str>, Client>,
    /// Where clients are known by their documents.
    documents: Option<Documents>,
    /// Where clients may register themselves.
    registered: Option<Arc<dyn Store>>,
}

impl Directory {
    /// The clients that `config` lets in. Without `[auth.oauth.server]` there is none.
    pub(super) fn new(config: &OAuth, store: Arc<dyn Store>, cells: Arc<OAuthCells>) -> Self {
        let server = config.server.as_ref();
        let configured = server.into_iter().flat_map(|server| &server.clients);
        let documents = server.filter(|server| server.client_id_documents);
        Self {
            configured: configured
                .map(|client| (client.client_id.as_str().into(), known(client)))
                .collect(),
            documents: documents.map(|server| Documents::new(server, cells)),
            registered: server
                .filter(|server| server.dynamic_registration)
                .map(|_| store),
        }
    }

    /// The time of every document is over.
    #[cfg(test)]
    fn end_documents(&self) {
        self.documents.iter().for_each(Documents::end_all);
    }

    /// The client called `id`, for somebody at the address `peer`. A URL is looked up as the document that it is, where documents
    /// are taken; clients that registered themselves count only while they may.
    pub(super) async fn find(&self, id: &str, peer: IpAddr) -> Result<Client, ClientFault> {
        if let Some(client) = self.configured.get(id) {
            return Ok(client.clone());
        }
        if let Some(url) = DocumentUrl::parse(id) {
            return match &self.documents {
                Some(documents) => documents.find(&url, peer).await,
                None => Err(ClientFault::Unknown),
            };
        }
        let Some(store) = &self.registered else {
            return Err(ClientFault::Unknown);
        };
        match store.client(id).await {
            Ok(found) => found.ok_or(ClientFault::Unknown),
            Err(error) => {
                tracing::error!(%error, "clients cannot be looked up");
                Err(ClientFault::Unavailable)
            }
        }
    }
}

/// A configured client. Its addresses were checked with the configuration; one that can be none is never matched.
fn known(client: &OAuthClient) -> Client {
    let uris = client.redirect_uris.iter();
    let secret = client.client_secret.as_ref();
    Client {
        id: client.client_id.as_str().into(),
        name: client.name.as_str().into(),
        origin: ClientOrigin::Configured,
        redirect_uris: uris
            .filter_map(|uri| RedirectUri::parse(uri).ok())
            .collect(),
        auth_method: match secret {
            Some(_) => ClientAuthMethod::Basic,
            None => ClientAuthMethod::None,
        },
        secret: secret.map(|secret| SecretHash::of(secret.expose().as_bytes())),
        refreshes: true,
    }
}
