//! Rules between sections.

use std::collections::HashMap;
use std::hash::Hash;

use crate::config::model::{Config, Server, Upstream};
use crate::config::problem::Problem;
use crate::config::read::context::Context;

pub(super) fn check(cx: &Context<'_>, config: &Config) {
    exposure(cx, config);
    same_listener(cx, &config.server);
    let keys = &config.auth.api_keys;
    unique(
        cx,
        "id",
        keys.iter().map(|key| (key.key_path.as_str(), &key.id)),
    );
    unique(
        cx,
        "key_hash",
        keys.iter()
            .map(|key| (key.key_path.as_str(), &key.key_hash)),
    );
    let servers = &config.upstreams;
    unique(
        cx,
        "name",
        servers
            .iter()
            .map(|server| (server.key_path.as_str(), &server.name)),
    );
    one_default(cx, servers);
    for server in servers
        .iter()
        .filter(|server| server.strip_prefix && server.path_prefix.is_none())
    {
        let remedy = "without a prefix there is nothing to strip; set path_prefix";
        let other = "an absent path_prefix".to_owned();
        cx.report(
            format!("{}.strip_prefix", server.key_path),
            Problem::Conflict { other, remedy },
        );
    }
    if config.audit.enabled && config.audit.file.is_none() && !config.audit.stdout {
        cx.report("audit", Problem::AuditNowhere);
    }
    if !servers.is_empty() {
        cx.report("upstream", Problem::SessionsUnsealed);
    }
}

/// What others can reach must ask them who they are.
fn exposure(cx: &Context<'_>, config: &Config) {
    let server = &config.server;
    let careless = config
        .auth
        .anonymous
        .as_ref()
        .is_some_and(|anonymous| !anonymous.i_understand);
    if careless && !server.host.is_loopback() {
        cx.report(
            "auth.anonymous",
            Problem::AnonymousExposed {
                host: server.host.to_string(),
            },
        );
    }
    let admin = &server.admin;
    if admin.token.is_none() && !admin.host.is_loopback() {
        cx.report(
            "server.admin.host",
            Problem::AdminExposed {
                host: admin.host.to_string(),
            },
        );
    }
}

fn same_listener(cx: &Context<'_>, server: &Server) {
    if server.port != 0 && server.address() == server.admin.address() {
        cx.report(
            "server.admin.port",
            Problem::SameAs {
                other: "server.port".to_owned(),
            },
        );
    }
}

/// Reports each value that an earlier item has too.
fn unique<'a, T: Hash + Eq + 'a>(
    cx: &Context<'_>,
    key: &str,
    items: impl Iterator<Item = (&'a str, &'a T)>,
) {
    let mut seen: HashMap<&T, &str> = HashMap::new();
    for (path, value) in items {
        if let Some(first) = seen.get(value) {
            cx.report(
                format!("{path}.{key}"),
                Problem::SameAs {
                    other: format!("{first}.{key}"),
                },
            );
        } else {
            seen.insert(value, path);
        }
    }
}

fn one_default(cx: &Context<'_>, servers: &[Upstream]) {
    let mut defaults = servers.iter().filter(|server| server.default);
    let Some(first) = defaults.next() else { return };
    for second in defaults {
        let other = format!("{}.default", first.key_path);
        let remedy = "`/mcp` leads to one server; keep one of them";
        cx.report(
            format!("{}.default", second.key_path),
            Problem::Conflict { other, remedy },
        );
    }
}
