//! What a configuration may ask of the world around it: environment variables and files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Largest file that is read, in bytes.
pub(super) const FILE_BYTES_MAX: usize = 16 << 20;

/// The environment and the files, real or made up by a test.
pub trait Surroundings {
    /// The value of the environment variable `name`.
    fn variable(&self, name: &str) -> Option<String>;

    /// The text of the file at `path`.
    ///
    /// # Errors
    /// A sentence for the operator, where it cannot be read, is too large or is not UTF-8.
    fn file(&self, path: &Path) -> Result<FileText, String>;

    /// Whether there is a file at `path`, whatever is in it.
    fn is_file(&self, path: &Path) -> bool;

    /// `path` as seen from the working directory of the process.
    fn absolute(&self, path: &Path) -> PathBuf;
}

/// A file as it was read.
#[derive(Clone)]
pub struct FileText {
    /// Its text, overwritten on drop: it may be, or hold, a secret.
    pub text: Zeroizing<String>,
    /// Its permission bits, where the system has them.
    pub mode: Option<u32>,
}

/// Surroundings that are written down: nothing of the real world is seen.
#[derive(Default)]
pub struct Fixed {
    /// Environment variables.
    pub variables: HashMap<String, String>,
    /// Files, with permission bits.
    pub files: HashMap<PathBuf, (String, u32)>,
    /// The working directory.
    pub working_folder: PathBuf,
}

impl Surroundings for Fixed {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn file(&self, path: &Path) -> Result<FileText, String> {
        let (text, mode) = self.files.get(path).ok_or("no such file")?;
        Ok(FileText {
            text: Zeroizing::new(text.clone()),
            mode: Some(*mode),
        })
    }

    fn is_file(&self, path: &Path) -> bool {
        self.files.contains_key(path)
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        self.working_folder.join(path)
    }
}
