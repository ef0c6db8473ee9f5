//! Children for tests.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::engine::limits::MAX_CHILDREN_DEFAULT;
use crate::engine::snapshot::ChildCommand;

/// The MCP server of `tests/fixture/stdio_server.rs`, started with `flags`. Builds it where it is missing or old.
pub(in crate::control) fn stdio_server(flags: &[&str]) -> ChildCommand {
    let mut child = shell("");
    child.command = built().to_str().unwrap().into();
    child.args = flags.iter().map(|flag| (*flag).into()).collect();
    child
}

/// A shell that runs `script`.
pub(in crate::control) fn shell(script: &str) -> ChildCommand {
    ChildCommand {
        command: "/bin/sh".into(),
        args: vec!["-c".into(), script.into()],
        env: Vec::new(),
        cwd: None,
        instances: None,
        max_children: MAX_CHILDREN_DEFAULT,
        restarts: true,
    }
}

/// The fixture's program. `cargo test` builds examples unless it is told to test the library alone.
fn built() -> &'static PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        // …/debug/deps/mcp_guard-… → …/debug/examples/stdio_server
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
        let program = profile.join("examples").join("stdio_server");
        if !is_current(&program) {
            let built = Command::new(env!("CARGO"))
                .args(["build", "--quiet", "--example", "stdio_server"])
                .arg("--target-dir")
                .arg(profile.parent().unwrap())
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .status();
            assert!(
                built.is_ok_and(|status| status.success()),
                "the fixture does not build"
            );
        }
        program
    })
}

/// Whether `program` is there and no source of it is newer.
fn is_current(program: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture");
    let newest = std::fs::read_dir(sources)
        .unwrap()
        .filter_map(|entry| changed(&entry.ok()?.path()))
        .max();
    changed(program) >= newest
}
