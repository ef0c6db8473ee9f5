//! WWW-Authenticate values: what a client is told to come back with.
//!
//! **Invariant:** nothing gets between quotes that could end them. URLs are those that [`Discovery`] has taken apart, scopes those
//! that [`is_scope_to_ask`] lets through.
//!
//! Sources: RFC 6750 §3, RFC 9728 §5.1, MCP 2026-07-28 Authorization.
//!
//! [`Discovery`]: crate::engine::discovery::Discovery

use crate::engine::limits::SCOPE_BYTES_MAX;

/// What a challenge says went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeError {
    /// Nothing was presented, or a scheme that is not ours: no `error` (RFC 6750 §3.1).
    None,
    /// A bearer token was presented and refused: `invalid_token`.
    InvalidToken,
}

impl ChallengeError {
    /// The challenge of a 401 that points nowhere.
    #[must_use]
    pub const fn plain(self) -> &'static str {
        match self {
            Self::None => r#"Bearer realm="mcp-guard""#,
            Self::InvalidToken => r#"Bearer realm="mcp-guard", error="invalid_token""#,
        }
    }
}

/// Where a challenge points, and what for.
#[derive(Clone, Copy, Debug)]
pub struct Directions<'a> {
    /// The document that describes the resource (RFC 9728), where there is one.
    pub resource_metadata: Option<&'a str>,
    /// Scopes to ask for, separated by spaces; may be empty.
    pub scope: &'a str,
}

impl Directions<'_> {
    /// The challenge of a 401.
    #[must_use]
    pub fn unauthorized(&self, error: ChallengeError) -> String {
        let mut value = ChallengeError::None.plain().to_owned();
        self.add_metadata(&mut value);
        self.add_scope(&mut value);
        if error == ChallengeError::InvalidToken {
            value.push_str(r#", error="invalid_token""#);
        }
        value
    }

    /// The challenge of a 403 that other scopes would turn into an answer.
    #[must_use]
    pub fn insufficient_scope(&self) -> String {
        let mut value = r#"Bearer error="insufficient_scope""#.to_owned();
        self.add_scope(&mut value);
        self.add_metadata(&mut value);
        value
    }

    fn add_metadata(&self, value: &mut String) {
        if let Some(url) = self.resource_metadata {
            add(value, "resource_metadata", url);
        }
    }

    fn add_scope(&self, value: &mut String) {
        if !self.scope.is_empty() {
            add(value, "scope", self.scope);
        }
    }
}

fn add(value: &mut String, name: &str, text: &str) {
    value.push_str(", ");
    value.push_str(name);
    value.push_str("=\"");
    value.push_str(text);
    value.push('"');
}

/// Whether clients may be told to ask for `scope`: a scope-token (RFC 6749 §3.3) of at most [`SCOPE_BYTES_MAX`] bytes, and not
/// `offline_access`, which is between a client and its authorization server (MCP Authorization, Refresh Tokens).
#[must_use]
pub fn is_scope_to_ask(scope: &str) -> bool {
    let is_token = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (1..=SCOPE_BYTES_MAX).contains(&scope.len())
        && scope.bytes().all(is_token)
        && scope != "offline_access"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_names_no_error_unless_a_token_was_refused() {
        let url = "https://gw.example/.well-known/oauth-protected-resource/mcp";
        let link =
            r#"resource_metadata="https://gw.example/.well-known/oauth-protected-resource/mcp""#;
        let directions = |resource_metadata, scope| Directions {
            resource_metadata,
            scope,
        };
        let rows = [
            (
                directions(None, ""),
                r#"Bearer realm="mcp-guard""#.to_owned(),
            ),
            (
                directions(Some(url), ""),
                format!(r#"Bearer realm="mcp-guard", {link}"#),
            ),
            (
                directions(Some(url), "a b"),
                format!(r#"Bearer realm="mcp-guard", {link}, scope="a b""#),
            ),
        ];
        for (directions, expected) in rows {
            assert_eq!(directions.unauthorized(ChallengeError::None), expected);
            assert_eq!(
                directions.unauthorized(ChallengeError::InvalidToken),
                format!(r#"{expected}, error="invalid_token""#)
            );
        }
        assert_eq!(
            directions(Some(url), "a b").insufficient_scope(),
            format!(r#"Bearer error="insufficient_scope", scope="a b", {link}"#)
        );
        assert_eq!(
            directions(None, "a").insufficient_scope(),
            r#"Bearer error="insufficient_scope", scope="a""#
        );
    }

    #[test]
    fn a_scope_to_ask_for_cannot_leave_its_quotes() {
        let longest = "s".repeat(SCOPE_BYTES_MAX);
        for scope in ["a", "files:read", "https://x/y#z", "!~[]", &longest] {
            assert!(is_scope_to_ask(scope), "{scope}");
        }
        let too_long = "s".repeat(SCOPE_BYTES_MAX + 1);
        for scope in [
            "",
            "a b",
            "a\"b",
            "a\\b",
            "a\r\nb",
            "a\tb",
            "a\0",
            "é",
            "\u{7f}",
            "offline_access",
            &too_long,
        ] {
            assert!(!is_scope_to_ask(scope), "{scope:?}");
        }
    }
}
