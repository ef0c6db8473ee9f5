//! What workers pass to control of OAuth: requests to its endpoints, and opaque tokens whose issuer must be asked.

use std::fmt;
use std::net::IpAddr;

use zeroize::Zeroizing;

use super::ask::Asks;
use crate::engine::admission::Verb;
use crate::engine::identity::ProofDigest;
use crate::engine::identity::opaque::Verdict;
use crate::engine::oauth::OAuthEndpoint;

/// Requests to OAuth endpoints that may wait for control.
const REQUESTS_MAX: usize = 256;

/// Opaque tokens that may wait for control.
const TOKENS_MAX: usize = 1_024;

/// Requests to OAuth endpoints.
pub type OAuthRequests = Asks<OAuthRequest, OAuthReply>;

/// Opaque tokens that nobody has vouched for yet.
pub type VouchRequests = Asks<VouchRequest, Verdict>;

/// The queue of OAuth requests, empty.
pub(super) fn oauth_requests() -> OAuthRequests {
    Asks::new(REQUESTS_MAX)
}

/// The queue of opaque tokens, empty.
pub(super) fn vouch_requests() -> VouchRequests {
    Asks::new(TOKENS_MAX)
}

/// A whole request to an OAuth endpoint, owned. Host and Origin were checked. `Debug` shows no secret.
pub struct OAuthRequest {
    /// What for.
    pub endpoint: OAuthEndpoint,
    /// The method: GET, HEAD, POST or DELETE.
    pub verb: Verb,
    /// What follows `?` in the target; empty where nothing does.
    pub query: Box<[u8]>,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
    /// Content-Type.
    pub content_type: Option<Box<[u8]>>,
    /// Cookie, every field of it joined with `; `.
    pub cookie: Option<Zeroizing<Vec<u8>>>,
    /// Authorization.
    pub authorization: Option<Zeroizing<Vec<u8>>>,
    /// Origin.
    pub origin: Option<Box<[u8]>>,
    /// Sec-Fetch-Site.
    pub fetch_site: Option<Box<[u8]>>,
    /// The client's address, behind proxies that are trusted.
    pub client: IpAddr,
}

impl fmt::Debug for OAuthRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthRequest")
            .field("endpoint", &self.endpoint)
            .field("verb", &self.verb)
            .finish_non_exhaustive()
    }
}

/// What is answered, and what the record says of it. `Debug` shows no secret.
pub struct OAuthReply {
    /// HTTP status.
    pub status: u16,
    /// Fields beside framing, connection and those of every answer. Values are visible ASCII and spaces.
    pub fields: Vec<(&'static str, String)>,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
    /// For the audit record.
    pub told: Told,
}

impl fmt::Debug for OAuthReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthReply")
            .field("status", &self.status)
            .field("told", &self.told)
            .finish_non_exhaustive()
    }
}

/// What the audit record says of an OAuth request.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// What became of it.
    pub outcome: OAuthOutcome,
    /// Whose it was, as identities are written: `oauth:github 583231`.
    pub identity: Option<Box<str>>,
    /// What happened, in words for operators: the client's id, the fault. No secret.
    pub message: Option<Box<str>>,
}

/// How an OAuth request ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OAuthOutcome {
    /// A page or a document was shown, or the user sent on.
    #[default]
    Shown,
    /// Somebody has logged in, or a token was issued.
    Granted,
    /// Somebody may not, or a credential is bad.
    Denied,
    /// The request breaks a rule of the protocol, or a bound.
    Refused,
    /// Something of ours or the provider's failed.
    Failed,
}

impl OAuthOutcome {
    /// Every outcome.
    pub const ALL: [Self; 5] = [
        Self::Shown,
        Self::Granted,
        Self::Denied,
        Self::Refused,
        Self::Failed,
    ];

    /// The label in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// An opaque token whose issuer is to be asked. `Debug` shows nothing of it.
pub struct VouchRequest {
    /// By what the verdict is kept: [`ProofCache::digest`](crate::engine::identity::ProofCache::digest).
    pub digest: ProofDigest,
    /// The token: a token68 that is neither an API key, nor a signed token, nor a secret of the gateway's own.
    pub token: Zeroizing<Box<str>>,
}

impl fmt::Debug for VouchRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VouchRequest(..)")
    }
}
