//! Lists of scopes (RFC 6749 §3.3).

/// The scopes of `list`.
pub(super) fn scopes(list: &str) -> impl Iterator<Item = &str> {
    list.split(' ').filter(|scope| !scope.is_empty())
}

/// Whether `list` is made of scopes with spaces between.
pub(super) fn is_scope_list(list: &str) -> bool {
    list.bytes()
        .all(|byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// Those of `list` that are among `known`, each once, in the order of `list`. Others are left out: clients ask for `openid` or
/// `offline_access` everywhere, and what is granted is said in the answer.
pub(super) fn known_scopes(list: &str, known: impl Fn(&str) -> bool) -> Vec<Box<str>> {
    let mut found: Vec<Box<str>> = Vec::new();
    for scope in scopes(list).filter(|scope| known(scope)) {
        if !found.iter().any(|other| **other == *scope) {
            found.push(scope.into());
        }
    }
    found
}

/// A list of `scopes`.
pub(super) fn join(scopes: &[Box<str>]) -> String {
    scopes.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{is_scope_list, known_scopes};

    #[test]
    fn a_list_of_scopes_has_no_quotes_and_no_other_blanks() {
        for (list, expected) in [
            ("", true),
            ("a", true),
            ("tools:read tools:write", true),
            (" a  b ", true),
            ("a\tb", false),
            ("a\"b", false),
            ("a\\b", false),
            ("é", false),
            ("a\u{7f}", false),
        ] {
            assert_eq!(is_scope_list(list), expected, "{list:?}");
        }
    }

    #[test]
    fn known_scopes_are_found_once() {
        let is_known = |scope: &str| matches!(scope, "a" | "b");
        let found = known_scopes("openid b  a b A", is_known);
        assert_eq!(found.join(","), "b,a");
        assert!(known_scopes("", is_known).is_empty());
    }
}
