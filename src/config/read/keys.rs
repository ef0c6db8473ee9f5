//! Each key of a table is looked up in the schema: unknown ones and those of later versions are reported.

use crate::config::problem::Problem;
use crate::config::read::context::Context;
use crate::config::schema::{self, Key, Kind, Section};
use crate::config::tree::{Entry, Node, Value, join};

/// How alike a known key must be to be suggested, 0 to 1.
const LIKENESS_MIN: f64 = 0.8;

/// How long an abbreviation must be to be taken for one, in bytes.
const ABBREVIATION_BYTES_MIN: usize = 6;

/// Checks the keys of the table at `path`. Inside a section that was refused as a whole (`refused`) only unknown keys are
/// reported.
pub(super) fn check(cx: &Context<'_>, section: &Section, path: &str, node: &Node, refused: bool) {
    let entries = match &node.value {
        Value::Table(entries) => entries.as_slice(),
        Value::Null => &[],
        other => {
            cx.report(
                path,
                Problem::WrongType {
                    expected: "a table",
                    found: other.kind(),
                },
            );
            return;
        }
    };
    for entry in entries {
        let path = join(path, &entry.key);
        match section.key(&entry.key) {
            None => cx.report(path, unknown(section, &entry.key)),
            Some(key) => check_later(cx, section, key, &path, entry, refused),
        }
    }
}

/// Reports a key that this version does not have, where it is in use, and looks for typing errors inside it.
fn check_later(
    cx: &Context<'_>,
    section: &Section,
    key: &Key,
    path: &str,
    entry: &Entry,
    refused: bool,
) {
    let Some(feature) = key.later else { return };
    let used = is_used(section, key, &entry.node);
    if used && !refused {
        cx.report(path, Problem::NotAvailable { feature });
    }
    let Some(inner) = schema::section(&join(section.path, key.name)) else {
        return;
    };
    match &entry.node.value {
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                check(cx, inner, &format!("{path}[{index}]"), item, true);
            }
        }
        _ => check(cx, inner, path, &entry.node, true),
    }
}

/// Whether the key asks for something: a flag that is off, or a section that is switched off, does not.
fn is_used(section: &Section, key: &Key, node: &Node) -> bool {
    if key.kind == Kind::Flag {
        return !matches!(node.value, Value::Flag(false));
    }
    let switched = schema::section(&join(section.path, key.name))
        .is_some_and(|inner| inner.key("enabled").is_some());
    let off = || {
        node.child("enabled")
            .is_none_or(|enabled| matches!(enabled.value, Value::Flag(false)))
    };
    !(switched && matches!(node.value, Value::Table(_) | Value::Null) && off())
}

fn unknown(section: &Section, key: &str) -> Problem {
    let accepted = section.names();
    if let Some(near) = abbreviated(&accepted, key) {
        let near = Some(near.clone());
        return Problem::UnknownKey { near, accepted };
    }
    let near = accepted
        .iter()
        .map(|name| (strsim::jaro_winkler(name, key), name));
    let near = near
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|left, right| left.0.total_cmp(&right.0));
    let near = near.map(|(_, name)| name.clone());
    Problem::UnknownKey { near, accepted }
}

/// The one known key that `key` is the beginning of, its plural aside: `allowed_orgs` is rather `allowed_organizations` than
/// `allowed_tools`.
fn abbreviated<'n>(known: &'n [String], key: &str) -> Option<&'n String> {
    let stem = key.strip_suffix('s').unwrap_or(key);
    let mut longer = known.iter().filter(|name| name.starts_with(stem));
    let near = longer
        .next()
        .filter(|_| stem.len() >= ABBREVIATION_BYTES_MIN)?;
    longer.next().is_none().then_some(near)
}
