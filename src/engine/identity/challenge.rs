//! The WWW-Authenticate value of a 401.

/// What a challenge says went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeError {
    /// Nothing was presented, or a scheme that is not ours: no `error` (RFC 6750 §3.1).
    None,
    /// A bearer token was presented and refused: `invalid_token`.
    InvalidToken,
}

/// The challenges of one configuration, written once.
#[derive(Clone, Debug)]
pub struct Challenges {
    plain: Box<str>,
    invalid_token: Box<str>,
}

impl Challenges {
    /// Challenges that point clients at `resource_metadata` (RFC 9728), where the gateway serves it. The URL must be one
    /// that the configuration has validated: visible ASCII without quotes.
    #[must_use]
    pub fn new(resource_metadata: Option<&str>) -> Self {
        let plain = resource_metadata.map_or_else(
            || r#"Bearer realm="mcp-guard""#.to_owned(),
            |url| format!(r#"Bearer realm="mcp-guard", resource_metadata="{url}""#),
        );
        let invalid_token = format!(r#"{plain}, error="invalid_token""#).into();
        Self {
            plain: plain.into(),
            invalid_token,
        }
    }

    /// The header value for `error`.
    #[must_use]
    pub fn value(&self, error: ChallengeError) -> &str {
        match error {
            ChallengeError::None => &self.plain,
            ChallengeError::InvalidToken => &self.invalid_token,
        }
    }
}

impl Default for Challenges {
    fn default() -> Self {
        Self::new(None)
    }
}
