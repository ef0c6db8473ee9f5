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

    /// Where it is, below the public base URL; the metadata document stands before the path of that instead (RFC 8414 §3.1).
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

    /// The label in metrics and audit records.
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
