//! `docs/configuration.md` has a row for every key, as the schema says it, and no other row.
//!
//! After a change of the schema: `cargo test --lib --no-default-features write_tables -- --ignored`

use std::collections::HashSet;
use std::path::PathBuf;

use crate::config::schema::{Key, Kind, SECTIONS, Section};
use crate::config::tree::join;

/// Where tables are in the document: between a line that begins so and the line [`END`].
const BEGIN: &str = "<!-- keys of ";
const END: &str = "<!-- end -->";

/// The name of the table of later keys.
const LATER: &str = "later versions";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md")
}

fn kind(key: &Key) -> String {
    match key.kind {
        Kind::Flag => "`true`, `false`".to_owned(),
        Kind::Integer => "integer".to_owned(),
        Kind::Number => "number".to_owned(),
        Kind::Size => "size".to_owned(),
        Kind::Duration => "duration".to_owned(),
        Kind::Text => "string".to_owned(),
        Kind::Path => "path".to_owned(),
        Kind::Texts => "list of strings".to_owned(),
        Kind::TextOrTexts => "string, list of strings".to_owned(),
        Kind::TextsTable => "table of lists of strings".to_owned(),
        Kind::TextOrTextsTable => "table of strings or lists of them".to_owned(),
        Kind::Choice(known) => known
            .iter()
            .map(|name| format!("`\"{name}\"`"))
            .collect::<Vec<_>>()
            .join(", "),
        Kind::AutoOrInteger => "`\"auto\"`, integer".to_owned(),
        Kind::Secret => "secret".to_owned(),
        Kind::SecretTable => "table of secrets".to_owned(),
        Kind::Time => "time".to_owned(),
        Kind::Section => "table".to_owned(),
        Kind::Sections => "list of tables".to_owned(),
        Kind::SectionOrSections => "table, list of tables".to_owned(),
    }
}

fn row(key: &Key) -> String {
    let names: Vec<_> = key.names().map(|name| format!("`{name}`")).collect();
    let default = if key.default.is_empty() {
        "–".to_owned()
    } else {
        format!("`{}`", key.default)
    };
    format!(
        "| {} | {} | {default} | {} |\n",
        names.join(", "),
        kind(key),
        key.meaning
    )
}

/// The keys of `section` that this version has and that are no tables themselves.
fn table(section: &Section) -> String {
    let keys = section
        .keys
        .iter()
        .filter(|key| key.later.is_none() && !key.kind.is_section());
    let rows: String = keys.map(row).collect();
    format!("| Key | Type | Default | Meaning |\n|---|---|---|---|\n{rows}")
}

/// Every key that is known and not available.
fn later() -> String {
    let mut rows = String::new();
    for section in SECTIONS {
        for key in section.keys {
            let Some(feature) = key.later else { continue };
            let names: Vec<_> = key
                .names()
                .map(|name| format!("`{}`", join(section.path, &name)))
                .collect();
            rows.push_str(&format!("| {} | {feature} |\n", names.join(", ")));
        }
    }
    format!("| Key | Belongs to |\n|---|---|\n{rows}")
}

/// The table between the markers that name `name`.
fn expected(name: &str) -> String {
    if name == LATER {
        return later();
    }
    let section = SECTIONS.iter().find(|section| section.path == name);
    table(section.unwrap_or_else(|| {
        panic!("the document has a table of [{name}], which the schema does not have")
    }))
}

/// The document as it should be, and the names of its tables.
fn rewritten(document: &str) -> (String, HashSet<String>) {
    let (mut out, mut names, mut inside) = (String::new(), HashSet::new(), false);
    for line in document.split_inclusive('\n') {
        if line.starts_with(END) {
            inside = false;
        }
        if !inside {
            out.push_str(line);
        }
        if let Some(name) = line
            .strip_prefix(BEGIN)
            .and_then(|rest| rest.strip_suffix(" -->\n"))
        {
            out.push_str(&expected(name));
            names.insert(name.to_owned());
            inside = true;
        }
    }
    (out, names)
}

#[test]
fn the_document_has_every_key_as_the_schema_says_it() {
    let document = std::fs::read_to_string(path()).unwrap();
    let (expected, names) = rewritten(&document);
    assert!(
        document == expected,
        "docs/configuration.md differs from the schema: run the ignored test write_tables"
    );
    for section in SECTIONS.iter().filter(|section| {
        section
            .keys
            .iter()
            .any(|key| key.later.is_none() && !key.default.is_empty())
    }) {
        assert!(
            names.contains(section.path),
            "docs/configuration.md has no table of [{}]",
            section.path
        );
    }
    assert!(names.contains(LATER));
}

#[test]
#[ignore = "writes docs/configuration.md"]
fn write_tables() {
    let document = std::fs::read_to_string(path()).unwrap();
    std::fs::write(path(), rewritten(&document).0).unwrap();
}
