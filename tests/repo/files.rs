//! The files of the repository.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file that is tracked or about to be, by its path from the top. Build output and what is ignored is not among them.
pub(crate) fn all() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(listed.status.success(), "this test needs a git checkout");
    let text = String::from_utf8(listed.stdout).unwrap();
    let files: Vec<String> = text
        .lines()
        .filter(|file| root().join(file).is_file())
        .map(str::to_owned)
        .collect();
    assert!(files.len() > 100, "the list is suspiciously short");
    files
}

/// The files whose name ends with `extension`, dot included.
pub(crate) fn ending(extension: &str) -> Vec<String> {
    let mut files = all();
    files.retain(|file| file.ends_with(extension));
    files
}

/// The text of `file`.
pub(crate) fn text(file: impl AsRef<Path>) -> String {
    let path = root().join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands between back-ticks in `text`, outside fenced blocks.
pub(crate) fn quoted(text: &str) -> Vec<&str> {
    prose(text)
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect()
}

/// The lines of a document without its fenced blocks.
pub(crate) fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// The cells of a row of a table, trimmed.
pub(crate) fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.strip_prefix('|')?.strip_suffix('|')?;
    Some(row.split('|').map(str::trim).collect())
}
