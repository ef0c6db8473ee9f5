//! `CHANGELOG.md` tells of this version, or of the next.

use crate::files;

#[test]
fn the_changelog_tells_of_this_version_or_the_next() {
    let text = files::text("CHANGELOG.md");
    let first = text.lines().find(|line| line.starts_with("## ")).unwrap();
    let version = format!("## [{}]", env!("CARGO_PKG_VERSION"));
    assert!(
        first == "## [Unreleased]" || first.starts_with(&version),
        "{first}"
    );
    let body = text.split_once(first).unwrap().1;
    assert!(
        body.lines().any(|line| line.starts_with("- ")),
        "{first} is empty"
    );
}
