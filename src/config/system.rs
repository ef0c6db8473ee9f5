//! The real surroundings: the process environment and the file system. The only file of the configuration that touches them.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::config::surroundings::{FILE_BYTES_MAX, FileText, Surroundings};

/// The environment and the files of this process.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Surroundings for System {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &Path) -> Result<FileText, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let metadata = file.metadata().map_err(|error| error.to_string())?;
        let mut bytes = Zeroizing::new(Vec::new());
        let read = file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|error| error.to_string())?;
        if bytes.len() > FILE_BYTES_MAX {
            return Err(format!("larger than {FILE_BYTES_MAX} bytes"));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| "not UTF-8".to_owned())?;
        Ok(FileText {
            text: Zeroizing::new(text.to_owned()),
            mode: permission_bits(&metadata),
        })
    }

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
    }
}

#[cfg(unix)]
fn permission_bits(metadata: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn permission_bits(_: &Metadata) -> Option<u32> {
    None
}
