//! Which Host values are ours: the defence against DNS rebinding (MCP Streamable HTTP, Security Warning).

use std::net::IpAddr;

use super::authority::{Authority, PolicyError, PolicyFault, loopback_hosts, split_url};

/// What a [`HostPolicy`] is made of.
#[derive(Clone, Copy, Debug)]
pub struct HostSpec<'a> {
    /// `server.allowed_hosts`: `name` for any port, `name:port` for one.
    pub allowed_hosts: &'a [String],
    /// `server.public_url`.
    pub public_url: Option<&'a str>,
    /// Where the listener is bound.
    pub bind: IpAddr,
    /// Its real port, not 0.
    pub port: u16,
}

/// Which Host values are accepted. On a loopback listener `localhost`, `127.0.0.1`, `[::1]` and the bound address, with the
/// listener's port or none; `allowed_hosts` and the host of `public_url` besides. On any other listener these two alone,
/// or every host when `allowed_hosts` is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPolicy {
    any: bool,
    accepted: Vec<Accepted>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Accepted {
    host: Box<str>,
    port: AcceptedPort,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AcceptedPort {
    Any,
    Exactly(u16),
    ThisOrNone(u16),
}

impl AcceptedPort {
    fn accepts(self, port: Option<u16>) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(own) => port == Some(own),
            Self::ThisOrNone(own) => port.is_none_or(|port| port == own),
        }
    }
}

impl HostPolicy {
    /// Accepts every host that is one, as on a listener off loopback without `allowed_hosts`.
    #[must_use]
    pub const fn any() -> Self {
        Self {
            any: true,
            accepted: Vec::new(),
        }
    }

    /// Compiles the policy. Errors: every entry that is no host.
    pub fn compile(spec: HostSpec<'_>) -> Result<Self, Vec<PolicyError>> {
        let (mut accepted, mut errors) = (Vec::new(), Vec::new());
        for (index, entry) in spec.allowed_hosts.iter().enumerate() {
            match accept_configured(entry) {
                Ok(host) => accepted.push(host),
                Err(reason) => errors.push(PolicyError {
                    index: Some(index),
                    entry: entry.clone(),
                    reason,
                }),
            }
        }
        if let Some(url) = spec.public_url {
            match split_url(url)
                .ok_or(PolicyFault::NotAHost)
                .and_then(|(_, authority)| accept_public(authority))
            {
                Ok(host) => accepted.push(host),
                Err(reason) => errors.push(PolicyError {
                    index: None,
                    entry: url.to_owned(),
                    reason,
                }),
            }
        }
        if spec.bind.is_loopback() {
            let port = AcceptedPort::ThisOrNone(spec.port);
            accepted.extend(loopback_hosts(spec.bind).into_iter().map(|host| Accepted {
                host: host.into(),
                port,
            }));
        }
        let any = !spec.bind.is_loopback() && spec.allowed_hosts.is_empty();
        if errors.is_empty() {
            Ok(Self { any, accepted })
        } else {
            Err(errors)
        }
    }

    /// Whether a request with this Host value is meant for us. Names compare without case. Allocates nothing.
    #[must_use]
    pub fn allows(&self, host: &[u8]) -> bool {
        let Some(given) = Authority::parse(host) else {
            return false;
        };
        self.any
            || self.accepted.iter().any(|own| {
                own.host.eq_ignore_ascii_case(given.host) && own.port.accepts(given.port)
            })
    }
}

fn accept_configured(entry: &str) -> Result<Accepted, PolicyFault> {
    if entry.contains('*') {
        return Err(PolicyFault::Wildcard);
    }
    let given = Authority::parse(entry.as_bytes()).ok_or(PolicyFault::NotAHost)?;
    Ok(Accepted {
        host: given.host.into(),
        port: given.port.map_or(AcceptedPort::Any, AcceptedPort::Exactly),
    })
}

/// The public host is accepted with any port: what stands before the gateway may or may not pass one on.
fn accept_public(authority: &str) -> Result<Accepted, PolicyFault> {
    let given = Authority::parse(authority.as_bytes()).ok_or(PolicyFault::NotAHost)?;
    Ok(Accepted {
        host: given.host.into(),
        port: AcceptedPort::Any,
    })
}

#[cfg(test)]
#[path = "host/tests.rs"]
mod tests;
