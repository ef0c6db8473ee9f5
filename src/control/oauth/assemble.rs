//! From a configuration to what the endpoints draw on.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use tokio::task::spawn_blocking;

use super::context::Context;
use super::directory::Directory;
use super::front::Pendings;
use super::provider::Provider;
use super::signer::{Signer, SignerError};
use super::store::{Adopted, FileStore, OpenStoreError, Store, StoreError, Vault};
use crate::config::Config;
use crate::config::model::OAuth;
use crate::control::tls::now_secs;
use crate::engine::route::PublicBase;
use crate::mailbox::Shared;

/// Why OAuth cannot be served as configured. Each ends with what to do.
#[derive(Debug)]
pub(in crate::control) enum SetupError {
    /// The store cannot be opened.
    Open(OpenStoreError),
    /// It was opened and cannot be used.
    Store(StoreError),
    /// It has users of another provider, or users that another claim names.
    OtherUsers {
        /// The store.
        path: PathBuf,
        /// Whose users it has.
        known: String,
        /// Whose users are configured.
        asked: String,
    },
    /// There are no keys to sign with.
    Signer(SignerError),
    /// A task of ours has ended by itself.
    Task,
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::Store(error) => write!(f, "{error}; see auth.oauth.store_path"),
            Self::OtherUsers { path, known, asked } => write!(
                f,
                "{} has users of {known}; auth.oauth is for users of {asked}: put the former provider, issuer, userinfo_url and user_id_claim back, or move that file away or set another auth.oauth.store_path, and start the gateway anew: everybody logs in again then",
                path.display()
            ),
            Self::Signer(error) => error.fmt(f),
            Self::Task => {
                f.write_str("the OAuth store was not opened; this is a defect of the gateway")
            }
        }
    }
}

impl std::error::Error for SetupError {}

/// The context of `config`; `None` where nobody logs in. Store, keys and logins on their way are those of `former`, where they are
/// the same: store and key of the store stay as they were at the start.
pub(super) async fn context(
    config: &Config,
    shared: &Arc<Shared>,
    former: Option<&Context>,
) -> Result<Option<Context>, SetupError> {
    let base = config
        .server
        .public_url
        .as_deref()
        .and_then(PublicBase::parse);
    let (Some(oauth), Some(base)) = (&config.auth.oauth, base) else {
        return Ok(None);
    };
    if !oauth.login {
        return Ok(None);
    }
    let kept = match former {
        Some(former) if former.config.store_path == oauth.store_path => Kept::of(former),
        _ => Kept::open(oauth).await?,
    };
    let signer = kept.prepare(oauth, former).await?;
    Ok(Some(Context {
        provider: Provider::new(oauth, Arc::clone(&shared.control.oauth)),
        clients: Directory::new(
            oauth,
            Arc::clone(&kept.store),
            Arc::clone(&shared.control.oauth),
        ),
        pendings: pendings(oauth, former),
        config: oauth.clone(),
        base,
        shared: Arc::clone(shared),
        store: kept.store,
        signer,
        vault: kept.vault,
        desk: former.map_or_else(Arc::default, |former| Arc::clone(&former.desk)),
        is_over: is_over(oauth, former),
    }))
}

/// What outlives a configuration.
struct Kept {
    store: Arc<dyn Store>,
    vault: Vault,
    signer: Option<Arc<Signer>>,
}

impl Kept {
    fn of(former: &Context) -> Self {
        Self {
            store: Arc::clone(&former.store),
            vault: former.vault.clone(),
            signer: Some(Arc::clone(&former.signer)),
        }
    }

    async fn open(oauth: &OAuth) -> Result<Self, SetupError> {
        let (path, key) = (oauth.store_path.clone(), oauth.store_key.clone());
        let opening = spawn_blocking(move || FileStore::open(&path, key.as_ref()));
        let opened = opening.await.map_err(|_| SetupError::Task)?;
        let (store, vault) = opened.map_err(SetupError::Open)?;
        Ok(Self {
            store: Arc::new(store),
            vault,
            signer: None,
        })
    }

    /// Makes it this provider's, with keys of the configured kind.
    async fn prepare(
        &self,
        oauth: &OAuth,
        former: Option<&Context>,
    ) -> Result<Arc<Signer>, SetupError> {
        let owner = owner(oauth);
        match self.store.adopt(&owner).await.map_err(SetupError::Store)? {
            Adopted::Ours => {}
            Adopted::TakenOver => {
                // Logins under way at the former owner could still bring one of its users in.
                if let Some(former) = former {
                    former.is_over.store(true, Relaxed);
                }
            }
            Adopted::Others(known) => {
                return Err(SetupError::OtherUsers {
                    path: oauth.store_path.clone(),
                    known: owner_shown(&known),
                    asked: owner_shown(&owner),
                });
            }
        }
        let (algorithm, now_secs) = (oauth.signing_algorithm, now_secs());
        if let Some(signer) = &self.signer {
            let turned = signer.turn(algorithm, now_secs).await;
            turned.map_err(SetupError::Signer)?;
            return Ok(Arc::clone(signer));
        }
        let (store, vault) = (Arc::clone(&self.store), self.vault.clone());
        let signer = Signer::load(store, vault, algorithm, now_secs).await;
        Ok(Arc::new(signer.map_err(SetupError::Signer)?))
    }
}

/// Shared by configurations with the same users: a login may be under way since several reloads.
fn is_over(oauth: &OAuth, former: Option<&Context>) -> Arc<AtomicBool> {
    let same = former.filter(|former| {
        former.config.store_path == oauth.store_path && owner(&former.config) == owner(oauth)
    });
    same.map_or_else(Arc::default, |former| Arc::clone(&former.is_over))
}

/// Whose users the store has. The same id is another user under another claim, and at another place of the same name: `github` is
/// whichever Enterprise Server, and a provider without an issuer whatever its origin has.
fn owner(oauth: &OAuth) -> String {
    let place = oauth.issuer.as_ref().or(oauth.userinfo_url.as_ref());
    let place = place.map_or("", |url| &url.text);
    format!("{} {place} {}", oauth.realm, oauth.user_id_claim)
}

/// `owner` as operators know it: a provider, where it is, and the claim that names its users.
fn owner_shown(owner: &str) -> String {
    let parts: Vec<&str> = owner.splitn(3, ' ').collect();
    match parts[..] {
        [realm, place, claim] if place.is_empty() || place == realm => {
            format!("{realm:?} by their {claim:?}")
        }
        [realm, place, claim] => format!("{realm:?} at {place:?} by their {claim:?}"),
        _ => format!("{owner:?}"),
    }
}

/// Logins on their way go on, unless they are at another provider now, or would come back as another client.
fn pendings(oauth: &OAuth, former: Option<&Context>) -> Arc<Pendings> {
    let is_same = |former: &&Context| {
        let before = &former.config;
        owner(before) == owner(oauth)
            && (&before.client_id, &before.redirect_uri) == (&oauth.client_id, &oauth.redirect_uri)
            && (&before.authorization_url, &before.token_url)
                == (&oauth.authorization_url, &oauth.token_url)
    };
    let same = former.filter(is_same);
    same.map_or_else(Arc::default, |former| Arc::clone(&former.pendings))
}
