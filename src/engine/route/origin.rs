//! Which Origins may talk to us (MCP Streamable HTTP, Security Warning).

use std::net::IpAddr;

use super::authority::{Authority, PolicyError, PolicyFault, loopback_hosts, split_url};

/// What an [`OriginPolicy`] is made of.
#[derive(Clone, Copy, Debug)]
pub struct OriginSpec<'a> {
    /// `server.allowed_origins`. Where it is not empty, it alone decides.
    pub allowed_origins: &'a [String],
    /// `server.public_url`.
    pub public_url: Option<&'a str>,
    /// Where the listener is bound.
    pub bind: IpAddr,
    /// Its real port, not 0.
    pub port: u16,
}

/// Which Origins are accepted. `server.allowed_origins` alone decides; where it is empty, the origin of `public_url` and, on
/// a loopback listener, `http://localhost`, `http://127.0.0.1` and `http://[::1]` with the listener's port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OriginPolicy {
    accepted: Vec<Accepted>,
}

/// An origin whose port is always known.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Accepted {
    scheme: Box<str>,
    host: Box<str>,
    port: Option<u16>,
}

/// An origin as a browser writes it.
struct Origin<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<u16>,
}

impl<'a> Origin<'a> {
    /// Parses `scheme://host[:port]` and nothing more; `null` is no origin. A default port counts as written.
    fn parse(text: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let (scheme, authority) = text.split_once("://")?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        let named = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(plain);
        let Authority { host, port } = Authority::parse(authority.as_bytes())?;
        named.then_some(Self {
            scheme,
            host,
            port: port.or_else(|| default_port(scheme)),
        })
    }

    fn is(&self, accepted: &Accepted) -> bool {
        self.port == accepted.port
            && self.scheme.eq_ignore_ascii_case(&accepted.scheme)
            && self.host.eq_ignore_ascii_case(&accepted.host)
    }

    fn accept(&self) -> Accepted {
        Accepted {
            scheme: self.scheme.into(),
            host: self.host.into(),
            port: self.port,
        }
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        _ if scheme.eq_ignore_ascii_case("http") => Some(80),
        _ if scheme.eq_ignore_ascii_case("https") => Some(443),
        _ => None,
    }
}

/// Whether `origin`, a header's value, is the origin of `url`. A default port counts as written.
#[must_use]
pub fn is_origin_of(origin: &[u8], url: &str) -> bool {
    match (Origin::parse(origin), accept_public(url)) {
        (Some(given), Ok(own)) => given.is(&own),
        _ => false,
    }
}

impl OriginPolicy {
    /// Compiles the policy. Errors: every entry that is no origin.
    pub fn compile(spec: OriginSpec<'_>) -> Result<Self, Vec<PolicyError>> {
        if !spec.allowed_origins.is_empty() {
            return Self::listed(spec.allowed_origins);
        }
        let mut accepted = Vec::new();
        if let Some(url) = spec.public_url {
            accepted.push(accept_public(url).map_err(|error| vec![error])?);
        }
        if spec.bind.is_loopback() {
            let local = |host: String| Accepted {
                scheme: "http".into(),
                host: host.into(),
                port: Some(spec.port),
            };
            accepted.extend(loopback_hosts(spec.bind).into_iter().map(local));
        }
        Ok(Self { accepted })
    }

    /// Accepts exactly the origins listed. Errors: every entry that is no origin.
    pub fn listed(origins: &[String]) -> Result<Self, Vec<PolicyError>> {
        let (mut accepted, mut errors) = (Vec::new(), Vec::new());
        for (index, entry) in origins.iter().enumerate() {
            match accept_configured(entry) {
                Ok(origin) => accepted.push(origin),
                Err(reason) => errors.push(PolicyError {
                    index: Some(index),
                    entry: entry.clone(),
                    reason,
                }),
            }
        }
        if errors.is_empty() {
            Ok(Self { accepted })
        } else {
            Err(errors)
        }
    }

    /// Whether requests with this Origin value are served. One without the field is not asked. Allocates nothing.
    #[must_use]
    pub fn allows(&self, origin: &[u8]) -> bool {
        Origin::parse(origin).is_some_and(|given| self.accepted.iter().any(|own| given.is(own)))
    }

    /// Whether `other` accepts nothing that this policy refuses.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        other
            .accepted
            .iter()
            .all(|origin| self.accepted.contains(origin))
    }
}

fn accept_configured(entry: &str) -> Result<Accepted, PolicyFault> {
    if entry.contains('*') {
        return Err(PolicyFault::Wildcard);
    }
    Origin::parse(entry.to_ascii_lowercase().as_bytes())
        .map(|origin| origin.accept())
        .ok_or(PolicyFault::NotAnOrigin)
}

fn accept_public(url: &str) -> Result<Accepted, PolicyError> {
    let origin = split_url(url)
        .map(|(scheme, authority)| format!("{scheme}://{authority}").to_ascii_lowercase());
    let accepted =
        origin.and_then(|origin| Origin::parse(origin.as_bytes()).map(|origin| origin.accept()));
    accepted.ok_or_else(|| PolicyError {
        index: None,
        entry: url.to_owned(),
        reason: PolicyFault::NotAnOrigin,
    })
}

#[cfg(test)]
#[path = "origin/tests.rs"]
mod tests;
