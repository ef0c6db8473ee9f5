//! Which scopes a login leads to.

use crate::config::model::OAuth;
use crate::control::oauth::provider::LoggedIn;

/// Those of `asked` that the map has, that the provider granted where it was asked for them, and that count for the user.
pub(in crate::control::oauth) fn granted(
    config: &OAuth,
    asked: &[Box<str>],
    who: &LoggedIn,
) -> Vec<Box<str>> {
    let rule = config
        .identities
        .iter()
        .find(|rule| rule.pattern.matches(&who.user.id));
    let counted = rule.and_then(|rule| rule.scopes.as_ref());
    let is_mapped = |scope: &str| {
        config
            .scope_tool_mapping
            .iter()
            .any(|(name, _)| name == scope)
    };
    let is_granted = |scope: &str| {
        !config.scopes.iter().any(|name| name == scope)
            || who.scopes.iter().any(|name| **name == *scope)
    };
    let counts = |scope: &str| counted.is_none_or(|names| names.iter().any(|name| name == scope));
    let kept = asked
        .iter()
        .filter(|scope| is_mapped(scope) && is_granted(scope) && counts(scope));
    kept.cloned().collect()
}

/// Every scope of the map, in the order of the file: what a person asks for who asks for themselves.
pub(super) fn all(config: &OAuth) -> Vec<Box<str>> {
    let names = config
        .scope_tool_mapping
        .iter()
        .map(|(name, _)| name.as_str().into());
    names.collect()
}
