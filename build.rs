//! Tells a release build which commit it is of, for `mcp-guard version`. Debug builds are not rebuilt for every commit.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=MCP_GUARD_COMMIT");
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if !is_release || std::env::var_os("MCP_GUARD_COMMIT").is_some() {
        return;
    }
    println!("cargo:rerun-if-changed=.git/logs/HEAD");
    // A source archive has no history; the version then says so.
    let output = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output();
    if let Ok(output) = output
        && output.status.success()
        && let Ok(commit) = String::from_utf8(output.stdout)
    {
        println!("cargo:rustc-env=MCP_GUARD_COMMIT={}", commit.trim());
    }
}
