//! Where the configuration comes from, each time it is asked for.

use std::path::{Path, PathBuf};

use crate::config::{self, Loaded, Overrides, Refused, Surroundings, System};

/// A configuration file with what the command line overrides.
pub struct Source {
    path: PathBuf,
    overrides: Overrides,
    surroundings: Box<dyn Surroundings + Send + Sync>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Source {
    /// The file at `path`.
    #[must_use]
    pub fn file(path: &Path, overrides: Overrides) -> Self {
        Self::within(path, overrides, Box::new(System))
    }

    /// A file in `surroundings` that need not be real.
    #[must_use]
    pub fn within(
        path: &Path,
        overrides: Overrides,
        surroundings: Box<dyn Surroundings + Send + Sync>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            overrides,
            surroundings,
        }
    }

    /// Reads and checks the file as it is now.
    pub fn load(&self) -> Result<Loaded, Refused> {
        let now_unix_secs = jiff::Timestamp::now().as_second();
        config::load(
            &self.path,
            &self.overrides,
            &*self.surroundings,
            now_unix_secs,
        )
    }

    /// Path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}
