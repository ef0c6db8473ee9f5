//! Certificates in files, and configurations that name them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tempfile::TempDir;

use super::material::{Materials, load};
use crate::config::{Loaded, Refused};
use crate::control::testing::tls::{Authority, Leaf};
use crate::control::testing::{Paper, text};

/// A time at which certificates of these tests are good: 2028-01-01.
pub(super) const NOW_SECS: u64 = 1_830_297_600;

/// A folder of certificates.
pub(super) struct Folder(pub(super) TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file that its owner alone may read.
    pub(super) fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
        self.chmod(name, 0o600);
    }

    pub(super) fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Writes `NAME.crt` and `NAME.key`.
    pub(super) fn write_pair(&self, name: &str, leaf: &Leaf) {
        self.write(&format!("{name}.crt"), &leaf.chain);
        self.write(&format!("{name}.key"), &leaf.key);
    }

    /// A configuration whose `rest` names files of this folder as `@/NAME`.
    pub(super) fn loaded(&self, rest: &str) -> Loaded {
        let rest = rest.replace('@', &self.0.path().display().to_string());
        let source = Paper::new(&text("", &rest)).source();
        source
            .load()
            .unwrap_or_else(|refused| panic!("{:#?}", refused.diagnostics))
    }

    /// The material of such a configuration.
    pub(super) fn load(
        &self,
        rest: &str,
        before: &Materials,
    ) -> Result<(Loaded, Materials), Refused> {
        load(self.loaded(rest), before, NOW_SECS)
    }
}

/// A folder with `ca.crt`, and `own.crt` with `own.key` of it.
pub(super) fn folder() -> (Folder, Authority) {
    let (folder, ca) = (Folder::new(), Authority::new());
    folder.write("ca.crt", &ca.pem());
    folder.write_pair("own", &ca.leaf("gateway.example"));
    (folder, ca)
}

/// One plain upstream, which every configuration needs.
pub(super) const PLAIN: &str = "[upstream]\nurl = \"http://127.0.0.1:1/mcp\"\n";

/// `[server.tls]` with `own` and what else is written.
pub(super) fn listener(more: &str) -> String {
    format!("{PLAIN}[server.tls]\ncert_path = \"@/own.crt\"\nkey_path = \"@/own.key\"\n{more}\n")
}

/// An https upstream with what else is written.
pub(super) fn https(more: &str) -> String {
    format!("[upstream]\nurl = \"https://up.example/mcp\"\n{more}\n")
}
