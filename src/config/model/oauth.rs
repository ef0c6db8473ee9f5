//! `[auth.oauth]`: a provider that people log in with, and the authorization server for MCP clients.

use std::path::PathBuf;
use std::time::Duration;

use super::FetchUrl;
use crate::config::secret::Secret;
use crate::engine::identity::mtls::IdentityPattern;

/// `[auth.oauth]`
#[derive(Clone, Debug)]
pub struct OAuth {
    /// Whose quirks apply.
    pub provider: OAuthProvider,
    /// Who vouches for users, part of their identities: `github`, `google`, or the issuer of others. Without spaces.
    pub realm: String,
    /// The gateway's id at the provider.
    pub client_id: String,
    /// Its secret; absent for a public client.
    pub client_secret: Option<Secret>,
    /// The issuer identifier: compared with `iss` of answers and ID tokens. Of `github` and of nobody else it may be missing in
    /// answers of servers that do not send it yet. Endpoints that are not given are found at that of `custom`.
    pub issuer: Option<FetchUrl>,
    /// Where people log in.
    pub authorization_url: Option<FetchUrl>,
    /// Where codes are redeemed.
    pub token_url: Option<FetchUrl>,
    /// Where opaque tokens are asked about: RFC 7662; of `github` its token check, of `google` its `tokeninfo`.
    pub introspection_url: Option<FetchUrl>,
    /// Where users are asked about; of `github` it ends in `/user`, and the rest of the API is beside it.
    pub userinfo_url: Option<FetchUrl>,
    /// Whether people log in at the gateway. Then there is an authorization endpoint, or an issuer to look for it at, and a
    /// `server.public_url`.
    pub login: bool,
    /// Where the provider sends people back: `public_url` + `/oauth/callback`. Empty without a `public_url`.
    pub redirect_uri: String,
    /// What is asked of the provider.
    pub scopes: Vec<String>,
    /// The claim that names the user.
    pub user_id_claim: String,
    /// Scopes and what each allows, in the order of the file.
    pub scope_tool_mapping: Vec<(String, Vec<String>)>,
    /// What users may use whatever their scopes, where no identity matches.
    pub allowed_tools: Vec<String>,
    /// What none may use, whatever else is said.
    pub denied_tools: Vec<String>,
    /// Requests a second of each user; the default of `[rate_limit]` when absent.
    pub rate_limit: Option<f64>,
    /// Burst of each user; the default of `[rate_limit]` when absent.
    pub burst_size: Option<u32>,
    /// `[[auth.oauth.identities]]`, in the order of the file.
    pub identities: Vec<OAuthIdentity>,
    /// Who may come in: patterns over user ids and verified e-mail addresses. Empty: whoever the other two let in.
    pub allowed_users: Vec<IdentityPattern>,
    /// Organizations of which a user must be a member of one (`github` alone), in lower case. Empty: of none.
    pub allowed_organizations: Vec<String>,
    /// Claims that a user must have, with one of these values each. All three must let a user in.
    pub required_claims: Vec<(String, Vec<String>)>,
    /// Whether tokens of the provider's own are taken.
    pub opaque_tokens: bool,
    /// `aud` values of such tokens that mean this gateway, beside its URLs and its `client_id`.
    pub audience: Vec<String>,
    /// How long an answer of the provider about a token counts.
    pub token_cache_ttl: Duration,
    /// How long the token lives that a person gets on `/oauth/authorize`.
    pub login_token_ttl: Duration,
    /// The file that keys, clients and grants live in.
    pub store_path: PathBuf,
    /// Secret that seals what is secret in the store; absent, a file beside it has one.
    pub store_key: Option<Secret>,
    /// What the gateway's tokens are signed with.
    pub signing_algorithm: SigningAlgorithm,
    /// `[auth.oauth.server]` with `enabled = true`.
    pub server: Option<OAuthServer>,
}

/// `auth.oauth.provider`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OAuthProvider {
    /// GitHub, or GitHub Enterprise Server with URLs of its own.
    GitHub,
    /// Google.
    Google,
    /// Okta: every endpoint follows from the issuer.
    Okta,
    /// Any other that speaks OAuth 2 or OpenID Connect.
    Custom,
}

impl OAuthProvider {
    /// As in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::Google => "google",
            Self::Okta => "okta",
            Self::Custom => "custom",
        }
    }
}

/// `auth.oauth.signing_algorithm`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// ECDSA on P-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

/// `[[auth.oauth.identities]]`
#[derive(Clone, Debug)]
pub struct OAuthIdentity {
    /// Where it is written: `auth.oauth.identities[0]`.
    pub key_path: String,
    /// `match`: pattern over whole user ids.
    pub pattern: IdentityPattern,
    /// What those that match may use whatever their scopes, in place of what all others may.
    pub allowed_tools: Vec<String>,
    /// What they may not use, beside what nobody may.
    pub denied_tools: Vec<String>,
    /// Which scopes of the map count for them; absent, each.
    pub scopes: Option<Vec<String>>,
    /// Requests a second of each.
    pub rate_limit: Option<f64>,
    /// Burst of each.
    pub burst_size: Option<u32>,
}

/// `[auth.oauth.server]`: tokens for MCP clients.
#[derive(Clone, Debug)]
pub struct OAuthServer {
    /// How long an access token lives.
    pub access_token_ttl: Duration,
    /// How long a refresh token lives unused.
    pub refresh_token_ttl: Duration,
    /// How long a grant lives, however often it is refreshed.
    pub grant_ttl: Duration,
    /// Whether clients may register themselves.
    pub dynamic_registration: bool,
    /// Whether a client may be named by the URL of its metadata document.
    pub client_id_documents: bool,
    /// Hosts of such documents that may be in private networks, since the operator names them. Names or addresses in lower case,
    /// without ports and brackets.
    pub trusted_client_hosts: Vec<String>,
    /// Authorities that may vouch for hosts of documents; the system's where absent.
    pub client_ca_path: Option<PathBuf>,
    /// `[[auth.oauth.server.clients]]`
    pub clients: Vec<OAuthClient>,
}

/// `[[auth.oauth.server.clients]]`: a client that needs no registration.
#[derive(Clone, Debug)]
pub struct OAuthClient {
    /// `client_id`, unique.
    pub client_id: String,
    /// Its secret; absent for a public client.
    pub client_secret: Option<Secret>,
    /// What pages call it.
    pub name: String,
    /// Where its users may be sent back to; at least one.
    pub redirect_uris: Vec<String>,
}
