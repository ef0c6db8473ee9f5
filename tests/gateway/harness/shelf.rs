//! Files of certificates that a gateway reads, and that a test replaces.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::pki::Identity;

/// A folder of files; gone when dropped.
pub(crate) struct Shelf(TempDir);

impl Shelf {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a file with `text` there, readable by its owner, in the place of what had the name in one step.
    pub(crate) fn put(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let (path, next) = (self.path(name), self.path(&format!("{name}.next")));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&next, text).unwrap();
        std::fs::set_permissions(&next, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::rename(&next, &path).unwrap();
        path
    }

    /// Puts `NAME.crt` and `NAME.key` there.
    pub(crate) fn put_identity(&self, name: &str, identity: &Identity) -> (PathBuf, PathBuf) {
        // The key first: whoever looks in between sees two that do not fit, which may never be put in force.
        let key = self.put(&format!("{name}.key"), &identity.key_pem());
        (self.put(&format!("{name}.crt"), &identity.chain_pem()), key)
    }

    /// Makes `name` a symbolic link to `target`, in the place of what had the name in one step.
    pub(crate) fn link(&self, name: &str, target: impl AsRef<Path>) -> PathBuf {
        let (path, next) = (self.path(name), self.path(&format!("{name}.next")));
        std::os::unix::fs::symlink(target, &next).unwrap();
        std::fs::rename(&next, &path).unwrap();
        path
    }
}
