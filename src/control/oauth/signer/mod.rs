//! The gateway's own keys: signs its tokens, publishes what verifies them.
//!
//! Keys live in the store, sealed, so that tokens survive a restart; so do the grants whose tokens are refused before their time.
//! **Invariant:** a key that signs has been in force with the workers since before ([`Signer::publish`]), and nothing private of
//! any is shown.
//!
//! Read [`Signer`] first. Sources: RFC 7515, 7517, 7518 §3.4, 7638, 8037, 9068.

mod issued;
mod key;
mod rotation;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

pub(in crate::control) use self::issued::Issued;
use self::key::SigningKey;
use self::rotation::KeyAge;
use super::store::{RevokedGrant, Store, StoreError, StoredKey, Vault, VaultError};
use crate::config::model::SigningAlgorithm;
use crate::engine::identity::jwt::{Algorithm, KeyRing, KeySet, RevokedGrants, SourceId};
use crate::engine::oauth::{OwnClaims, Signing};
use crate::mailbox::{Live, Shared};

/// What own tokens may be signed with.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::Es256, Algorithm::EdDsa];

/// Tells each published set of this process from the others.
static GENERATION: AtomicU64 = AtomicU64::new(1);

/// Signs with one key; those before it verify until the last token under them has ended.
pub(in crate::control) struct Signer {
    store: Arc<dyn Store>,
    vault: Vault,
    keys: ArcSwap<Keys>,
    /// Grants whose tokens are refused.
    revoked: Mutex<Arc<RevokedGrants>>,
    /// One turn at a time.
    turning: tokio::sync::Mutex<()>,
}

/// The keys as of one moment.
struct Keys {
    all: Vec<Arc<SigningKey>>,
    /// The one that signs, among them.
    signing: Arc<SigningKey>,
    /// The public ones, as a JWK Set.
    jwks: Vec<u8>,
    set: Arc<KeySet>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(..)")
    }
}

/// Why there are no keys to sign with.
#[derive(Debug)]
pub(in crate::control) enum SignerError {
    /// The store cannot be asked, or does not keep them.
    Store(StoreError),
    /// A key does not open.
    Vault(VaultError),
    /// The key of this name is damaged.
    Damaged(Box<str>),
    /// The library makes no keys, or this build has none.
    Library,
}

impl fmt::Display for SignerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Vault(error) => write!(f, "a signing key: {error}"),
            Self::Damaged(id) => write!(
                f,
                "signing key {id} of the store is damaged; restore auth.oauth.store_path from a backup, or move it away: users log in again then"
            ),
            Self::Library => f.write_str("no signing key can be made"),
        }
    }
}

impl std::error::Error for SignerError {}

/// A signing key, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::control) struct KeyStatus {
    /// `kid`.
    pub(in crate::control) id: Box<str>,
    /// `alg`.
    pub(in crate::control) algorithm: &'static str,
    /// When it was made, in seconds of Unix time.
    pub(in crate::control) created_at_secs: u64,
    /// Whether tokens are signed with it at the moment.
    pub(in crate::control) signs: bool,
}

impl Signer {
    /// Takes the keys from `store`, and makes what is missing. [`Store::adopt`] comes before. Errors: each variant of
    /// [`SignerError`].
    pub(in crate::control) async fn load(
        store: Arc<dyn Store>,
        vault: Vault,
        algorithm: SigningAlgorithm,
        now_secs: u64,
    ) -> Result<Self, SignerError> {
        let keys = Keys::load(&*store, &vault, algorithm, now_secs).await?;
        let mut revoked = RevokedGrants::default();
        for grant in store.revoked(now_secs).await.map_err(SignerError::Store)? {
            revoked.revoke(grant.id, grant.until_secs, now_secs);
        }
        Ok(Self {
            revoked: Mutex::new(Arc::new(revoked)),
            store,
            vault,
            keys: ArcSwap::from_pointee(keys),
            turning: tokio::sync::Mutex::default(),
        })
    }

    /// Makes a new key where it is time, or where there is none for `algorithm`; moves on to the next; forgets those under which
    /// no token can be good. Whether what is published has changed: [`Self::publish`] it then. To be called every minute, when
    /// the configuration changes, and after [`Store::adopt`]. Errors: everything stays as it was.
    pub(in crate::control) async fn turn(
        &self,
        algorithm: SigningAlgorithm,
        now_secs: u64,
    ) -> Result<bool, SignerError> {
        let _turn = self.turning.lock().await;
        let next = Keys::load(&*self.store, &self.vault, algorithm, now_secs).await?;
        let before = self.keys.load();
        let is_new = next.jwks != before.jwks;
        if is_new || next.signing.id != before.signing.id {
            self.keys.store(Arc::new(next));
        }
        Ok(is_new)
    }

    /// A signed token of `issuer` (RFC 9068: `typ` is `at+jwt`). Errors: the library cannot sign.
    pub(in crate::control) fn sign(
        &self,
        issuer: &str,
        claims: &OwnClaims<'_>,
        now_secs: u64,
    ) -> Result<String, SignError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| SignError)?;
        let signing = Signing {
            issuer,
            token_id: &URL_SAFE_NO_PAD.encode(random),
            now_secs,
        };
        let keys = self.keys.load();
        let key = &keys.signing;
        let header = json!({"alg": key.algorithm_name(), "typ": "at+jwt", "kid": key.id});
        let mut token = URL_SAFE_NO_PAD.encode(header.to_string());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims.payload(&signing), &mut token);
        let signature = key.sign(token.as_bytes()).ok_or(SignError)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// The public keys, as a JWK Set.
    pub(in crate::control) fn jwks(&self) -> Vec<u8> {
        self.keys.load().jwks.clone()
    }

    /// The public keys, ready for verifying.
    pub(in crate::control) fn key_set(&self) -> Arc<KeySet> {
        Arc::clone(&self.keys.load().set)
    }

    /// Every key that is published, oldest first.
    pub(in crate::control) fn statuses(&self) -> Vec<KeyStatus> {
        let keys = self.keys.load();
        let status = |key: &Arc<SigningKey>| KeyStatus {
            id: key.id.clone(),
            algorithm: key.algorithm_name(),
            created_at_secs: key.created_at_secs,
            signs: key.id == keys.signing.id,
        };
        keys.all.iter().map(status).collect()
    }

    /// What `token` came of, where the gateway signed it; its time may be over.
    pub(in crate::control) fn issued(&self, token: &str) -> Option<Issued> {
        self.keys.load().issued(token)
    }

    /// Puts the public keys in force with the workers, and the grants whose tokens they refuse.
    pub(in crate::control) fn publish(&self, shared: &Shared) {
        let revoked = Arc::clone(&self.revoked());
        put_in_force(shared, |ring| {
            let ring = ring.with(SourceId::own(), Some(self.key_set()));
            ring.refusing(revoked)
        });
    }

    /// Has the workers refuse tokens of `grant`, which the store has revoked, from now on.
    pub(in crate::control) fn refuse(&self, shared: &Shared, grant: RevokedGrant, now_secs: u64) {
        let revoked = {
            let mut held = self.revoked();
            let mut next = RevokedGrants::clone(&held);
            next.revoke(grant.id, grant.until_secs, now_secs);
            if next == **held {
                return;
            }
            *held = Arc::new(next);
            Arc::clone(&held)
        };
        put_in_force(shared, |ring| ring.refusing(revoked));
    }

    /// Takes the gateway's own keys from the workers: no token of its own is good any more.
    pub(in crate::control) fn withdraw(shared: &Shared) {
        put_in_force(shared, |ring| ring.with(SourceId::own(), None));
    }

    /// No code that can panic runs under the lock.
    fn revoked(&self) -> std::sync::MutexGuard<'_, Arc<RevokedGrants>> {
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Proofs that workers remember are of the ring before: another number has them prove anew.
fn put_in_force(shared: &Shared, change: impl FnOnce(&KeyRing) -> KeyRing) {
    shared.update(|live| Live {
        keys: Arc::new(change(&live.keys)),
        keys_version: live.keys_version + 1,
        ..live.clone()
    });
}

impl Keys {
    /// The keys as they are to be at `now_secs`, which is how `store` has them then.
    async fn load(
        store: &dyn Store,
        vault: &Vault,
        algorithm: SigningAlgorithm,
        now_secs: u64,
    ) -> Result<Self, SignerError> {
        let stored = store.keys().await.map_err(SignerError::Store)?;
        let open = |key: &StoredKey| SigningKey::open(key, vault);
        let mut all: Vec<_> = stored.iter().map(open).collect::<Result<_, _>>()?;
        if rotation::needs_key(&ages(&all), algorithm, now_secs) {
            all.push(SigningKey::make(algorithm, vault, now_secs)?);
        }
        retire(&mut all, algorithm, now_secs);
        all.retain(|key| !rotation::is_over(&age(key), now_secs));
        let kept: Vec<_> = all.iter().map(SigningKey::stored).collect();
        if kept != stored {
            store.put_keys(kept).await.map_err(SignerError::Store)?;
        }
        Self::of(all, algorithm, now_secs)
    }

    fn of(
        all: Vec<SigningKey>,
        algorithm: SigningAlgorithm,
        now_secs: u64,
    ) -> Result<Self, SignerError> {
        let place = rotation::signing(&ages(&all), algorithm, now_secs);
        let all: Vec<_> = all.into_iter().map(Arc::new).collect();
        let signing = place.and_then(|place| all.get(place));
        let signing = Arc::clone(signing.ok_or(SignerError::Library)?);
        let public: Vec<_> = all.iter().map(|key| key.jwk()).collect();
        let jwks = json!({"keys": public}).to_string().into_bytes();
        let library = crate::signatures::library().ok_or(SignerError::Library)?;
        let generation = GENERATION.fetch_add(1, Relaxed);
        let set = KeySet::parse_jwks(&jwks, &ALGORITHMS, generation, library);
        let (set, _) = set.map_err(|_| SignerError::Library)?;
        Ok(Self {
            all,
            signing,
            jwks,
            set: Arc::new(set),
        })
    }
}

/// Notes which keys have just stopped signing, and that the one that signs has not. One that is to sign later is as it was made.
fn retire(keys: &mut [SigningKey], algorithm: SigningAlgorithm, now_secs: u64) {
    let Some(signing) = rotation::signing(&ages(keys), algorithm, now_secs) else {
        return;
    };
    let created_at = keys[signing].created_at_secs;
    for (place, key) in keys.iter_mut().enumerate() {
        let is_next = key.algorithm() == algorithm && key.created_at_secs > created_at;
        if place == signing || is_next {
            key.retired_at_secs = None;
        } else if key.retired_at_secs.is_none() {
            key.retired_at_secs = Some(now_secs);
        }
    }
}

fn ages(keys: &[SigningKey]) -> Vec<KeyAge> {
    keys.iter().map(age).collect()
}

fn age(key: &SigningKey) -> KeyAge {
    KeyAge {
        algorithm: key.algorithm(),
        created_at_secs: key.created_at_secs,
        retired_at_secs: key.retired_at_secs,
    }
}

/// The library cannot sign, or the system has no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control) struct SignError;

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("token cannot be signed")
    }
}

impl std::error::Error for SignError {}
