//! What is shipped works as its documents say.

use std::path::Path;

use mcp_guard::config::{Fixed, Overrides, load};

use crate::files;

/// The first fenced block of `language` in `text`.
fn block<'a>(text: &'a str, language: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

/// The errors and warnings of a configuration.
fn diagnostics(name: &str, text: String) -> (bool, Vec<String>) {
    let mut surroundings = Fixed::default();
    surroundings.files.insert(name.into(), (text, 0o600));
    let loaded = load(
        Path::new(name),
        &Overrides::default(),
        &surroundings,
        1_800_000_000,
    );
    let (is_sound, found) = match loaded {
        Ok(loaded) => (true, loaded.warnings),
        Err(refused) => (false, refused.diagnostics),
    };
    (is_sound, found.iter().map(ToString::to_string).collect())
}

#[test]
fn the_configuration_of_the_readme_is_accepted() {
    const PLACEHOLDER: &str = "<printed by mcp-guard keygen>";
    let readme = files::text("README.md");
    let example = block(&readme, "toml");
    assert!(example.contains(PLACEHOLDER), "{example}");
    let key_hash = format!("{}E=", "A".repeat(42));
    let (is_sound, found) = diagnostics("mcp-guard.toml", example.replace(PLACEHOLDER, &key_hash));
    assert!(is_sound, "{found:#?}");
    assert!(found.is_empty(), "{found:#?}");
    let (is_sound, _) = diagnostics("mcp-guard.toml", example.to_owned());
    assert!(!is_sound, "the placeholder itself must not be a key");
}

#[test]
fn every_template_and_example_is_told_of() {
    let documents = ["README.md", "docs/configuration.md", "docs/operations.md"];
    let told: String = documents.iter().map(files::text).collect();
    let missing: Vec<_> = files::all()
        .into_iter()
        .filter(|file| file.starts_with("templates/") || file.starts_with("examples/"))
        .filter(|file| !told.contains(file.as_str()))
        .collect();
    assert!(missing.is_empty(), "no document names {missing:#?}");
}

#[test]
fn every_target_that_a_document_runs_is_in_the_makefile() {
    let makefile = files::text("Makefile");
    for document in ["README.md", "CONTRIBUTING.md"] {
        let text = files::text(document);
        for line in text.lines().filter_map(|line| line.strip_prefix("$ make ")) {
            let target = line.split_whitespace().next().unwrap();
            assert!(
                makefile.contains(&format!("\n{target}:")),
                "{document}: make {target}"
            );
        }
    }
}
