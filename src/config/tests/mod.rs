//! The pipeline as a whole: file in, configuration or diagnostics out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod certificates;
mod compiled;
mod diagnostics;
mod documentation;
mod keys;
mod mangled;
mod oauth;
mod rules;
mod secrets;
mod tokens;
mod transports;

use std::path::Path;

use super::tree::{Node, Value};
use super::{Config, Diagnostic, Fixed, Loaded, Overrides, Refused, from_toml, load};

/// 2026-01-01T00:00:00Z
pub(super) const NOW: i64 = 1_767_225_600;

/// A hash of nothing in particular.
pub(super) const HASH: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/// The least that is accepted.
pub(super) fn base() -> String {
    format!(
        "[[auth.api_keys]]\nid = 'a'\nkey_hash = '{HASH}'\nallowed_tools = ['*']\n\
         [upstream]\nurl = 'http://localhost:8080/mcp'\n[audit]\nstdout = true\n"
    )
}

/// Loads `text` as the file `name` in `world`.
pub(super) fn load_in(mut world: Fixed, name: &str, text: &str) -> Result<Loaded, Refused> {
    world
        .files
        .insert(Path::new(name).to_owned(), (text.to_owned(), 0o600));
    load(Path::new(name), &Overrides::default(), &world, NOW)
}

pub(super) fn load_toml(text: &str) -> Result<Loaded, Refused> {
    load_in(Fixed::default(), "mcp-guard.toml", text)
}

pub(super) fn config(text: &str) -> Config {
    load_toml(text)
        .unwrap_or_else(|refused| panic!("{:#?}", refused.diagnostics))
        .config
}

pub(super) fn diagnostics(result: Result<Loaded, Refused>) -> Vec<Diagnostic> {
    result.map_or_else(|refused| refused.diagnostics, |loaded| loaded.warnings)
}

/// `text` (TOML) as YAML: one key a line, so that positions differ and the rest does not.
pub(super) fn as_yaml(text: &str) -> String {
    let mut out = String::new();
    write_yaml(&from_toml::parse(text).root, &mut out);
    out
}

fn write_yaml(node: &Node, out: &mut String) {
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Flag(flag) => out.push_str(&flag.to_string()),
        Value::Integer(integer) => out.push_str(&integer.to_string()),
        Value::Number(number) => out.push_str(&format!("{number:?}")),
        Value::Text(text) => out.push_str(&serde_json::to_string(text.as_str()).unwrap()),
        Value::List(items) => {
            out.push_str("[\n");
            for item in items {
                write_yaml(item, out);
                out.push_str(",\n");
            }
            out.push(']');
        }
        Value::Table(entries) => {
            out.push_str("{\n");
            for entry in entries {
                out.push_str(&format!("{}: ", serde_json::to_string(&entry.key).unwrap()));
                write_yaml(&entry.node, out);
                out.push_str(",\n");
            }
            out.push('}');
        }
    }
}
