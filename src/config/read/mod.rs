//! Tree → [`Config`]: each section is read with its defaults, then the rules between sections are checked.
//!
//! Read [`config`] first. **Invariant:** reading goes on after an error, with the default in place of the value that was
//! refused, so that one run tells everything; the caller throws the result away when anything was an error.

mod auth;
mod child;
mod context;
mod headers;
mod jwt;
mod keys;
mod limits;
mod mtls;
mod oauth;
mod rules;
mod scopes;
mod secrets;
mod server;
mod table;
mod telemetry;
mod tls;
mod transport;
mod upstream;

pub(super) use context::Context;
use table::Table;

use crate::config::Overrides;
use crate::config::model::Config;
use crate::config::tree::Node;

/// Reads the tree at `root` and checks the rules, with what the command line overrides.
pub(super) fn config(cx: &Context<'_>, root: &Node, overrides: &Overrides) -> Config {
    let top = Table::root(cx, root);
    let mut config = Config {
        server: server::read(&top.section("server")),
        auth: auth::read(&top.section("auth")),
        rate_limit: telemetry::rate_limit(&top.section("rate_limit")),
        audit: telemetry::audit(&top.section("audit")),
        upstreams: upstream::read(&top.section("upstream")),
    };
    overrides.apply(&mut config.server);
    oauth::place(&top, &mut config);
    rules::check(cx, &config);
    config
}
