//! The servers behind the gateway, and the paths that lead to them.

use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::config::compile::Findings;
use crate::config::compile::identity::refuse_entries;
use crate::config::model::{Child, Target, Upstream};
use crate::config::problem::Problem;
use crate::config::secret::Secret;
use crate::config::url::default_port;
use crate::engine::limits::SERVERS_MAX;
use crate::engine::policy::Ceiling;
use crate::engine::route::RouteConflict;
use crate::engine::snapshot::{self, ChildCommand, InjectedHeader, ServerParts, UpstreamAddress};

/// What a server without a host name is told that its host is.
const LOCAL_HOST: &str = "localhost";

pub(super) fn servers(upstreams: &[Upstream], findings: &mut Findings) -> Vec<ServerParts> {
    upstreams
        .iter()
        .map(|upstream| server(upstream, findings))
        .collect()
}

fn server(upstream: &Upstream, findings: &mut Findings) -> ServerParts {
    ServerParts {
        connect_timeout_ms: millis(upstream.connect_timeout),
        timeout_ms: millis(upstream.timeout),
        inject_headers: injected(upstream),
        forward_headers: boxed(&upstream.forward_headers),
        forward_response_headers: boxed(&upstream.forward_response_headers),
        ceiling: ceiling(upstream, findings),
        required: upstream.required,
        default: upstream.default,
        path_prefix: upstream.path_prefix.as_deref().map(Into::into),
        strip_prefix: upstream.strip_prefix,
        ..ServerParts::new(&upstream.name, place(upstream))
    }
}

fn place(upstream: &Upstream) -> snapshot::Upstream {
    let (address, target, host_header) = match &upstream.target {
        Target::Http {
            host,
            port,
            path,
            tls,
        } => {
            let address = UpstreamAddress::Http {
                host: host.as_str().into(),
                port: *port,
                is_secure: tls.is_some(),
            };
            (
                address,
                path.as_str(),
                host_header(host, *port, tls.is_some()),
            )
        }
        Target::Unix { socket, path } => {
            let address = UpstreamAddress::Unix {
                path: socket.clone(),
            };
            (address, path.as_str(), LOCAL_HOST.to_owned())
        }
        Target::Child(child) => {
            let address = UpstreamAddress::Child(Arc::new(command(child)));
            (address, "/", LOCAL_HOST.to_owned())
        }
    };
    snapshot::Upstream {
        address,
        target: target.into(),
        host_header: host_header.into(),
        speech: upstream.speech,
    }
}

fn command(child: &Child) -> ChildCommand {
    let variable = |(name, value): &(String, Secret)| {
        let value = Zeroizing::new(value.expose().to_owned());
        (name.as_str().into(), value)
    };
    ChildCommand {
        command: child.command.as_str().into(),
        args: boxed(&child.args),
        env: child.env.iter().map(variable).collect(),
        cwd: child.cwd.clone(),
        instances: child.instances,
        max_children: child.children_max,
        restarts: child.restarts,
    }
}

fn host_header(host: &str, port: u16, is_secure: bool) -> String {
    let host = if host.parse::<Ipv6Addr>().is_ok() {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    if port == default_port(is_secure) {
        host
    } else {
        format!("{host}:{port}")
    }
}

fn injected(upstream: &Upstream) -> Vec<InjectedHeader> {
    let header = |name: &str, value: String| InjectedHeader {
        name: name.into(),
        value: Zeroizing::new(value.into_bytes()),
    };
    let bearer = upstream
        .bearer_token
        .iter()
        .map(|token| header("Authorization", format!("Bearer {}", token.expose())));
    let others = upstream
        .headers
        .iter()
        .map(|(name, value)| header(name, value.expose().to_owned()));
    bearer.chain(others).collect()
}

fn ceiling(upstream: &Upstream, findings: &mut Findings) -> Ceiling {
    let Some(entries) = &upstream.allowed_tools else {
        return Ceiling::NONE;
    };
    Ceiling::compile(entries).unwrap_or_else(|errors| {
        refuse_entries(&upstream.key_path, errors, findings);
        Ceiling::NONE
    })
}

/// Reports conflicts between routes at the later of two servers. Having no server at all was reported when reading.
pub(super) fn conflicts(
    upstreams: &[Upstream],
    conflicts: Vec<RouteConflict>,
    findings: &mut Findings,
) {
    for conflict in conflicts {
        let key = match conflict {
            RouteConflict::NoServer => continue,
            RouteConflict::TooManyServers => {
                let accepted = format!("up to {SERVERS_MAX} servers");
                let value = upstreams.len().to_string();
                findings.add("upstream.servers", Problem::OutOfRange { value, accepted });
                continue;
            }
            RouteConflict::BadName { .. } | RouteConflict::SameName { .. } => "name",
            RouteConflict::SecondDefault { .. } => "default",
            RouteConflict::BadPrefix { .. }
            | RouteConflict::ReservedPrefix { .. }
            | RouteConflict::SamePrefix { .. } => "path_prefix",
        };
        refuse(upstreams, &conflict, key, findings);
    }
}

fn refuse(upstreams: &[Upstream], conflict: &RouteConflict, key: &str, findings: &mut Findings) {
    let (index, same): (usize, fn(&Upstream, &Upstream) -> bool) = match *conflict {
        RouteConflict::SameName { index } => (index, |one, other| one.name == other.name),
        RouteConflict::SecondDefault { index } => {
            (index, |one, other| one.default == other.default)
        }
        RouteConflict::SamePrefix { index } => {
            (index, |one, other| one.path_prefix == other.path_prefix)
        }
        RouteConflict::BadName { index }
        | RouteConflict::BadPrefix { index }
        | RouteConflict::ReservedPrefix { index } => (index, |_, _| false),
        RouteConflict::NoServer | RouteConflict::TooManyServers => return,
    };
    let Some(refused) = upstreams.get(index) else {
        return;
    };
    let first = upstreams[..index].iter().find(|other| same(refused, other));
    let problem = match first {
        Some(first) => Problem::SameAs {
            other: format!("{}.{key}", first.key_path),
        },
        None => Problem::BadRoute {
            reason: conflict.to_string(),
        },
    };
    findings.add(format!("{}.{key}", refused.key_path), problem);
}

fn boxed(names: &[String]) -> Vec<Box<str>> {
    names.iter().map(|name| name.as_str().into()).collect()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
