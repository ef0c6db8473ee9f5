//! mcp-guard: one worker, API keys, a policy of a few globs, quotas on, audit file on, metrics on.

use std::fmt::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::failure::Failure;

use super::credentials::{AUDIENCE, CLIENT, ISSUER, SCOPE, SECRET};
use super::{Credentials, Entry, KEY, Lab, Launch, free_port, write_config};

/// What differs between two set-ups of the gateway.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    /// API keys configured; clients use the last one.
    pub(super) keys: usize,
    /// Microseconds that a worker polls before it sleeps.
    pub(super) busy_poll_us: u32,
    /// How clients come.
    pub(super) entry: Entry,
}

pub(super) fn launch(lab: &Lab, folder: &Path, port: u16, setup: Setup) -> Result<Launch, Failure> {
    let program = lab.guard.clone().ok_or(Failure::Argument {
        what: "--guard",
        value: "absent".to_owned(),
    })?;
    let admin_port = free_port().map_err(Failure::io("free port"))?;
    let config = folder.join("mcp-guard.toml");
    write_config(&config, &text(lab, folder, [port, admin_port], setup))?;
    let arguments = [
        "--config",
        &config.display().to_string(),
        "run",
        "--workers",
        "1",
    ]
    .map(str::to_owned);
    Ok(Launch {
        program,
        arguments: arguments.into(),
    })
}

/// Limits are far above what a run reaches, so that each is checked and none is met.
fn text(lab: &Lab, folder: &Path, [port, admin_port]: [u16; 2], setup: Setup) -> String {
    let (upstream_port, upstream_path, audit) = (
        lab.upstream_port,
        &lab.upstream_path,
        folder.join("audit.jsonl"),
    );
    let mut text = format!(
        r#"[server]
host = "127.0.0.1"
port = {port}
workers = 1
max_request_size = 2097152
busy_poll_us = {busy_poll_us}

[server.limits]
connections = 100000
connections_per_ip = 100000
streams_per_principal = 100000

[server.admin]
port = {admin_port}

[upstream]
transport = "http"
url = "http://127.0.0.1:{upstream_port}{upstream_path}"

[audit]
enabled = true
file = "{audit}"

[rate_limit]
enabled = true
requests_per_second = 1000000
burst_size = 1000000

[[rate_limit.tool_limits]]
tool_pattern = "bytes_*"
requests_per_second = 1000000
burst_size = 1000000
"#,
        busy_poll_us = setup.busy_poll_us,
        audit = audit.display(),
    );
    for number in 1..setup.keys {
        append_key(
            &format!("other-{number}"),
            &format!("mcp_other-{number}"),
            &mut text,
        );
    }
    match setup.entry {
        Entry::Key => append_key("perf", KEY, &mut text),
        Entry::Tls => {
            append_key("perf", KEY, &mut text);
            append_tls(&lab.credentials, "none", &mut text);
        }
        Entry::Certificate => {
            append_tls(&lab.credentials, "required", &mut text);
            append_identity(&mut text);
        }
        Entry::Token => append_issuer(&mut text),
    }
    text
}

fn append_tls(credentials: &Credentials, client_auth: &str, out: &mut String) {
    let path = |name| credentials.path(name);
    let _ = write!(
        out,
        r#"
[server.tls]
cert_path = "{}"
key_path = "{}"
client_auth = "{client_auth}"
"#,
        path("server.pem"),
        path("server.key"),
    );
    if client_auth != "none" {
        let _ = writeln!(out, "client_ca_path = \"{}\"", path("ca.pem"));
    }
}

fn append_identity(out: &mut String) {
    let _ = write!(
        out,
        r#"
[auth.mtls]
enabled = true
identity_source = "cn"

[[auth.mtls.identities]]
match = "{CLIENT}"
allowed_tools = {ALLOWED}
denied_tools = {DENIED}
rate_limit = 1000000
burst_size = 1000000
"#
    );
}

fn append_issuer(out: &mut String) {
    let _ = write!(
        out,
        r#"
[auth.jwt]
mode = "simple"
secret = "{SECRET}"
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
denied_tools = {DENIED}
rate_limit = 1000000
burst_size = 1000000

[auth.jwt.scope_tool_mapping]
{SCOPE} = {ALLOWED}
"#
    );
}

/// What clients may use, and what they may not.
const ALLOWED: &str = r#"["bytes_*", "sse_*", "hold", "read_*", "search_?"]"#;
const DENIED: &str = r#"["*_forbidden"]"#;

/// Writing into a string cannot fail.
fn append_key(id: &str, key: &str, out: &mut String) {
    let hash = STANDARD.encode(Sha256::digest(key));
    let _ = write!(
        out,
        r#"
[[auth.api_keys]]
id = "{id}"
key_hash = "{hash}"
allowed_tools = {ALLOWED}
denied_tools = {DENIED}
rate_limit = 1000000
burst_size = 1000000
"#
    );
}
