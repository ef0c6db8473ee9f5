//! `version`: what this binary is, and what the kernel offers it.

use serde_json::json;

use crate::cli::answer::Answer;
use crate::cli::args::VersionArgs;

/// The version of the package.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that was built, where the build was told.
const COMMIT: &str = match option_env!("MCP_GUARD_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// What this build has.
const FEATURES: [&str; 3] = ["http-upstream", "unix-upstream", "api-keys"];

/// What the kernel offers to the event loop.
struct Kernel {
    release: String,
    io: String,
}

impl Kernel {
    fn probe() -> Self {
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            release: release.trim().to_owned(),
            io: "io_uring not probed".to_owned(),
        }
    }
}

pub(super) fn run(args: &VersionArgs) -> Answer {
    let kernel = Kernel::probe();
    if args.json {
        return Answer::json(&json!({
            "version": VERSION,
            "commit": COMMIT,
            "features": FEATURES,
            "target": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            "kernel": { "release": kernel.release, "io": kernel.io },
        }));
    }
    Answer::text(format!(
        "mcp-guard {VERSION} (commit {COMMIT})\nfeatures: {}\nkernel: {}, {}\n",
        FEATURES.join(", "),
        kernel.release,
        kernel.io
    ))
}
