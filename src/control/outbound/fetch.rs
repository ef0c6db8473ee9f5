//! One request and its answer.

use std::fmt;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;

use guard_io::http1::Method;
use rustls::ClientConfig;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::Policy;
use super::guard::{self, Forbidden};
use crate::config::model::FetchUrl;
use crate::control::http::{Answer, Client, ClientError};
use crate::control::resolve;

/// What is asked, of whom, and within which bounds.
#[derive(Clone, Copy)]
pub(in crate::control) struct Fetch<'a> {
    /// Where.
    pub(in crate::control) url: &'a FetchUrl,
    /// How.
    pub(in crate::control) method: Method,
    /// Fields beside Host, User-Agent and framing.
    pub(in crate::control) fields: &'a [(&'a str, &'a str)],
    /// The body.
    pub(in crate::control) body: &'a [u8],
    /// Which fields of the answer are wanted, the first of each name.
    pub(in crate::control) wanted: &'a [&'static str],
    /// Time from the look-up of the host to the last byte.
    pub(in crate::control) time_max: Duration,
    /// Largest body of an answer.
    pub(in crate::control) bytes_max: usize,
    /// Where it may lead.
    pub(in crate::control) policy: Policy,
}

/// A whole answer, whatever its status, but for redirects. `Debug` shows no content.
pub(in crate::control) struct Fetched {
    /// HTTP status.
    pub(in crate::control) status: u16,
    fields: Vec<(&'static str, Vec<u8>)>,
    /// The body; tokens may be in it.
    pub(in crate::control) body: Zeroizing<Vec<u8>>,
}

impl Fetched {
    /// The value of the first field called `name`, where it was wanted and is there.
    pub(in crate::control) fn field(&self, name: &str) -> Option<&[u8]> {
        let found = self.fields.iter().find(|(found, _)| *found == name);
        found.map(|(_, value)| &**value)
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(in crate::control) enum OutboundFault {
    /// Not whole in time.
    TimedOut {
        /// The bound.
        time_max: Duration,
    },
    /// The host has no address.
    Unresolved(std::io::Error),
    /// It has one that is never asked.
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
}

impl OutboundFault {
    /// Whether nobody was reached who could have answered.
    pub(in crate::control) const fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Unresolved(_)
                | Self::Trust(_)
                | Self::Http(
                    ClientError::Connect(_)
                        | ClientError::Tls(_)
                        | ClientError::Broken(_)
                        | ClientError::Closed,
                )
        )
    }
}

impl fmt::Display for OutboundFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut { time_max } => {
                write!(f, "no whole answer within {} ms", time_max.as_millis())
            }
            Self::Unresolved(error) => write!(f, "host does not resolve: {error}"),
            Self::Forbidden(why) => why.fmt(f),
            Self::Trust(why) => f.write_str(why),
            Self::Http(error) => error.fmt(f),
            Self::Redirect {
                status,
                origin: Some(origin),
            } => write!(
                f,
                "answer is a redirect ({status}) to {origin}; redirects are not followed"
            ),
            Self::Redirect {
                status,
                origin: None,
            } => write!(
                f,
                "answer is a redirect ({status}); redirects are not followed"
            ),
        }
    }
}

impl std::error::Error for OutboundFault {}

impl Fetch<'_> {
    /// Asks, trusting `config` where the URL is `https`: one request on one connection, to an address that was looked up and
    /// judged just before.
    ///
    /// Errors: each variant of [`OutboundFault`]. An answer of any status but a redirect is none.
    pub(in crate::control) async fn send(
        &self,
        config: Option<&Arc<ClientConfig>>,
    ) -> Result<Fetched, OutboundFault> {
        let time_max = self.time_max;
        match timeout(time_max, self.send_unbounded(config)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(OutboundFault::TimedOut { time_max }),
        }
    }

    async fn send_unbounded(
        &self,
        config: Option<&Arc<ClientConfig>>,
    ) -> Result<Fetched, OutboundFault> {
        let url = self.url;
        let resolved = resolve::addresses(&url.host, url.port)
            .await
            .map_err(OutboundFault::Unresolved)?;
        guard::judge(resolved.addresses(), url.is_secure, self.policy)
            .map_err(OutboundFault::Forbidden)?;
        let secure = match (url.is_secure, config) {
            (false, _) => None,
            (true, Some(config)) => Some((&*url.host, config)),
            (true, None) => return Err(OutboundFault::Trust("there is nobody to trust".into())),
        };
        let connected = Client::connect_to(resolved.addresses(), secure).await;
        let mut client = connected.map_err(OutboundFault::Http)?;
        let host = host_field(url);
        let mut fields = vec![("Host", host.as_str()), USER_AGENT];
        fields.extend_from_slice(self.fields);
        let mut answer = client
            .send(self.method, &url.target, &fields, self.body)
            .await
            .map_err(OutboundFault::Http)?;
        check_place(&answer)?;
        let body = answer.whole_body(self.bytes_max).await;
        let body = body.map_err(OutboundFault::Http)?;
        Ok(Fetched {
            status: answer.status,
            fields: self.wanted_of(&answer),
            body: Zeroizing::new(body),
        })
    }

    fn wanted_of(&self, answer: &Answer<'_>) -> Vec<(&'static str, Vec<u8>)> {
        let found = |name: &&'static str| Some((*name, answer.header(name)?.to_vec()));
        self.wanted.iter().filter_map(found).collect()
    }
}

/// GitHub, among others, refuses requests without one.
const USER_AGENT: (&str, &str) = (
    "User-Agent",
    concat!("mcp-guard/", env!("CARGO_PKG_VERSION")),
);

fn check_place(answer: &Answer<'_>) -> Result<(), OutboundFault> {
    match answer.status {
        status @ (301..=303 | 307 | 308) => Err(OutboundFault::Redirect {
            status,
            origin: answer.header("location").and_then(origin),
        }),
        _ => Ok(()),
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
mod tests {
    use super::{host_field, origin};
    use crate::config::model::FetchUrl;

    #[test]
    fn a_redirect_cannot_write_into_the_log() {
        for (location, told) in [
            ("https://a.example/b", Some("https://a.example")),
            ("https://u:secret@a.example?x", Some("https://a.example")),
            ("/elsewhere", None),
            ("https://a\u{1b}[31m.example/", None),
            ("https://a b/", None),
        ] {
            assert_eq!(origin(location.as_bytes()).as_deref(), told, "{location:?}");
        }
        assert_eq!(
            origin(format!("https://{}", "a".repeat(300)).as_bytes()),
            None
        );
        assert_eq!(origin(b"https://\xff/"), None);
    }

    #[test]
    fn the_host_field_names_the_port_only_where_it_must() {
        let url = |is_secure, host: &str, port| FetchUrl {
            text: String::new(),
            is_secure,
            host: host.to_owned(),
            port,
            target: "/".to_owned(),
            ca_path: None,
        };
        for (url, field) in [
            (url(true, "a.example", 443), "a.example"),
            (url(true, "a.example", 80), "a.example:80"),
            (url(false, "127.0.0.1", 80), "127.0.0.1"),
            (url(false, "::1", 8_080), "[::1]:8080"),
            (url(true, "::1", 443), "[::1]"),
        ] {
            assert_eq!(host_field(&url), field);
        }
    }
}
