//! A store in one file, for one gateway.
//!
//! Each change is one transaction, on disk before it is answered. Reading and writing block, so they are done on a thread for
//! that; one change at a time, in the order asked.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use redb::{ReadTransaction, ReadableDatabase as _, ReadableTableMetadata as _};
use redb::{ReadableTable as _, WriteTransaction};
use tokio::sync::Semaphore;

use super::codec::{ClientRecord, ConsentRecord, read_key, write_key};
use super::slot::Slot;
use super::tables::{self, Tables, bytes_at, clear};
use super::{
    Adopted, Counts, HeldGrant, OpenStoreError, RevokedGrant, Rotation, Store, StoreError, Stored,
    StoredKey, TakenCode, Vault, grants, open,
};
use crate::config::Secret;
use crate::engine::oauth::{Client, Code, Consent, Grant, GrantId, SecretHash};

/// Threads that read at once.
const READERS_MAX: usize = 4;

/// The store in a file.
pub(in crate::control) struct FileStore {
    slot: Arc<Slot>,
    /// One change at a time: whoever waits holds no thread.
    writing: Arc<Semaphore>,
    reading: Arc<Semaphore>,
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileStore(..)")
    }
}

impl FileStore {
    /// Opens the store at `path`, or makes it, with the vault under `store_key`, or under the secret in the file beside it.
    /// Blocks. Errors: each variant of [`OpenStoreError`].
    pub(in crate::control) fn open(
        path: &Path,
        store_key: Option<&Secret>,
    ) -> Result<(Self, Vault), OpenStoreError> {
        let (database, vault) = open::open(path, store_key)?;
        let place = (path.to_owned(), vault.clone());
        Ok((Self::of(Slot::new(database, Some(place))), vault))
    }

    /// A store that ends with the process, for tests.
    #[cfg(test)]
    pub(in crate::control) fn in_memory() -> (Self, Vault) {
        #![allow(clippy::unwrap_used, reason = "a test may panic")]
        let vault = Vault::new(b"a secret for tests, of some length");
        let path = Path::new("memory");
        let database = open::database(path, redb::backends::InMemoryBackend::new()).unwrap();
        open::prepare(path, &database, &vault).unwrap();
        (Self::of(Slot::new(database, None)), vault)
    }

    /// How many refresh tokens there are, good and spent.
    #[cfg(test)]
    pub(super) async fn refresh_hashes(&self) -> u64 {
        #![allow(clippy::unwrap_used, reason = "a test may panic")]
        let count =
            |transaction: &ReadTransaction| Ok(transaction.open_table(tables::REFRESH)?.len()?);
        self.read(count).await.unwrap()
    }

    /// Keeps every change waiting until what is returned is dropped.
    #[cfg(test)]
    pub(super) async fn hold_changes(&self) -> tokio::sync::OwnedSemaphorePermit {
        #![allow(clippy::unwrap_used, reason = "a test may panic")]
        Arc::clone(&self.writing).acquire_owned().await.unwrap()
    }

    fn of(slot: Slot) -> Self {
        Self {
            slot: Arc::new(slot),
            writing: Arc::new(Semaphore::new(1)),
            reading: Arc::new(Semaphore::new(READERS_MAX)),
        }
    }

    /// What `look` finds in the file as it is at one moment.
    pub(super) fn read<'s, T: Send + 'static>(
        &'s self,
        look: impl FnOnce(&ReadTransaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'s, T> {
        let slot = Arc::clone(&self.slot);
        run(&self.reading, move || {
            slot.with(|database| look(&database.begin_read()?))
        })
    }

    /// Makes `change`, whole or not at all.
    pub(super) fn write<'s, T: Send + 'static>(
        &'s self,
        change: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'s, T> {
        let slot = Arc::clone(&self.slot);
        run(&self.writing, move || {
            slot.with(|database| {
                let mut transaction = database.begin_write()?;
                // Clients choose some of what is written; two phases leave nothing to a checksum that they could aim at.
                transaction.set_two_phase_commit(true);
                let changed = changed(&transaction, change);
                match changed {
                    Ok(_) => transaction.commit()?,
                    Err(_) => transaction.abort()?,
                }
                changed
            })
        })
    }
}

fn changed<T>(
    transaction: &WriteTransaction,
    change: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    change(&mut Tables::open(transaction)?)
}

/// Does `work` on a thread that may block, once there is a permit. The permit is held until it is done, also where nobody waits
/// for that any more. A panic of the library is an error of the store.
fn run<'s, T: Send + 'static>(
    permits: &Arc<Semaphore>,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Stored<'s, T> {
    let permits = Arc::clone(permits);
    Box::pin(async move {
        let closed = |_| StoreError::Broken("it is closed".into());
        let permit = permits.acquire_owned().await.map_err(closed)?;
        let working = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        let failed = |_| StoreError::Broken("its file cannot be read".into());
        working.await.map_err(failed)?
    })
}

impl Store for FileStore {
    fn adopt<'a>(&'a self, owner: &'a str) -> Stored<'a, Adopted> {
        let owner = owner.to_owned();
        self.write(move |tables| {
            let known = bytes_at(&tables.meta, "realm")?;
            let adopted = match known {
                Some(known) if known == owner.as_bytes() => return Ok(Adopted::Ours),
                Some(other) if tables.has_users()? => {
                    let other = String::from_utf8_lossy(&other).into_owned();
                    return Ok(Adopted::Others(other));
                }
                Some(_) => {
                    // No token under these keys can be of the new owner's users.
                    clear(&mut tables.keys)?;
                    Adopted::TakenOver
                }
                None => Adopted::Ours,
            };
            tables.meta.insert("realm", owner.as_bytes())?;
            Ok(adopted)
        })
    }

    fn client<'a>(&'a self, id: &'a str) -> Stored<'a, Option<Client>> {
        let id = id.to_owned();
        self.read(move |transaction| {
            let found = bytes_at(&transaction.open_table(tables::CLIENTS)?, &*id)?;
            let record = found.map(|bytes| ClientRecord::read(&bytes)).transpose()?;
            Ok(record.map(|record| record.client))
        })
    }

    fn register(&self, client: Client, now_secs: u64) -> Stored<'_, ()> {
        self.write(move |tables| tables.register(client, now_secs))
    }

    fn consents<'a>(&'a self, user: &'a str, client: &'a str) -> Stored<'a, Vec<Consent>> {
        let (user, client) = (user.to_owned(), client.to_owned());
        self.read(move |transaction| {
            let consents = transaction.open_table(tables::CONSENTS)?;
            let found = bytes_at(&consents, (&*user, &*client))?;
            let record = found.map(|bytes| ConsentRecord::read(&bytes)).transpose()?;
            Ok(record.map_or_else(Vec::new, |record| record.consents))
        })
    }

    fn remember<'a>(&'a self, user: &'a str, client: &'a str, consent: Consent) -> Stored<'a, ()> {
        let (user, client) = (user.to_owned(), client.to_owned());
        self.write(move |tables| tables.remember(&user, &client, consent))
    }

    fn put_code(&self, code: Code) -> Stored<'_, ()> {
        self.write(move |tables| tables.put_code(code))
    }

    fn take_code(&self, hash: SecretHash, now_secs: u64) -> Stored<'_, TakenCode> {
        Box::pin(async move {
            // Anybody can make codes up, and each change waits for the disk: what is not there is found out by reading.
            let look = move |transaction: &ReadTransaction| {
                let codes = transaction.open_table(tables::CODES)?;
                Ok(codes.get(hash.as_bytes())?.is_some())
            };
            let is_there = self.read(look).await?;
            if !is_there {
                return Ok(TakenCode::Unknown);
            }
            self.write(move |tables| tables.take_code(hash, now_secs))
                .await
        })
    }

    fn open(&self, grant: Grant, refresh: Option<(SecretHash, u64)>) -> Stored<'_, ()> {
        self.write(move |tables| tables.begin(grant, refresh))
    }

    fn grant_of(&self, refresh: SecretHash, now_secs: u64) -> Stored<'_, Option<HeldGrant>> {
        self.read(move |transaction| {
            let hashes = transaction.open_table(tables::REFRESH)?;
            let grants = transaction.open_table(tables::GRANTS)?;
            grants::grant_of(&hashes, &grants, refresh, now_secs)
        })
    }

    fn rotate(
        &self,
        presented: SecretHash,
        next: (SecretHash, u64),
        provider_tokens: Option<Box<[u8]>>,
        now_secs: u64,
    ) -> Stored<'_, Rotation> {
        self.write(move |tables| tables.rotate(presented, next, provider_tokens, now_secs))
    }

    fn revoke(&self, grant: GrantId, now_secs: u64) -> Stored<'_, RevokedGrant> {
        self.write(move |tables| tables.revoke(grant, now_secs))
    }

    fn revoked(&self, now_secs: u64) -> Stored<'_, Vec<RevokedGrant>> {
        self.read(move |transaction| {
            grants::revoked(&transaction.open_table(tables::REVOKED)?, now_secs)
        })
    }

    fn keys(&self) -> Stored<'_, Vec<StoredKey>> {
        self.read(|transaction| {
            let keys = transaction.open_table(tables::KEYS)?;
            keys.iter()?
                .map(|entry| read_key(entry?.1.value()))
                .collect()
        })
    }

    fn put_keys(&self, keys: Vec<StoredKey>) -> Stored<'_, ()> {
        self.write(move |tables| {
            clear(&mut tables.keys)?;
            for (place, key) in (0..).zip(&keys) {
                tables.keys.insert(place, &*write_key(key))?;
            }
            Ok(())
        })
    }

    fn sweep(&self, now_secs: u64) -> Stored<'_, ()> {
        self.write(move |tables| tables.sweep(now_secs))
    }

    fn counts(&self) -> Stored<'_, Counts> {
        self.read(|transaction| {
            Ok(Counts {
                clients: transaction.open_table(tables::CLIENTS)?.len()?,
                grants: transaction.open_table(tables::GRANTS)?.len()?,
            })
        })
    }
}
