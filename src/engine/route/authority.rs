//! Host names and ports, as Host and Origin write them.

use std::fmt;
use std::net::IpAddr;

/// A host with its port, where one is written. The host is a name, an IPv4 address, or an IPv6 address in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Authority<'a> {
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Parses `host[:port]`, strictly: no user, no escapes, no empty port, no trailing dot. Source: RFC 3986 §3.2.
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let host_end = if text.starts_with('[') {
            text.find(']')? + 1
        } else {
            text.find(':').unwrap_or(text.len())
        };
        let (host, rest) = text.split_at(host_end);
        let port = if rest.is_empty() {
            None
        } else {
            Some(parse_port(rest.strip_prefix(':')?)?)
        };
        is_host(host).then_some(Self { host, port })
    }
}

/// Whether the host of `authority` is `name`, without case, or an address, which has no name.
pub fn names_host(authority: &[u8], name: &str) -> bool {
    Authority::parse(authority).is_some_and(|given| {
        let is_address =
            given.host.starts_with('[') || given.host.parse::<std::net::Ipv4Addr>().is_ok();
        is_address || given.host.eq_ignore_ascii_case(name)
    })
}

fn parse_port(digits: &str) -> Option<u16> {
    let plain = (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(plain)
        && !host.starts_with('.')
        && !host.ends_with('.')
}

/// An address as Host and Origin write it.
pub(super) fn host_text(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

/// The names by which a loopback listener at `bind` may be called.
pub(super) fn loopback_hosts(bind: IpAddr) -> Vec<String> {
    let mut hosts = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "[::1]".to_owned(),
    ];
    let own = host_text(bind);
    if !hosts.contains(&own) {
        hosts.push(own);
    }
    hosts
}

/// The authority of `scheme://authority[/path]`, and the scheme.
pub(super) fn split_url(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    Some((scheme, authority))
}

/// An entry of a Host or Origin list that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// Its index in the list, or `None` for the one that came from `public_url`.
    pub index: Option<usize>,
    /// Its text.
    pub entry: String,
    /// What is wrong with it.
    pub reason: PolicyFault,
}

/// Why an entry is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyFault {
    /// Not `host` or `host:port`.
    NotAHost,
    /// Not `scheme://host` or `scheme://host:port`.
    NotAnOrigin,
    /// `*` would let every web page in.
    Wildcard,
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAHost => "entry is no host; accepted is `name`, `name:port`, an IPv4 address or an IPv6 address in brackets",
            Self::NotAnOrigin => "entry is no origin; accepted is `https://name` or `https://name:port`, without a path",
            Self::Wildcard => "a wildcard would let every web page in; name each one",
        })
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Some(index) => write!(f, "[{index}] {:?}: {}", self.entry, self.reason),
            None => write!(f, "public_url {:?}: {}", self.entry, self.reason),
        }
    }
}

impl std::error::Error for PolicyError {}
