//! Files are written whole or not at all: into a neighbour first, which then takes the place of the file.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;

/// Writes a file that does not exist yet.
pub(super) fn create(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::Exists {
            path: path.to_owned(),
        },
        _ => Failure::File {
            path: path.to_owned(),
            cause: error.to_string(),
        },
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .map_err(failed)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed)
}

/// Writes a file whether it exists or not, with permission bits `mode`.
pub(super) fn write_over(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let edit = Edit::open(path)?;
    edit.file
        .set_permissions(Permissions::from_mode(mode))
        .map_err(|error| edit.failed(&error))?;
    edit.commit(text)
}

/// An edit of a file. Its neighbour exists while the edit is under way, so that there is one at a time; it goes when the edit
/// is given up.
pub(super) struct Edit {
    path: PathBuf,
    marker: PathBuf,
    file: File,
    done: bool,
}

impl Edit {
    /// Begins to edit the file at `path`, which must exist: its mode and its owner stay.
    pub(super) fn begin(path: &Path) -> Result<Self, Failure> {
        let cause = |error: io::Error| Failure::File {
            path: path.to_owned(),
            cause: error.to_string(),
        };
        // A symbolic link stays one.
        let path = fs::canonicalize(path).map_err(cause)?;
        let metadata = fs::metadata(&path).map_err(cause)?;
        let edit = Self::open(&path)?;
        let kept = edit.file.metadata().and_then(|own| {
            if (own.uid(), own.gid()) != (metadata.uid(), metadata.gid()) {
                fchown(&edit.file, Some(metadata.uid()), Some(metadata.gid()))?;
            }
            edit.file
                .set_permissions(Permissions::from_mode(metadata.mode() & 0o7777))
        });
        kept.map_err(|error| edit.failed(&error))?;
        Ok(edit)
    }

    fn open(path: &Path) -> Result<Self, Failure> {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let marker = path.with_file_name(format!(".{name}.edit"));
        let opened = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&marker);
        match opened {
            Ok(file) => Ok(Self {
                path: path.to_owned(),
                marker,
                file,
                done: false,
            }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(Failure::BeingEdited { marker })
            }
            Err(error) => Err(Failure::File {
                path: marker,
                cause: error.to_string(),
            }),
        }
    }

    /// Puts `text` in the place of the file.
    pub(super) fn commit(mut self, text: &str) -> Result<(), Failure> {
        let written = self
            .file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_all());
        let renamed = written.and_then(|()| fs::rename(&self.marker, &self.path));
        renamed.map_err(|error| self.failed(&error))?;
        self.done = true;
        // The new name survives a power cut only once its folder is on disk; where that fails, the file is whole anyway.
        let folder = self
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
        Ok(())
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::File {
            path: self.path.clone(),
            cause: error.to_string(),
        }
    }
}

impl Drop for Edit {
    fn drop(&mut self) {
        if !self.done {
            let _ = fs::remove_file(&self.marker);
        }
    }
}
