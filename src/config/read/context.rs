//! What every reader shares: the surroundings, the time, and the list of what was found wrong.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use crate::config::problem::Problem;
use crate::config::surroundings::Surroundings;

/// One reading of one file.
pub(in crate::config) struct Context<'a> {
    /// Environment and files.
    pub(in crate::config) surroundings: &'a dyn Surroundings,
    /// Folder that relative paths start at.
    pub(in crate::config) folder: &'a Path,
    /// The time, in Unix seconds.
    pub(in crate::config) now_unix_secs: i64,
    /// Whether a secret is written in the file itself.
    pub(in crate::config) has_literal_secret: Cell<bool>,
    found: RefCell<Vec<(String, Problem)>>,
}

impl<'a> Context<'a> {
    /// Starts with nothing found.
    pub(in crate::config) fn new(
        surroundings: &'a dyn Surroundings,
        folder: &'a Path,
        now_unix_secs: i64,
    ) -> Self {
        Self {
            surroundings,
            folder,
            now_unix_secs,
            has_literal_secret: Cell::new(false),
            found: RefCell::default(),
        }
    }

    /// Notes `problem` at `key_path`.
    pub(in crate::config) fn report(&self, key_path: impl Into<String>, problem: Problem) {
        self.found.borrow_mut().push((key_path.into(), problem));
    }

    /// Everything that was found.
    pub(in crate::config) fn into_found(self) -> Vec<(String, Problem)> {
        self.found.into_inner()
    }

    /// `path` as seen from the folder of the file.
    pub(in crate::config) fn resolve(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }
}
