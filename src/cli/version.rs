//! `version`: what this binary is, and what the kernel offers it.

use guard_io::{KernelAbilities, RungProbe, probe};
use serde_json::{Value, json};

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
const FEATURES: [&str; 9] = [
    "http-upstream",
    "unix-upstream",
    "stdio-upstream",
    "sse-upstream",
    "tls",
    "api-keys",
    "jwt",
    "mtls",
    "oauth",
];

pub(super) fn run(args: &VersionArgs) -> Answer {
    let kernel = probe();
    if args.json {
        Answer::json(&as_json(&kernel))
    } else {
        Answer::text(as_text(&kernel))
    }
}

fn as_text(kernel: &KernelAbilities) -> String {
    format!(
        "mcp-guard {VERSION} (commit {COMMIT})\nfeatures: {}\nkernel: {kernel}\n",
        FEATURES.join(", ")
    )
}

fn as_json(kernel: &KernelAbilities) -> Value {
    let rung = |probe: &RungProbe| {
        let refusal = probe.refusal.as_ref().map(ToString::to_string);
        json!({ "io": probe.rung.to_string(), "available": refusal.is_none(), "refusal": refusal })
    };
    json!({
        "version": VERSION,
        "commit": COMMIT,
        "features": FEATURES,
        "target": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        "kernel": {
            "release": kernel.release,
            "io": kernel.best().to_string(),
            "probed": kernel.rungs.iter().map(rung).collect::<Vec<_>>(),
        },
    })
}
