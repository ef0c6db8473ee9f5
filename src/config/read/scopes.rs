//! Scopes, the claims that name them, and what they allow: what issuers of signed tokens and providers have in common.

use crate::config::problem::Problem;
use crate::config::read::auth::entries;
use crate::config::read::table::Table;
use crate::config::tree::Value;
use crate::engine::limits::{JWT_CLAIM_BYTES_MAX, JWT_SCOPES_MAX, SCOPE_BYTES_MAX};

const CLAIM: &str = "the name of a claim: 1 to 128 bytes of text without control characters";
/// The form of a scope.
pub(super) const SCOPE: &str =
    "a scope: 1 to 256 printable ASCII characters without space, quote and backslash";

/// The name of a claim at `key`.
pub(super) fn claim(table: &Table<'_>, key: &str, default: &str) -> String {
    let claim = table.parsed_text(key, CLAIM, |text| {
        is_text(text, JWT_CLAIM_BYTES_MAX).then(|| text.to_owned())
    });
    claim.unwrap_or_else(|| default.to_owned())
}

/// `scope_tool_mapping`, with a warning for each scope that allows nothing.
pub(super) fn mapping(table: &Table<'_>) -> Vec<(String, Vec<String>)> {
    const KEY: &str = "scope_tool_mapping";
    let scopes = table.texts_table(KEY);
    if scopes.len() > JWT_SCOPES_MAX {
        let value = format!("{} scopes", scopes.len());
        let accepted = format!("up to {JWT_SCOPES_MAX} scopes");
        table.report(KEY, Problem::OutOfRange { value, accepted });
    }
    for (scope, entries) in &scopes {
        let key = format!("{KEY}.{scope}");
        if !is_token(scope, SCOPE_BYTES_MAX) {
            table.malformed::<()>(&key, scope, SCOPE);
        } else if entries.is_empty() {
            table.report(&key, Problem::AllowsNothing);
        }
    }
    let owned = |entries: Vec<&str>| entries.into_iter().map(str::to_owned).collect();
    let scopes = scopes.into_iter();
    scopes
        .map(|(scope, entries)| (scope.to_owned(), owned(entries)))
        .collect()
}

/// `allowed_tools`, which may stay empty where something else allows (`has_others`).
pub(super) fn allowed(table: &Table<'_>, has_others: bool) -> Vec<String> {
    let allowed = entries(table, "allowed_tools");
    let is_refused = |key: &str, is_understood: bool| table.has(key) && !is_understood;
    // One that is there and empty was understood, and allows nothing.
    let is_empty = matches!(table.value("scope_tool_mapping"), Some(Value::Table(scopes)) if scopes.is_empty());
    let refused = is_refused("allowed_tools", allowed.is_some())
        || is_refused("scope_tool_mapping", has_others || is_empty);
    let allowed = allowed.unwrap_or_default();
    if allowed.is_empty() && !has_others && !refused {
        table.report("allowed_tools", Problem::AllowsNothing);
    }
    allowed
}

/// Whether `text` is a scope-token (RFC 6749 §3.3) of at most `bytes_max`: printable ASCII without space, quote and backslash.
/// An issuer has the same form: an identity is `issuer user`, and challenges quote both.
pub(super) fn is_token(text: &str, bytes_max: usize) -> bool {
    let known = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    (1..=bytes_max).contains(&text.len()) && text.bytes().all(known)
}

/// Whether `text` is 1 to `bytes_max` bytes without control characters.
pub(super) fn is_text(text: &str, bytes_max: usize) -> bool {
    (1..=bytes_max).contains(&text.len()) && !text.chars().any(char::is_control)
}
