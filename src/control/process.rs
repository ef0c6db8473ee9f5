//! What the process asks of the kernel for itself, once, at the start.

use std::sync::OnceLock;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Raises the soft limit of open files to the hard limit, and keeps keys out of core dumps and away from debuggers of the
/// same user. What the kernel refuses is logged and does not stop the start.
pub fn harden() {
    raise_open_files();
    let no_core = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, no_core) {
        tracing::warn!(%error, "core dumps cannot be switched off");
    }
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "the process stays readable by debuggers of the same user");
    }
}

/// How many files may be open; `None` is no limit.
#[must_use]
pub fn open_files_max() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// How many files might be open before [`harden`] raised the limit: what children get. `None`: nothing was raised.
#[must_use]
pub(super) fn open_files_before() -> Option<u64> {
    OPEN_FILES_BEFORE.get().copied().flatten()
}

static OPEN_FILES_BEFORE: OnceLock<Option<u64>> = OnceLock::new();

fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    OPEN_FILES_BEFORE.get_or_init(|| limit.current);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, open_files_max = limit.current, "the limit of open files stays as it is");
    }
}
