//! The symbols that `docs/lifecycle.md` and `docs/ARCHITECTURE.md` name exist where they say.

use crate::files;

/// The file of the longest part of `path` that is a module, and what is left of the path.
fn resolve<'a>(path: &[&'a str]) -> Option<(String, Vec<&'a str>)> {
    let (top, path) = match path {
        ["guard_io", rest @ ..] => ("io/src", rest),
        _ => ("src", path),
    };
    (1..=path.len()).rev().find_map(|length| {
        let module = format!("{top}/{}", path[..length].join("/"));
        [format!("{module}.rs"), format!("{module}/mod.rs")]
            .into_iter()
            .find(|file| files::root().join(file).is_file())
            .map(|file| (file, path[length..].to_vec()))
    })
}

const KEYWORDS: [&str; 8] = [
    "fn ", "struct ", "enum ", "trait ", "const ", "static ", "type ", "mod ",
];

/// Whether `text` declares `name`: as an item, or as a variant or field on a line of its own.
fn declares(text: &str, name: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
    let item = |line: &str| {
        KEYWORDS.iter().any(|keyword| {
            let after = line.split_once(keyword).map(|(_, after)| after);
            after
                .and_then(|after| after.strip_prefix(name))
                .is_some_and(ends)
        })
    };
    let variant = |line: &str| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with([',', '(', ' ', ':']))
    };
    text.lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with("//"))
        .any(|line| item(line) || variant(line))
}

/// Why a cited path is wrong, or nothing.
fn fault(cited: &str) -> Option<String> {
    let path: Vec<&str> = cited.trim_end_matches("()").split("::").collect();
    let Some((file, items)) = resolve(&path) else {
        return Some(format!("{cited}: no such module"));
    };
    let text = files::text(&file);
    let missing = items.iter().find(|item| !declares(&text, item))?;
    Some(format!("{cited}: {file} declares no {missing}"))
}

fn check(document: &str, least: usize) {
    let text = files::text(document);
    let cited: Vec<&str> = files::quoted(&text)
        .into_iter()
        .filter(|quoted| quoted.contains("::") && !quoted.contains(' '))
        .collect();
    assert!(
        cited.len() >= least,
        "{document} names {} symbols",
        cited.len()
    );
    let faults: Vec<_> = cited.into_iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{document}: {faults:#?}");
}

#[test]
fn every_symbol_of_the_lifecycle_exists() {
    check("docs/lifecycle.md", 30);
}

#[test]
fn every_symbol_of_the_code_map_exists() {
    check("docs/ARCHITECTURE.md", 5);
}

#[test]
fn a_symbol_that_is_gone_is_noticed() {
    assert_eq!(fault("engine::reply::failure::Failure::Denied"), None);
    assert_eq!(fault("guard_io::http1::request::parse_request"), None);
    for gone in [
        "engine::nowhere::f",
        "engine::reply::failure::Fail",
        "worker::exchange::Exchange::be_fast",
    ] {
        assert!(fault(gone).is_some(), "{gone}");
    }
}
