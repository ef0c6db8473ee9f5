//! Hands each request to its endpoint, under the configuration in force.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{MissedTickBehavior, interval};

use super::assemble::{self, SetupError};
use super::context::Context;
use super::provider::Provider;
use super::signer::{KeyStatus, Signer};
use super::vouch::Vouching;
use super::{back, front, reply};
use crate::config::Config;
use crate::control::tls::now_secs;
use crate::engine::limits::OAUTH_REQUESTS_AT_ONCE_MAX;
use crate::engine::oauth::{OAuthCode, OAuthEndpoint, OAuthFault};
use crate::mailbox::{Ask, OAuthReply, OAuthRequest, Shared};

/// Time between two sweeps of the store.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Serves every endpoint of OAuth, under the configuration in force.
#[derive(Debug)]
pub(in crate::control) struct OAuthService {
    shared: Arc<Shared>,
    context: ArcSwapOption<Context>,
    vouching: Arc<Vouching>,
}

/// What a configuration needs of OAuth, ready to be put in force: nothing that can fail is left. Dropped, it was never there.
#[derive(Debug)]
pub(in crate::control) struct Prepared {
    /// Where people log in.
    context: Option<Arc<Context>>,
    /// Where opaque tokens are taken.
    voucher: Option<Provider>,
}

impl OAuthService {
    /// A service that nothing is configured for yet.
    pub(in crate::control) fn new(shared: Arc<Shared>) -> Arc<Self> {
        let vouching = Vouching::new(Arc::clone(&shared.control.oauth));
        Arc::new(Self {
            shared,
            context: ArcSwapOption::empty(),
            vouching: Arc::new(vouching),
        })
    }

    /// Opens and makes whatever `config` needs of OAuth; changes nothing that is in force. Errors: see [`SetupError`].
    pub(in crate::control) async fn prepare(
        &self,
        config: &Config,
    ) -> Result<Prepared, SetupError> {
        let former = self.context.load_full();
        let made = assemble::context(config, &self.shared, former.as_deref()).await?;
        let oauth = config.auth.oauth.as_ref();
        let cells = &self.shared.control.oauth;
        let voucher = oauth.filter(|oauth| oauth.opaque_tokens);
        Ok(Prepared {
            context: made.map(Arc::new),
            voucher: voucher.map(|oauth| Provider::new(oauth, Arc::clone(cells))),
        })
    }

    /// Serves what was prepared. The gateway's own keys come into force with it, or leave.
    pub(in crate::control) fn put_in_force(&self, prepared: Prepared) {
        match &prepared.context {
            Some(context) => context.signer.publish(&self.shared),
            None => Signer::withdraw(&self.shared),
        }
        self.context.store(prepared.context);
        self.vouching.set_provider(prepared.voucher);
    }

    /// Serves requests, and looks after what is kept, for as long as the process runs.
    pub(in crate::control) fn serve(self: &Arc<Self>) {
        if let Some(requests) = self.shared.oauth.take() {
            tokio::spawn(Arc::clone(self).serve_requests(requests));
        }
        if let Some(tokens) = self.shared.vouching.take() {
            let vouching = Arc::clone(&self.vouching);
            tokio::spawn(async move { vouching.serve(tokens).await });
        }
        tokio::spawn(Arc::clone(self).keep_house());
    }

    /// What `/status` says of it; null where it is not configured. No secrets.
    pub(in crate::control) async fn report(&self) -> Value {
        let Some(context) = self.context.load_full() else {
            return Value::Null;
        };
        let counts = context.store.counts().await;
        let (counts, error) = match counts {
            Ok(counts) => (Some(counts), None),
            Err(error) => (None, Some(error.to_string())),
        };
        json!({
            "provider": context.config.realm,
            "store": context.config.store_path.display().to_string(),
            "error": error,
            "clients": counts.map(|counts| counts.clients),
            "grants": counts.map(|counts| counts.grants),
            "logins": context.pendings.sweep(Instant::now()),
            "keys": keys(&context.signer),
        })
    }

    /// As many at once as have room; the others wait in the queue, which is bounded too. Whatever a request waits for, it waits for
    /// no longer than its bound.
    async fn serve_requests(
        self: Arc<Self>,
        mut requests: mpsc::Receiver<Ask<OAuthRequest, OAuthReply>>,
    ) {
        let room = Arc::new(Semaphore::new(OAUTH_REQUESTS_AT_ONCE_MAX));
        while let Some(Ask { question, reply }) = requests.recv().await {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else {
                return;
            };
            if reply.is_abandoned() {
                continue;
            }
            let service = Arc::clone(&self);
            tokio::spawn(async move {
                reply.with(service.answer(&question).await);
                drop(place);
            });
        }
    }

    /// The answer to `request`.
    pub(in crate::control) async fn answer(&self, request: &OAuthRequest) -> OAuthReply {
        let Some(context) = self.context.load_full() else {
            let gone = OAuthFault::new(OAuthCode::TemporarilyUnavailable, "not configured");
            return reply::refusal(gone);
        };
        match request.endpoint {
            OAuthEndpoint::Authorize => front::authorize(&context, request).await,
            OAuthEndpoint::Consent => front::consent(&context, request).await,
            OAuthEndpoint::Callback => front::callback(&context, request).await,
            OAuthEndpoint::Token => back::token(&context, request).await,
            OAuthEndpoint::Register => back::register(&context, request).await,
            OAuthEndpoint::Revoke => back::revoke(&context, request).await,
            OAuthEndpoint::Jwks => back::jwks(&context),
            OAuthEndpoint::ServerMetadata => back::metadata(&context),
        }
    }

    async fn keep_house(self: Arc<Self>) {
        let mut ticks = interval(SWEEP_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.sweep().await;
        }
    }

    /// Forgets what has ended, makes the next key where it is time, and counts what is left.
    async fn sweep(&self) {
        let Some(context) = self.context.load_full() else {
            let control = &self.shared.control;
            control.oauth_clients.set(0);
            control.oauth_grants.set(0);
            return;
        };
        context.pendings.sweep(Instant::now());
        let now_secs = now_secs();
        if let Err(error) = context.store.sweep(now_secs).await {
            tracing::error!(%error, "what has ended cannot be removed from the OAuth store");
        }
        match context
            .signer
            .turn(context.config.signing_algorithm, now_secs)
            .await
        {
            Ok(true) => context.signer.publish(&self.shared),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "signing keys cannot be renewed"),
        }
        self.count(&context).await;
    }

    async fn count(&self, context: &Context) {
        match context.store.counts().await {
            Ok(counts) => {
                let (clients, grants) = (counts.clients, counts.grants);
                let control = &self.shared.control;
                control
                    .oauth_clients
                    .set(i64::try_from(clients).unwrap_or(i64::MAX));
                control
                    .oauth_grants
                    .set(i64::try_from(grants).unwrap_or(i64::MAX));
            }
            Err(error) => tracing::warn!(%error, "the OAuth store cannot be counted"),
        }
    }
}

fn keys(signer: &Signer) -> Vec<Value> {
    let now_secs = now_secs();
    let shown = |key: KeyStatus| {
        json!({
            "id": key.id,
            "algorithm": key.algorithm,
            "age_secs": now_secs.saturating_sub(key.created_at_secs),
            "signs": key.signs,
        })
    };
    signer.statuses().into_iter().map(shown).collect()
}

#[cfg(test)]
#[path = "service/tests.rs"]
mod tests;
