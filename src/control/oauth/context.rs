//! What every endpoint draws on.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::back::Desk;
use super::directory::Directory;
use super::front::Pendings;
use super::provider::Provider;
use super::signer::Signer;
use super::store::{Store, Vault};
use crate::config::model::{OAuth, OAuthProvider};
use crate::engine::oauth::Offer;
use crate::engine::route::PublicBase;
use crate::engine::seal::Sealer;
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
    /// Seals what is secret in the store, and in cookies.
    pub(super) vault: Vault,
    /// Logins on their way.
    pub(super) pendings: Arc<Pendings>,
    /// What clients do without a browser, from one request to the next.
    pub(super) desk: Arc<Desk>,
    /// Whether the store has users of another provider by now: who logs in under this configuration, or another with
    /// the same users, is none of them.
    pub(super) is_over: Arc<AtomicBool>,
}

impl Context {
    /// The issuer identifier of the gateway: its public URL.
    pub(super) fn issuer(&self) -> String {
        format!("{}{}", self.base.origin(), self.base.path())
    }

    /// What `ask` says to what there is to ask for, under the configuration in force.
    pub(super) fn with_offer<T>(&self, ask: impl FnOnce(&Offer<'_>) -> T) -> T {
        let live = self.shared.live.load();
        let map = &self.config.scope_tool_mapping;
        let scopes: Vec<&str> = map.iter().map(|(scope, _)| scope.as_str()).collect();
        ask(&Offer {
            base: &self.base,
            routes: live.snapshot.routes(),
            scopes: &scopes,
            legacy_sse: live.snapshot.sessions.legacy_sse,
        })
    }

    /// Seals what browsers keep.
    pub(super) fn sealer(&self) -> &Sealer {
        self.vault.sealer()
    }

    /// The identity of the provider's user `id`, as records and pages write it.
    pub(super) fn identity(&self, id: &str) -> Box<str> {
        format!("oauth:{} {id}", self.config.realm).into()
    }

    /// Who people log in with, in words: the host where the provider has no name that everybody knows.
    pub(super) fn provider_name(&self) -> &str {
        match self.config.provider {
            OAuthProvider::GitHub => "GitHub",
            OAuthProvider::Google => "Google",
            OAuthProvider::Okta => "Okta",
            OAuthProvider::Custom => {
                let url = self.config.authorization_url.as_ref();
                let url = url.or(self.config.issuer.as_ref());
                url.map_or("your provider", |url| &url.host)
            }
        }
    }
}
