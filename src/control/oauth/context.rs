//! What every endpoint draws on.

use std::sync::Arc;

use super::directory::Directory;
use super::provider::Provider;
use super::signer::Signer;
use super::store::Store;
use crate::config::model::OAuth;
use crate::engine::route::PublicBase;
use crate::mailbox::Shared;

/// What the endpoints of one configuration draw on. Replaced whole when the configuration changes; store and signer outlive it.
#[derive(Debug)]
pub(super) struct Context {
    /// `[auth.oauth]`.
    pub(super) config: OAuth,
    /// Where the gateway is found; it is the issuer of its tokens.
    pub(super) base: PublicBase,
    /// Routes and scopes are those of the snapshot in force.
    pub(super) shared: Arc<Shared>,
    /// Grants, clients, consents.
    pub(super) store: Arc<dyn Store>,
    /// The gateway's own keys.
    pub(super) signer: Arc<Signer>,
    /// Who people log in with.
    pub(super) provider: Provider,
    /// Who acts for them.
    pub(super) clients: Directory,
}

impl Context {
    /// The issuer identifier of the gateway: its public URL.
    pub(super) fn issuer(&self) -> String {
        format!("{}{}", self.base.origin(), self.base.path())
    }
}
