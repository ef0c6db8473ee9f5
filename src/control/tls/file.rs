//! One file: read whole and bounded, and recognized when it has changed.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::config::TlsProblem;
use crate::engine::limits::TLS_FILE_BYTES_MAX;

/// What a path led to at some moment. Links are followed, so swapping one (as Kubernetes does for mounted secrets) shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    /// Moves with permissions and with a `cp -p` over the file as well.
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// What several paths led to at some moment; `None` for a path that led nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamps(Vec<(PathBuf, Option<Stamp>)>);

impl Stamps {
    /// Looks at each of `paths`.
    pub(super) fn of<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Self {
        let look = |path: &Path| {
            let stamp = path.metadata().ok().map(|found| Stamp::of(&found));
            (path.to_owned(), stamp)
        };
        Self(paths.into_iter().map(look).collect())
    }

    /// Looks at the same paths again.
    pub(super) fn now(&self) -> Self {
        Self::of(self.0.iter().map(|(path, _)| path.as_path()))
    }

    /// Whether there is no path.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn extend(&mut self, others: &Self) {
        self.0.extend_from_slice(&others.0);
    }
}

/// A file as it was read.
pub(super) struct Content {
    /// Overwritten on drop: it may be a key.
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// Permission bits.
    pub(super) mode: u32,
}

/// Reads the file at `path`. Errors: it cannot be read, is no file, or is larger than [`TLS_FILE_BYTES_MAX`].
pub(super) fn read(path: &Path) -> Result<Content, TlsProblem> {
    let unreadable = |error: io::Error| TlsProblem::Unreadable {
        path: path.display().to_string(),
        cause: error.to_string(),
    };
    let file = open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(unreadable(io::Error::other("it is no file")));
    }
    let announced = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    // Room for one byte more, so that reading need not move what was read and leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(announced.min(TLS_FILE_BYTES_MAX) + 1));
    file.take(TLS_FILE_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() > TLS_FILE_BYTES_MAX {
        return Err(TlsProblem::TooLarge {
            path: path.display().to_string(),
            bytes_max: TLS_FILE_BYTES_MAX,
        });
    }
    Ok(Content {
        bytes,
        mode: metadata.mode() & 0o7777,
    })
}

/// Opening a pipe would wait for somebody who writes to it, for ever.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::fs;
    use std::os::unix::fs::symlink;

    use super::{Stamps, read};
    use crate::config::TlsProblem;
    use crate::engine::limits::TLS_FILE_BYTES_MAX;

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, vec![b'x'; TLS_FILE_BYTES_MAX]).unwrap();
        assert_eq!(read(&path).unwrap().bytes.len(), TLS_FILE_BYTES_MAX);
        fs::write(&path, vec![b'x'; TLS_FILE_BYTES_MAX + 1]).unwrap();
        assert!(matches!(read(&path), Err(TlsProblem::TooLarge { .. })));
    }

    #[test]
    fn what_is_no_file_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        for path in [folder.path(), &pipe, &folder.path().join("absent")] {
            assert!(matches!(read(path), Err(TlsProblem::Unreadable { .. })));
        }
    }

    #[test]
    fn a_change_behind_a_link_shows() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for generation in ["one", "two"] {
            fs::create_dir(at(generation)).unwrap();
            fs::write(at(generation).join("tls.crt"), b"same length").unwrap();
        }
        symlink(at("one"), at("data")).unwrap();
        symlink(at("data").join("tls.crt"), at("tls.crt")).unwrap();
        let before = Stamps::of([at("tls.crt").as_path()]);
        assert_eq!(before.now(), before);
        symlink(at("two"), at("data.new")).unwrap();
        fs::rename(at("data.new"), at("data")).unwrap();
        let swapped = before.now();
        assert_ne!(swapped, before);
        fs::remove_file(at("tls.crt")).unwrap();
        assert_ne!(swapped.now(), swapped);
    }
}
