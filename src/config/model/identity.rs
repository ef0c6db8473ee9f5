//! `[auth]`: who may come in, and by what.

use std::path::PathBuf;
use std::time::Duration;

use super::OAuth;
use crate::config::secret::Secret;
use crate::engine::identity::KeyHash;
use crate::engine::identity::jwt::Algorithm;
use crate::engine::identity::mtls::{CertificateOrigin, IdentityPattern, IdentitySource};

/// `[auth]`: at least one method is configured.
#[derive(Clone, Debug)]
pub struct Auth {
    /// `[[auth.api_keys]]`; ids and hashes are unique.
    pub api_keys: Vec<ApiKey>,
    /// `[auth.jwt]` or `[[auth.jwt]]`; issuers are unique.
    pub jwt: Vec<Jwt>,
    /// `[auth.oauth]`.
    pub oauth: Option<OAuth>,
    /// `[auth.mtls]` with `enabled = true`.
    pub mtls: Option<Mtls>,
    /// `[auth.anonymous]`; absent is off.
    pub anonymous: Option<Anonymous>,
}

/// `[auth.jwt]`: one issuer of signed tokens.
#[derive(Clone, Debug)]
pub struct Jwt {
    /// Where it is written: `auth.jwt` or `auth.jwt[0]`.
    pub key_path: String,
    /// Where its keys come from.
    pub keys: JwtKeys,
    /// Algorithms that are taken, at least one, all of the mode's kind.
    pub algorithms: Vec<Algorithm>,
    /// The `iss` value, exactly.
    pub issuer: String,
    /// `aud` values of which a token must have one; at least one.
    pub audience: Vec<String>,
    /// The claim that names the user.
    pub user_id_claim: String,
    /// The claim with the scopes.
    pub scopes_claim: String,
    /// Scopes and what each allows, in the order of the file.
    pub scope_tool_mapping: Vec<(String, Vec<String>)>,
    /// What every token may use, whatever its scopes.
    pub allowed_tools: Vec<String>,
    /// What no token may use, whatever its scopes.
    pub denied_tools: Vec<String>,
    /// Requests a second of each user; the default of `[rate_limit]` when absent.
    pub rate_limit: Option<f64>,
    /// Burst of each user; the default of `[rate_limit]` when absent.
    pub burst_size: Option<u32>,
    /// How far clocks may differ.
    pub leeway: Duration,
    /// Whether `typ` must be `at+jwt`.
    pub require_at_jwt: bool,
}

/// `auth.jwt.mode` and what belongs to each.
#[derive(Clone, Debug)]
pub enum JwtKeys {
    /// `simple`: a secret that the issuer and the gateway share.
    Secret(Secret),
    /// `jwks`: keys that the issuer publishes.
    Jwks {
        /// Where: `https`, or `http` to a loopback address.
        url: FetchUrl,
        /// How long a fetched set counts as fresh.
        cache_duration: Duration,
    },
}

/// An absolute URL that control fetches from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchUrl {
    /// As written.
    pub text: String,
    /// Whether it is `https`.
    pub is_secure: bool,
    /// Name or address; IPv6 without brackets.
    pub host: String,
    /// Port, that of the scheme when none was given.
    pub port: u16,
    /// Path and query, at least `/`.
    pub target: String,
    /// Authorities that may vouch for the host (`jwks_ca_path`); the system's where absent.
    pub ca_path: Option<PathBuf>,
}

/// `[auth.mtls]`
#[derive(Clone, Debug)]
pub struct Mtls {
    /// Which name of a certificate is the identity.
    pub identity_source: IdentitySource,
    /// Where certificates come from.
    pub origin: CertificateOrigin,
    /// `[[auth.mtls.identities]]`, in the order of the file.
    pub identities: Vec<MtlsIdentity>,
    /// What identities may use that no entry matches (`allowed_tools`); absent denies them.
    pub allowed_tools: Option<Vec<String>>,
    /// Their requests a second.
    pub rate_limit: Option<f64>,
    /// Their burst.
    pub burst_size: Option<u32>,
    /// Whether a bearer token beside a certificate is taken, as the identity.
    pub allow_bearer: bool,
}

/// `[[auth.mtls.identities]]`
#[derive(Clone, Debug)]
pub struct MtlsIdentity {
    /// Where it is written: `auth.mtls.identities[0]`.
    pub key_path: String,
    /// `match`: pattern over whole identities.
    pub pattern: IdentityPattern,
    /// What those that match may use.
    pub allowed_tools: Vec<String>,
    /// What they may not use, whatever `allowed_tools` says.
    pub denied_tools: Vec<String>,
    /// Requests a second of each.
    pub rate_limit: Option<f64>,
    /// Burst of each.
    pub burst_size: Option<u32>,
}

/// `[[auth.api_keys]]`
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Where it is written: `auth.api_keys[0]`.
    pub key_path: String,
    /// Name of the identity, unique.
    pub id: String,
    /// SHA-256 of the key.
    pub key_hash: KeyHash,
    /// What the identity may use; empty allows nothing.
    pub allowed_tools: Vec<String>,
    /// What it may not use, whatever `allowed_tools` says.
    pub denied_tools: Vec<String>,
    /// Requests a second; the default of `[rate_limit]` when absent.
    pub rate_limit: Option<f64>,
    /// Burst; the default of `[rate_limit]` when absent.
    pub burst_size: Option<u32>,
    /// When the key ends, in Unix seconds.
    pub expires_at_unix_secs: Option<i64>,
}

/// `[auth.anonymous]`
#[derive(Clone, Debug)]
pub struct Anonymous {
    /// What callers without a credential may use; empty allows nothing.
    pub allowed_tools: Vec<String>,
    /// Requests a second of all of them together; the default of `[rate_limit]` when absent.
    pub rate_limit: Option<f64>,
    /// Whether anonymous callers are wanted on a listener that others can reach.
    pub i_understand: bool,
}
