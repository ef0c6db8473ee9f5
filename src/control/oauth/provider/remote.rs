//! The provider as something that is asked over the network.

use std::sync::Arc;

use super::allow::AllowRules;
use super::discovery::Discovery;
use super::endpoints::Endpoints;
use crate::config::model::OAuth;
use crate::control::outbound::Authorities;
use crate::metrics::OAuthCells;

/// The provider of one configuration.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) config: OAuth,
    pub(super) rules: AllowRules,
    pub(super) authorities: Authorities,
    /// The endpoints, where all that are needed are known without asking.
    pub(super) known: Option<Arc<Endpoints>>,
    pub(super) discovery: Discovery,
    pub(super) cells: Arc<OAuthCells>,
}

impl Remote {
    pub(super) fn new(config: OAuth, cells: Arc<OAuthCells>) -> Self {
        Self {
            rules: AllowRules::new(&config),
            authorities: Authorities::default(),
            known: Endpoints::known(&config).map(Arc::new),
            discovery: Discovery::default(),
            config,
            cells,
        }
    }

    /// Whether it is asked for ID tokens (OpenID Connect).
    pub(super) fn speaks_openid(&self) -> bool {
        self.config.scopes.iter().any(|scope| scope == "openid")
    }
}
