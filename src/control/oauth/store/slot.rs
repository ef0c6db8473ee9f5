//! The open database, and its way back once the disk has failed.
//!
//! The library does nothing more with a file after reading or writing it failed, were it for a moment in which the disk was full:
//! what is on the disk is whole, what is in memory may not be. So the file is closed, and opened again as after a crash.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redb::Database;

use super::{OpenStoreError, StoreError, Vault, open};
use crate::engine::limits::OAUTH_STORE_PAUSE_MS;

const PAUSE: Duration = Duration::from_millis(OAUTH_STORE_PAUSE_MS);

/// The database, while it can be used.
pub(super) struct Slot {
    /// `None`: it could not be opened again yet.
    database: RwLock<Option<Database>>,
    /// Its file and what belongs to it; `None`: it is in memory.
    place: Option<(PathBuf, Vault)>,
    health: Mutex<Health>,
}

struct Health {
    has_failed: bool,
    /// When it may be opened again.
    not_before: Instant,
}

impl Slot {
    /// `database`, which is the file at `place` and what belongs to it.
    pub(super) fn new(database: Database, place: Option<(PathBuf, Vault)>) -> Self {
        let health = Health {
            has_failed: false,
            not_before: Instant::now(),
        };
        Self {
            database: RwLock::new(Some(database)),
            place,
            health: Mutex::new(health),
        }
    }

    /// Does `work`, with the file opened again before where something failed earlier. A panic of the library is an error of the
    /// store. Blocks.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.is_to_be_opened() {
            self.open_again();
        }
        let done = catch_unwind(AssertUnwindSafe(|| self.try_with(work)));
        let broken = || StoreError::Broken("its file cannot be read".into());
        let done = done.unwrap_or_else(|_| Err(broken()));
        if matches!(done, Err(StoreError::Broken(_))) {
            self.health().has_failed = true;
        }
        done
    }

    fn try_with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let closed = || StoreError::Broken("its file could not be opened again".into());
        work(database.as_ref().ok_or_else(closed)?)
    }

    /// Whether whoever asks is the one to open it.
    fn is_to_be_opened(&self) -> bool {
        let (mut health, now) = (self.health(), Instant::now());
        let is_due = self.place.is_some() && health.has_failed && now >= health.not_before;
        if is_due {
            health.not_before = now + PAUSE;
        }
        is_due
    }

    /// Waits until nobody uses it any more. It is closed first, since whoever has it open has it locked.
    fn open_again(&self) {
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // A database that failed may fail to close; that it is gone is all that counts.
        let closed = catch_unwind(AssertUnwindSafe(|| *database = None));
        let Ok(()) = closed else { return };
        match self.opened() {
            Ok(again) => {
                *database = Some(again);
                self.health().has_failed = false;
                tracing::warn!(
                    "the OAuth store was opened again, after reading or writing it had failed"
                );
            }
            Err(error) => tracing::error!(%error, "the OAuth store cannot be opened again"),
        }
    }

    fn opened(&self) -> Result<Database, OpenStoreError> {
        let Some((path, vault)) = &self.place else {
            return Err(OpenStoreError::NotAFile(PathBuf::new()));
        };
        open::open_again(path, vault)
    }

    /// No code that can panic runs under this lock.
    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use redb::ReadableDatabase as _;

    use super::{PAUSE, Slot};
    use crate::control::oauth::store::{StoreError, open};

    #[test]
    fn a_store_that_failed_is_opened_again_and_not_all_the_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let (database, vault) = open::open(&path, None).unwrap();
        let slot = Slot::new(database, Some((path.clone(), vault)));
        let fail = || slot.with(|_| Err::<(), _>(StoreError::Broken("disk full".into())));
        let good = || slot.with(|database| Ok(database.begin_read().map(drop)?));
        good().unwrap();
        fail().unwrap_err();
        assert!(slot.is_to_be_opened());
        assert!(!slot.is_to_be_opened(), "another one does");
        std::thread::sleep(PAUSE);
        good().unwrap();
        assert!(!slot.is_to_be_opened(), "it is good again");
        assert!(
            slot.with(|_| -> Result<(), _> { panic!("a library does") })
                .is_err()
        );
        // Without its file nothing is made up in its place.
        std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
        std::thread::sleep(PAUSE);
        good().unwrap_err();
        assert!(!path.exists());
        std::fs::rename(folder.path().join("elsewhere"), &path).unwrap();
        std::thread::sleep(PAUSE);
        good().unwrap();
    }
}
