//! The provider as something that is asked over the network.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::allow::AllowRules;
use super::discovery::Discovery;
use super::endpoints::Endpoints;
use super::tokens::KeptTokens;
use super::trouble::Trouble;
use crate::config::model::OAuth;
use crate::control::oauth::recent::Recent;
use crate::control::outbound::Authorities;
use crate::engine::limits::{RESCUED_TOKENS_MAX, RESCUED_TOKENS_MS};
use crate::engine::oauth::SecretHash;
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
    pub(super) trouble: Trouble,
    rescued: Mutex<Recent<SecretHash, KeptTokens>>,
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
            trouble: Trouble::default(),
            rescued: Mutex::new(Recent::new(RESCUED_TOKENS_MAX)),
        }
    }

    /// Whether it is asked for ID tokens (OpenID Connect).
    pub(super) fn speaks_openid(&self) -> bool {
        self.config.scopes.iter().any(|scope| scope == "openid")
    }

    /// Remembers what a refresh gave in the place of the refresh token `spent`, since whoever asked may be told of a failure and
    /// keep that one. A provider that rotates refresh tokens would take its next use for a theft.
    pub(super) fn rescue(&self, spent: &str, kept: KeptTokens) {
        let end = Instant::now() + Duration::from_millis(RESCUED_TOKENS_MS);
        self.rescued()
            .keep(SecretHash::of(spent.as_bytes()), kept, end);
    }

    /// The tokens that took the place of `kept`, where they were rescued.
    pub(super) fn latest(&self, mut kept: KeptTokens) -> KeptTokens {
        let (rescued, now) = (self.rescued(), Instant::now());
        // Each rescue was of the one before: no more of them than there are.
        for _ in 0..RESCUED_TOKENS_MAX {
            let spent = kept
                .refresh
                .as_deref()
                .map(|refresh| SecretHash::of(refresh.as_bytes()));
            match spent.and_then(|spent| rescued.find(&spent, now)) {
                Some(newer) if newer.user == kept.user => kept = newer.clone(),
                _ => break,
            }
        }
        kept
    }

    /// No code that can panic runs under this lock.
    fn rescued(&self) -> MutexGuard<'_, Recent<SecretHash, KeptTokens>> {
        self.rescued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
