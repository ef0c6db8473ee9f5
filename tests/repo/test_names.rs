//! The tests that `docs/threat-model.md` names exist.

use std::collections::BTreeSet;

use crate::files;

/// The module path of a source file, as `cargo test -- --list` writes it.
fn module(file: &str) -> Option<String> {
    let roots = [
        "src/",
        "io/src/",
        "perf/src/",
        "tests/gateway/",
        "tests/cli/",
        "tests/repo/",
    ];
    let inside = roots.iter().find_map(|root| file.strip_prefix(root))?;
    let path = inside.strip_suffix(".rs")?;
    let path = path.strip_suffix("/mod").unwrap_or(path);
    Some(match path {
        "lib" | "main" => String::new(),
        _ => format!("{}::", path.replace('/', "::")),
    })
}

/// The names of the tests in `text`, which is the module `module`.
fn names_in(module: &str, text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut inline = "";
    let mut is_test = false;
    for line in text.lines() {
        if line.starts_with("mod tests {") {
            inline = "tests::";
        }
        let line = line.trim_start();
        is_test |= line.starts_with("#[") && (line.contains("test]") || line.contains("test("));
        let function = line.strip_prefix("async ").unwrap_or(line);
        if let Some(rest) = function.strip_prefix("fn ") {
            let name = rest.split('(').next().unwrap();
            if std::mem::take(&mut is_test) {
                names.insert(format!("{module}{inline}{name}"));
            }
        }
    }
    names
}

fn all_names() -> BTreeSet<String> {
    let sources = files::ending(".rs");
    sources
        .iter()
        .filter_map(|file| Some((module(file)?, file)))
        .flat_map(|(module, file)| names_in(&module, &files::text(file)))
        .collect()
}

#[test]
fn every_test_of_the_threat_model_exists() {
    let text = files::text("docs/threat-model.md");
    let cited: BTreeSet<&str> = files::quoted(&text)
        .into_iter()
        .filter(|quoted| quoted.contains("::"))
        .collect();
    assert!(cited.len() > 50, "{} tests are named", cited.len());
    let existing = all_names();
    let missing: Vec<_> = cited
        .iter()
        .filter(|name| !existing.contains(**name))
        .collect();
    assert!(missing.is_empty(), "no such test: {missing:#?}");
}

#[test]
fn names_are_those_of_the_test_runner() {
    assert_eq!(module("src/engine/mod.rs").as_deref(), Some("engine::"));
    assert_eq!(module("io/src/lib.rs").as_deref(), Some(""));
    assert_eq!(module("scripts/soak.py"), None);
    let text =
        "fn helper() {}\nmod tests {\n    #[test]\n    fn a_property() {}\n    fn row() {}\n}";
    let names: Vec<_> = names_in("a::", text).into_iter().collect();
    assert_eq!(names, ["a::tests::a_property"]);
    assert!(all_names().contains("test_names::names_are_those_of_the_test_runner"));
}
