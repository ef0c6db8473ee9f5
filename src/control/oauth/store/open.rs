//! Opens the file: judges its permissions, locks it, repairs it after a crash, and finds the vault that belongs to it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Database, DatabaseError, ReadableTable as _, StorageBackend};

use super::StoreError;
use super::tables::Tables;
use super::vault::{KeyFileError, OTHERS, Vault, VaultError, sync_parent};
use crate::config::Secret;

/// What this version writes. Another one is refused: it may mean something else.
const FORMAT: &[u8] = b"1";

/// Memory for pages of the file, in bytes.
const CACHE_BYTES: usize = 2 * 1_024 * 1_024;

/// Why the store cannot be used. Each ends with what to do.
#[derive(Debug)]
pub(in crate::control) enum OpenStoreError {
    /// A file cannot be opened, made or written.
    Io(PathBuf, io::Error),
    /// Others than its owner may read a file; its permission bits.
    Exposed(PathBuf, u32),
    /// It is not a file.
    NotAFile(PathBuf),
    /// Another process has it.
    Locked(PathBuf),
    /// Its content is damaged beyond repair, or of something else.
    Damaged(PathBuf, String),
    /// Another version of the gateway wrote it.
    OtherFormat(PathBuf),
    /// What is in it was sealed with another secret.
    OtherKey(PathBuf),
    /// The file with the secret is not as long as a secret is.
    KeyLength(PathBuf, usize),
    /// The system has no random bytes.
    NoRandom,
}

impl fmt::Display for OpenStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => write!(
                f,
                "{} cannot be used: {error}; its folder must exist and be writable (auth.oauth.store_path)",
                path.display()
            ),
            Self::Exposed(path, mode) => write!(
                f,
                "{} has mode {mode:04o}; others may read secrets of it: chmod 600 {0}",
                path.display()
            ),
            Self::NotAFile(path) => {
                write!(
                    f,
                    "{} is not a file; set auth.oauth.store_path to one",
                    path.display()
                )
            }
            Self::Locked(path) => write!(
                f,
                "another gateway uses the store {}; stop it, or set another auth.oauth.store_path",
                path.display()
            ),
            Self::Damaged(path, why) => write!(
                f,
                "{} is no store, or damaged: {why}; restore it from a backup, or move it away: users log in again then",
                path.display()
            ),
            Self::OtherFormat(path) => write!(
                f,
                "{} was written by another version; run that one, or move the file away: users log in again then",
                path.display()
            ),
            Self::OtherKey(path) => write!(
                f,
                "{} was sealed with another secret; restore auth.oauth.store_key or the file {0}.key, or move the store away: users log in again then",
                path.display()
            ),
            Self::KeyLength(path, bytes) => write!(
                f,
                "{} is {bytes} bytes; a secret has 32: restore it, or move it and the store away: users log in again then",
                path.display()
            ),
            Self::NoRandom => {
                f.write_str("the system has no random bytes; see whether getrandom is allowed")
            }
        }
    }
}

impl std::error::Error for OpenStoreError {}

/// Opens the file at `path`, or makes it, and the vault that belongs to it. Blocks.
pub(super) fn open(
    path: &Path,
    store_key: Option<&Secret>,
) -> Result<(Database, Vault), OpenStoreError> {
    let file = open_file(path)?;
    let backend = FileBackend::new(file).map_err(|error| fault(path, error))?;
    let database = database(path, backend)?;
    let vault = Vault::beside(path, store_key)?;
    prepare(path, &database, &vault)?;
    Ok((database, vault))
}

/// Opens the file at `path` again, which `vault` belongs to. Blocks. Errors: also where it is gone: one that is empty would be taken
/// for what was there.
pub(super) fn open_again(path: &Path, vault: &Vault) -> Result<Database, OpenStoreError> {
    let fails = |error| OpenStoreError::Io(path.to_owned(), error);
    std::fs::metadata(path).map_err(fails)?;
    let backend = FileBackend::new(open_file(path)?).map_err(|error| fault(path, error))?;
    let database = database(path, backend)?;
    prepare(path, &database, vault)?;
    Ok(database)
}

/// A database in `backend`, repaired where that is needed.
pub(super) fn database(
    path: &Path,
    backend: impl StorageBackend,
) -> Result<Database, OpenStoreError> {
    let open = || {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES);
        // The whole file is read, so that what was altered since shows now, and not as a panic later.
        builder.set_check_integrity_on_open(true);
        builder.create_with_backend(backend)
    };
    // The library promises errors; a file that somebody bent is where such promises end.
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(Ok(database)) => Ok(database),
        Ok(Err(error)) => Err(fault(path, error)),
        Err(_) => Err(OpenStoreError::Damaged(
            path.to_owned(),
            "it cannot be read".into(),
        )),
    }
}

/// Makes what a new file lacks, and looks whether an old one is of this version and vault.
pub(super) fn prepare(
    path: &Path,
    database: &Database,
    vault: &Vault,
) -> Result<(), OpenStoreError> {
    let checked = catch_unwind(AssertUnwindSafe(|| prepare_in(database, vault)));
    let cannot = |why: String| OpenStoreError::Damaged(path.to_owned(), why);
    match checked {
        Ok(Ok(Marks::Good)) => Ok(()),
        Ok(Ok(Marks::OtherFormat)) => Err(OpenStoreError::OtherFormat(path.to_owned())),
        Ok(Ok(Marks::OtherKey)) => Err(OpenStoreError::OtherKey(path.to_owned())),
        Ok(Ok(Marks::NoRandom)) => Err(OpenStoreError::NoRandom),
        Ok(Err(error)) => Err(cannot(error.to_string())),
        Err(_) => Err(cannot("it cannot be read".into())),
    }
}

/// What the marks in a file say of it.
enum Marks {
    Good,
    OtherFormat,
    OtherKey,
    NoRandom,
}

fn prepare_in(database: &Database, vault: &Vault) -> Result<Marks, StoreError> {
    let transaction = database.begin_write()?;
    let marks = {
        let mut tables = Tables::open(&transaction)?;
        let format = tables
            .meta
            .get("format")?
            .map(|found| found.value() == FORMAT);
        let mark = tables.meta.get("mark")?.map(|found| found.value().to_vec());
        match (format, mark) {
            (Some(false), _) => Marks::OtherFormat,
            (Some(true), Some(mark)) if vault.knows(&mark) => Marks::Good,
            (Some(true), _) => Marks::OtherKey,
            (None, _) => match vault.mark() {
                Ok(mark) => {
                    tables.meta.insert("format", FORMAT)?;
                    tables.meta.insert("mark", &*mark)?;
                    Marks::Good
                }
                Err(VaultError::NoRandom | VaultError::Foreign) => Marks::NoRandom,
            },
        }
    };
    match marks {
        Marks::Good => transaction.commit()?,
        _ => transaction.abort()?,
    }
    Ok(marks)
}

fn open_file(path: &Path) -> Result<File, OpenStoreError> {
    let fails = |error| OpenStoreError::Io(path.to_owned(), error);
    let is_new = !path.exists();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        // Opening a pipe would wait for its other end.
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(fails)?;
    let metadata = file.metadata().map_err(fails)?;
    if !metadata.is_file() {
        return Err(OpenStoreError::NotAFile(path.to_owned()));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(OpenStoreError::Exposed(path.to_owned(), mode));
    }
    if is_new {
        sync_parent(path).map_err(fails)?;
    }
    Ok(file)
}

fn fault(path: &Path, error: DatabaseError) -> OpenStoreError {
    let path = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenStoreError::Locked(path),
        DatabaseError::UpgradeRequired(_) => OpenStoreError::OtherFormat(path),
        DatabaseError::Storage(redb::StorageError::Io(error))
            if error.kind() != io::ErrorKind::InvalidData =>
        {
            OpenStoreError::Io(path, error)
        }
        error => OpenStoreError::Damaged(path, error.to_string()),
    }
}

impl From<KeyFileError> for OpenStoreError {
    fn from(error: KeyFileError) -> Self {
        match error {
            KeyFileError::Io(path, error) => Self::Io(path, error),
            KeyFileError::Exposed(path, mode) => Self::Exposed(path, mode),
            KeyFileError::Length(path, bytes) => Self::KeyLength(path, bytes),
        }
    }
}
