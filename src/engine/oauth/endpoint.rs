//! The paths of OAuth.

/// What a path of OAuth is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OAuthEndpoint {
    /// `/oauth/authorize`: where a client sends its user, and where a person logs in.
    Authorize,
    /// `/oauth/consent`: the form of the consent page.
    Consent,
    /// `/oauth/callback`: where the provider sends the user back.
    Callback,
    /// `/oauth/token`.
    Token,
    /// `/oauth/register` (RFC 7591).
    Register,
    /// `/oauth/revoke` (RFC 7009).
    Revoke,
    /// `/oauth/jwks`: the gateway's own keys.
    Jwks,
    /// `/.well-known/oauth-authorization-server` (RFC 8414), path-inserted and at the root.
    ServerMetadata,
}

impl OAuthEndpoint {
    /// Every endpoint.
    pub const ALL: [Self; 8] = [
        Self::Authorize,
        Self::Consent,
        Self::Callback,
        Self::Token,
        Self::Register,
        Self::Revoke,
        Self::Jwks,
        Self::ServerMetadata,
    ];

    /// Its path: behind `server.public_url` for clients; here, where a proxy in front takes the path of `public_url` away. For the
    /// metadata, the form at the root.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Authorize => "/oauth/authorize",
            Self::Consent => "/oauth/consent",
            Self::Callback => "/oauth/callback",
            Self::Token => "/oauth/token",
            Self::Register => "/oauth/register",
            Self::Revoke => "/oauth/revoke",
            Self::Jwks => "/oauth/jwks",
            Self::ServerMetadata => "/.well-known/oauth-authorization-server",
        }
    }

    /// Whether people's browsers come here, rather than programs: what is refused is told in words then.
    #[must_use]
    pub const fn is_for_people(self) -> bool {
        matches!(self, Self::Authorize | Self::Consent | Self::Callback)
    }

    /// The label in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Consent => "consent",
            Self::Callback => "callback",
            Self::Token => "token",
            Self::Register => "register",
            Self::Revoke => "revoke",
            Self::Jwks => "jwks",
            Self::ServerMetadata => "metadata",
        }
    }

    /// The `method` of its audit records.
    #[must_use]
    pub const fn record_method(self) -> &'static str {
        match self {
            Self::Authorize => "oauth/authorize",
            Self::Consent => "oauth/consent",
            Self::Callback => "oauth/callback",
            Self::Token => "oauth/token",
            Self::Register => "oauth/register",
            Self::Revoke => "oauth/revoke",
            Self::Jwks => "oauth/jwks",
            Self::ServerMetadata => "oauth/metadata",
        }
    }
}

/// Which of the endpoints a configuration serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OAuthSurface {
    /// People log in with a browser: `[auth.oauth]` with an authorization endpoint.
    pub login: bool,
    /// Clients get tokens for their users: `[auth.oauth.server] enabled`.
    pub server: bool,
}

impl OAuthSurface {
    /// Whether `endpoint` is served. The keys are published as soon as there are any tokens under them.
    #[must_use]
    pub const fn serves(self, endpoint: OAuthEndpoint) -> bool {
        match endpoint {
            OAuthEndpoint::Authorize
            | OAuthEndpoint::Consent
            | OAuthEndpoint::Callback
            | OAuthEndpoint::Jwks => self.login || self.server,
            OAuthEndpoint::Token
            | OAuthEndpoint::Register
            | OAuthEndpoint::Revoke
            | OAuthEndpoint::ServerMetadata => self.server,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::OAuthEndpoint;

    #[test]
    fn records_and_metrics_call_an_endpoint_by_one_name() {
        for endpoint in OAuthEndpoint::ALL {
            let name = endpoint.record_method().strip_prefix("oauth/");
            assert_eq!(name, Some(endpoint.as_str()));
        }
    }
}
