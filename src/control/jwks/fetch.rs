//! One fetch of a key set.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use guard_io::http1::Method;
use rustls::ClientConfig;

use crate::config::model::FetchUrl;
use crate::control::freshness;
use crate::control::outbound::{Fetch, OutboundFault, Policy};
use crate::engine::identity::jwt::JwksError;
use crate::engine::limits::{JWKS_BYTES_MAX, JWKS_FETCH_MS_MAX};
use crate::metrics::JwksResult;

const FETCH_TIME: Duration = Duration::from_millis(JWKS_FETCH_MS_MAX);

/// What a good answer brings.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) document: Vec<u8>,
    /// How long it says that it is fresh.
    pub(super) own_life: Option<Duration>,
}

/// Why there is no set.
#[derive(Debug)]
pub(super) enum FetchFault {
    /// There is no answer.
    Outbound(OutboundFault),
    /// The host says no.
    Status(u16),
    /// The answer is no set that can be used.
    Unusable(JwksError),
    /// This build cannot verify signatures.
    NoLibrary,
}

impl FetchFault {
    pub(super) const fn result(&self) -> JwksResult {
        match self {
            Self::Outbound(fault) if fault.is_unreachable() => JwksResult::Unreachable,
            Self::Outbound(fault) => match fault {
                OutboundFault::TimedOut { .. } => JwksResult::TimedOut,
                OutboundFault::Forbidden(_) => JwksResult::Forbidden,
                OutboundFault::Redirect { .. } => JwksResult::BadStatus,
                _ => JwksResult::BadAnswer,
            },
            Self::Status(_) => JwksResult::BadStatus,
            Self::Unusable(_) | Self::NoLibrary => JwksResult::BadAnswer,
        }
    }
}

impl fmt::Display for FetchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outbound(fault @ OutboundFault::Redirect { .. }) => {
                write!(f, "{fault}: put the final URL into jwks_url")
            }
            Self::Outbound(fault) => fault.fmt(f),
            Self::Status(status) => write!(f, "answer has status {status}; 200 is needed"),
            Self::Unusable(error) => error.fmt(f),
            Self::NoLibrary => f.write_str("this build cannot verify signatures"),
        }
    }
}

/// Fetches what is at `url`, trusting `config` where it is `https`. At most [`JWKS_FETCH_MS_MAX`] and [`JWKS_BYTES_MAX`].
pub(super) async fn fetch(
    url: &FetchUrl,
    config: Option<&Arc<ClientConfig>>,
) -> Result<Fetched, FetchFault> {
    let fetch = Fetch {
        url,
        method: Method::Get,
        fields: &[("Accept", "application/jwk-set+json, application/json")],
        body: b"",
        wanted: &["cache-control", "age"],
        time_max: FETCH_TIME,
        bytes_max: JWKS_BYTES_MAX,
        policy: Policy::OperatorNamed,
    };
    let mut answer = fetch.send(config).await.map_err(FetchFault::Outbound)?;
    if answer.status != 200 {
        return Err(FetchFault::Status(answer.status));
    }
    let own_life = freshness::remaining(answer.field("cache-control"), answer.field("age"));
    let document = std::mem::take(&mut *answer.body);
    Ok(Fetched { document, own_life })
}

#[cfg(test)]
#[path = "fetch/tests.rs"]
mod tests;
