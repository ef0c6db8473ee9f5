//! Seals what is secret in the store: tokens of providers, and the keys that the gateway signs with.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::config::Secret;
use crate::engine::oauth::GrantId;
use crate::engine::seal::{Purpose, Sealer};

/// Bytes of the secret in a key file.
const SECRET_BYTES: usize = 32;

/// Permission bits that let others than the owner at a file.
pub(super) const OTHERS: u32 = 0o077;

/// Seals under one secret. `Debug` shows nothing of it.
#[derive(Clone, Debug)]
pub(in crate::control) struct Vault(Sealer);

/// Why something is not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control) enum VaultError {
    /// The system has no random bytes.
    NoRandom,
    /// It was sealed with another secret, for something else, or has been altered.
    Foreign,
}

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRandom => "the system has no random bytes",
            Self::Foreign => "what was sealed does not open (auth.oauth.store_key)",
        })
    }
}

impl std::error::Error for VaultError {}

impl Vault {
    /// The vault under `secret`.
    pub(in crate::control) fn new(secret: &[u8]) -> Self {
        Self(Sealer::new(secret))
    }

    /// The vault under `store_key`, or under the secret in the file beside the store at `store_path`, which is made where there
    /// is none. To be called with the store locked, so that nobody else makes one at the same time.
    pub(super) fn beside(
        store_path: &Path,
        store_key: Option<&Secret>,
    ) -> Result<Self, KeyFileError> {
        if let Some(secret) = store_key {
            return Ok(Self::new(secret.expose().as_bytes()));
        }
        let path = key_path(store_path);
        let secret = match read_secret(&path) {
            Err(KeyFileError::Io(_, error)) if error.kind() == io::ErrorKind::NotFound => {
                make_secret(&path)?
            }
            read => read?,
        };
        Ok(Self::new(&secret))
    }

    /// Seals the provider's tokens of `grant`.
    pub(in crate::control) fn seal_tokens(
        &self,
        grant: GrantId,
        tokens: &[u8],
    ) -> Result<Box<[u8]>, VaultError> {
        self.seal(Purpose::ProviderTokens, &grant.0, tokens)
    }

    /// Opens the provider's tokens of `grant`.
    pub(in crate::control) fn open_tokens(
        &self,
        grant: GrantId,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.open(Purpose::ProviderTokens, &grant.0, sealed)
    }

    /// Seals the signing key called `id`.
    pub(in crate::control) fn seal_key(
        &self,
        id: &str,
        key: &[u8],
    ) -> Result<Box<[u8]>, VaultError> {
        self.seal(Purpose::SigningKey, id.as_bytes(), key)
    }

    /// Opens the signing key called `id`.
    pub(in crate::control) fn open_key(
        &self,
        id: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.open(Purpose::SigningKey, id.as_bytes(), sealed)
    }

    /// What seals under the same secret what browsers keep.
    pub(in crate::control) const fn sealer(&self) -> &Sealer {
        &self.0
    }

    /// A text by which a vault under the same secret is known again.
    pub(super) fn mark(&self) -> Result<Box<[u8]>, VaultError> {
        self.seal(Purpose::StoreMark, b"", b"")
    }

    /// Whether `mark` was made under the same secret.
    pub(super) fn knows(&self, mark: &[u8]) -> bool {
        self.open(Purpose::StoreMark, b"", mark).is_ok()
    }

    fn seal(&self, purpose: Purpose, of: &[u8], content: &[u8]) -> Result<Box<[u8]>, VaultError> {
        let sealed = self.0.seal(purpose, &[of], u64::MAX, content);
        let text = sealed.map_err(|_| VaultError::NoRandom)?;
        Ok(text.into_bytes().into())
    }

    fn open(
        &self,
        purpose: Purpose,
        of: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let opened = self.0.open(purpose, &[of], 0, sealed);
        opened.map(Zeroizing::new).map_err(|_| VaultError::Foreign)
    }
}

/// Why there is no secret in a key file.
#[derive(Debug)]
pub(super) enum KeyFileError {
    /// It cannot be read, made or written.
    Io(PathBuf, io::Error),
    /// Others than its owner may read it; its permission bits.
    Exposed(PathBuf, u32),
    /// It is not as long as a secret is.
    Length(PathBuf, usize),
}

/// The file beside the store at `store_path`.
fn key_path(store_path: &Path) -> PathBuf {
    let mut path = store_path.as_os_str().to_owned();
    path.push(".key");
    path.into()
}

fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let fails = |error| KeyFileError::Io(path.to_owned(), error);
    // Opening a pipe would wait for somebody who writes to it.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(fails)?;
    let mode = file.metadata().map_err(fails)?.mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(KeyFileError::Exposed(path.to_owned(), mode));
    }
    let mut secret = Zeroizing::new(Vec::with_capacity(SECRET_BYTES + 1));
    let mut bounded = file.take(SECRET_BYTES as u64 + 1);
    bounded.read_to_end(&mut secret).map_err(fails)?;
    if secret.len() == SECRET_BYTES {
        Ok(secret)
    } else {
        Err(KeyFileError::Length(path.to_owned(), secret.len()))
    }
}

/// Written under another name first, so that a crash leaves no half of a secret under this one.
fn make_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let fails = |error| KeyFileError::Io(path.to_owned(), error);
    let mut secret = Zeroizing::new(vec![0; SECRET_BYTES]);
    getrandom::fill(&mut secret).map_err(|_| fails(io::Error::other("no random bytes")))?;
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    let write = || {
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(&secret)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        sync_parent(path)
    };
    write().map_err(fails)?;
    Ok(secret)
}

/// Makes a new name in a folder survive a crash.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
