//! Finds clients, however they are known: configured, by their metadata document, registered.

use std::fmt;

use crate::engine::oauth::Client;

/// Why there is no client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ClientFault {
    /// Nobody knows it.
    Unknown,
    /// Its metadata document cannot be fetched or used; the sentence says why, for operators.
    Document(String),
    /// The store cannot be asked.
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

/// Every client that there is.
#[derive(Debug)]
pub(super) struct Directory(());

impl Directory {
    /// The client called `id`. A URL is looked up as the document that it is, where documents are taken.
    pub(super) async fn find(&self, id: &str) -> Result<Client, ClientFault> {
        let _ = id;
        Err(ClientFault::Unknown)
    }
}
