//! One fetch of a key set.

use std::fmt;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;

use guard_io::http1::Method;
use rustls::ClientConfig;
use tokio::time::timeout;

use super::freshness;
use super::guard::{self, Forbidden};
use crate::config::model::FetchUrl;
use crate::control::http::{Answer, Client, ClientError};
use crate::control::resolve;
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
    /// Not whole within [`JWKS_FETCH_MS_MAX`].
    TimedOut,
    /// The host has no address.
    Unresolved(std::io::Error),
    /// It has one that is never fetched from.
    Forbidden(Forbidden),
    /// There is nobody to trust.
    Trust(String),
    /// Connection or HTTP.
    Http(ClientError),
    /// The host sends elsewhere.
    Redirect {
        /// HTTP status.
        status: u16,
        /// Scheme and authority of the target, where it names them.
        origin: Option<String>,
    },
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
            Self::TimedOut => JwksResult::TimedOut,
            Self::Forbidden(_) => JwksResult::Forbidden,
            Self::Unresolved(_)
            | Self::Trust(_)
            | Self::Http(
                ClientError::Connect(_)
                | ClientError::Tls(_)
                | ClientError::Broken(_)
                | ClientError::Closed,
            ) => JwksResult::Unreachable,
            Self::Redirect { .. } | Self::Status(_) => JwksResult::BadStatus,
            Self::Http(_) | Self::Unusable(_) | Self::NoLibrary => JwksResult::BadAnswer,
        }
    }
}

impl fmt::Display for FetchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => write!(f, "no whole answer within {} ms", JWKS_FETCH_MS_MAX),
            Self::Unresolved(error) => write!(f, "host does not resolve: {error}"),
            Self::Forbidden(why) => why.fmt(f),
            Self::Trust(why) => f.write_str(why),
            Self::Http(error) => error.fmt(f),
            Self::Redirect { status, origin } => match origin {
                Some(origin) => write!(
                    f,
                    "answer is a redirect ({status}) to {origin}; redirects are not followed: put the final URL into jwks_url"
                ),
                None => write!(
                    f,
                    "answer is a redirect ({status}); redirects are not followed: put the final URL into jwks_url"
                ),
            },
            Self::Status(status) => write!(f, "answer has status {status}; 200 is needed"),
            Self::Unusable(error) => error.fmt(f),
            Self::NoLibrary => f.write_str("this build cannot verify signatures"),
        }
    }
}

/// Fetches what is at `url`, trusting `config` where it is `https`. At most [`JWKS_FETCH_MS_MAX`] and [`JWKS_BYTES_MAX`]; one
/// request to one connection, to an address that was looked up and judged just before.
pub(super) async fn fetch(
    url: &FetchUrl,
    config: Option<&Arc<ClientConfig>>,
) -> Result<Fetched, FetchFault> {
    match timeout(FETCH_TIME, fetch_unbounded(url, config)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(FetchFault::TimedOut),
    }
}

async fn fetch_unbounded(
    url: &FetchUrl,
    config: Option<&Arc<ClientConfig>>,
) -> Result<Fetched, FetchFault> {
    let resolved = resolve::addresses(&url.host, url.port)
        .await
        .map_err(FetchFault::Unresolved)?;
    guard::judge(resolved.addresses(), url.is_secure).map_err(FetchFault::Forbidden)?;
    let secure = match (url.is_secure, config) {
        (false, _) => None,
        (true, Some(config)) => Some((&*url.host, config)),
        (true, None) => return Err(FetchFault::Trust("there is nobody to trust".into())),
    };
    let connected = Client::connect_to(resolved.addresses(), secure).await;
    let mut client = connected.map_err(FetchFault::Http)?;
    let host = host_field(url);
    let fields = [
        ("Host", host.as_str()),
        ("Accept", "application/jwk-set+json, application/json"),
        (
            "User-Agent",
            concat!("mcp-guard/", env!("CARGO_PKG_VERSION")),
        ),
    ];
    let answer = client
        .send(Method::Get, &url.target, &fields, b"")
        .await
        .map_err(FetchFault::Http)?;
    check_status(&answer)?;
    let own_life = freshness::remaining(answer.header("cache-control"), answer.header("age"));
    let document = answer
        .body(JWKS_BYTES_MAX)
        .await
        .map_err(FetchFault::Http)?;
    Ok(Fetched { document, own_life })
}

fn check_status(answer: &Answer<'_>) -> Result<(), FetchFault> {
    match answer.status {
        200 => Ok(()),
        status @ (301..=303 | 307 | 308) => Err(FetchFault::Redirect {
            status,
            origin: answer.header("location").and_then(origin),
        }),
        status => Err(FetchFault::Status(status)),
    }
}

/// Longest origin of a redirect that is told, in bytes.
const ORIGIN_BYTES_MAX: usize = 256;

/// Scheme and authority of an absolute URL, where they can be shown.
fn origin(location: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(location).ok()?;
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    // User information is nobody's business but the host's.
    let host = authority.rsplit('@').next()?;
    let origin = format!("{scheme}://{host}");
    let is_plain =
        origin.len() <= ORIGIN_BYTES_MAX && origin.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain.then_some(origin)
}

fn host_field(url: &FetchUrl) -> String {
    let host = match url.host.parse::<Ipv6Addr>() {
        Ok(_) => format!("[{}]", url.host),
        Err(_) => url.host.clone(),
    };
    match (url.is_secure, url.port) {
        (true, 443) | (false, 80) => host,
        (_, port) => format!("{host}:{port}"),
    }
}

#[cfg(test)]
#[path = "fetch/tests.rs"]
mod tests;
