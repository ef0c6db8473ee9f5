//! Rules between sections.

mod credentials;

use crate::config::model::{Config, Server, Target};
use crate::config::problem::Problem;
use crate::config::read::context::Context;

pub(super) fn check(cx: &Context<'_>, config: &Config) {
    exposure(cx, config);
    credentials::check(cx, config);
    same_listener(cx, &config.server);
    let limits = &config.server.limits;
    if limits.list_bytes > limits.event_bytes {
        let remedy = "a list travels in one event; raise event_bytes to at least list_bytes";
        let other = "server.limits.event_bytes".to_owned();
        cx.report(
            "server.limits.list_bytes",
            Problem::Conflict { other, remedy },
        );
    }
    let servers = &config.upstreams;
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
    for server in servers
        .iter()
        .filter(|server| server.strip_prefix && matches!(server.target, Target::Child(_)))
    {
        let remedy = "a stdio server has no paths; remove it";
        let other = format!("{}.command", server.key_path);
        cx.report(
            format!("{}.strip_prefix", server.key_path),
            Problem::Conflict { other, remedy },
        );
    }
    if config.audit.enabled && config.audit.file.is_none() && !config.audit.stdout {
        cx.report("audit", Problem::AuditNowhere);
    }
    if config.server.busy_poll_us > 0 {
        cx.report("server.busy_poll_us", Problem::PollingUnavailable);
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
