//! What users may use: scopes, and `[[auth.oauth.identities]]`.

use std::collections::HashMap;

use super::people;
use crate::config::model::OAuthIdentity;
use crate::config::problem::Problem;
use crate::config::read::auth::entries;
use crate::config::read::scopes;
use crate::config::read::table::Table;
use crate::engine::limits::{BURST_MAX, OAUTH_IDENTITIES_MAX};

const MATCH: &str =
    "a pattern over whole user ids: 1 to 256 characters, `*`, `?` and `[set]`, never `**`";

type Mapping = [(String, Vec<String>)];

/// `allowed_tools`, with a warning where nothing at all is allowed to anybody.
pub(super) fn allowed(
    table: &Table<'_>,
    mapping: &Mapping,
    identities: &[OAuthIdentity],
) -> Vec<String> {
    let some_may = identities.iter().any(|one| !one.allowed_tools.is_empty());
    scopes::allowed(table, some_may || !mapping.is_empty())
}

pub(super) fn identities(table: &Table<'_>, mapping: &Mapping) -> Vec<OAuthIdentity> {
    let tables = table.sections("identities");
    if tables.len() > OAUTH_IDENTITIES_MAX {
        let value = tables.len().to_string();
        let accepted = format!("up to {OAUTH_IDENTITIES_MAX} entries");
        table.report("identities", Problem::OutOfRange { value, accepted });
    }
    let identities = tables.iter().filter_map(|table| identity(table, mapping));
    let identities: Vec<_> = identities.collect();
    refuse_repeated(table, &identities);
    identities
}

fn identity(table: &Table<'_>, mapping: &Mapping) -> Option<OAuthIdentity> {
    table.require("match", MATCH);
    let pattern = table.parsed_text("match", MATCH, people::pattern);
    let counting = counting(table, mapping);
    let by_scope = counting.as_ref().map_or(mapping.len(), Vec::len) > 0;
    let is_refused = table.has("scopes") && counting.is_none();
    let identity = OAuthIdentity {
        key_path: table.path.clone(),
        pattern: pattern?,
        allowed_tools: scopes_or_tools(table, by_scope || is_refused),
        denied_tools: entries(table, "denied_tools").unwrap_or_default(),
        scopes: counting,
        rate_limit: table.rate("rate_limit"),
        burst_size: table.integer("burst_size", 1..=BURST_MAX),
    };
    Some(identity)
}

/// `allowed_tools`, with a warning where it is empty and no scope allows anything either.
fn scopes_or_tools(table: &Table<'_>, by_scope: bool) -> Vec<String> {
    let allowed = entries(table, "allowed_tools");
    let is_refused = table.has("allowed_tools") && allowed.is_none();
    let allowed = allowed.unwrap_or_default();
    if allowed.is_empty() && !by_scope && !is_refused {
        table.report("allowed_tools", Problem::AllowsNothing);
    }
    allowed
}

/// `scopes`, each of which is in the map.
fn counting(table: &Table<'_>, mapping: &Mapping) -> Option<Vec<String>> {
    let texts = table.texts("scopes")?.into_iter().enumerate();
    let known = texts.filter_map(|(index, text)| {
        let is_known = mapping.iter().any(|(scope, _)| scope == text);
        if !is_known {
            let value = text.to_owned();
            let accepted = mapping.iter().map(|(scope, _)| scope.clone()).collect();
            let problem = Problem::NotAccepted { value, accepted };
            table.report(&format!("scopes[{index}]"), problem);
        }
        is_known.then(|| text.to_owned())
    });
    Some(known.collect())
}

/// The first that matches counts: the second of two equal patterns would never be looked at.
fn refuse_repeated(table: &Table<'_>, identities: &[OAuthIdentity]) {
    let mut seen = HashMap::new();
    for identity in identities {
        let key_path = format!("{}.match", identity.key_path);
        if let Some(first) = seen.insert(identity.pattern.as_str(), &identity.key_path) {
            let other = format!("{first}.match");
            table.cx.report(key_path, Problem::SameAs { other });
        }
    }
}
