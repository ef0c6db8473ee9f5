//! What is shipped works as it is: every template and every example.

use std::fs;
use std::path::Path;

use mcp_guard::config::{Overrides, System, load};

use crate::harness::Folder;

/// The configurations in `folder` of the repository, by name.
fn configurations(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = files.filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml" || extension == "yaml")
    });
    files
        .map(|path| {
            (
                path.file_name().unwrap().to_str().unwrap().to_owned(),
                fs::read_to_string(&path).unwrap(),
            )
        })
        .collect()
}

#[test]
fn every_template_and_example_is_accepted_and_says_what_it_is_for() {
    for folder in ["templates", "examples"] {
        let files = configurations(folder);
        assert!(files.len() >= 2, "{folder} is empty");
        for (name, text) in files {
            assert!(
                text.starts_with("# "),
                "{folder}/{name} does not begin with a comment"
            );
            let here = Folder::new();
            here.write(&name, &text, 0o600);
            here.write_files_of(&text);
            let said = here.run(&["-c", &name, "validate"]).ok();
            assert!(
                said.ends_with("ok, 0 warnings\n"),
                "{folder}/{name}: {said}"
            );
        }
    }
}

#[test]
fn the_template_says_the_same_in_both_formats() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let [toml, yaml] = ["mcp-guard.toml", "mcp-guard.yaml"].map(|name| {
        let path = folder.join(name);
        let loaded = load(&path, &Overrides::default(), &System, 0).unwrap();
        let comments = fs::read_to_string(&path).unwrap();
        let comments = comments
            .lines()
            .filter(|line| line.trim_start().starts_with("# "))
            .count();
        (format!("{:?}", loaded.config), comments)
    });
    assert_eq!(toml, yaml);
}
