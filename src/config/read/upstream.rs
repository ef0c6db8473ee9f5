//! `[upstream]` and `[[upstream.servers]]`.
//!
//! Beside servers, `[upstream]` holds what they share: `transport` and `era`, the timeouts, the forwarded headers, and how many
//! children there are. `url` and `command` with what belongs to them, `bearer_token`, `headers` and the files of TLS belong to
//! one server: a credential that reached every server would be a leak.

use std::time::Duration;

use crate::config::model::{Target, Upstream};
use crate::config::problem::Problem;
use crate::config::read::child::{self, Children};
use crate::config::read::table::Table;
use crate::config::read::transport::{Said, Transport};
use crate::config::read::{auth, headers, tls};
use crate::config::url::parse_target;

/// Name of a lone `[upstream]`.
const LONE: &str = "default";

/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 64;

const NAME: &str = "1 to 64 of a-z, 0-9, _ and -";
const URL: &str = "http:// or https://host[:port][/path], or unix:/socket[:/path]";
const PREFIX: &str = "a path such as /github, without trailing slash, dots or escapes";

/// Keys that one server has for itself.
const OWN: [&str; 11] = [
    "url",
    "headers",
    "bearer_token",
    "bearer_token_file",
    "command",
    "args",
    "env",
    "cwd",
    "tls_ca_path",
    "tls_client_cert_path",
    "tls_client_key_path",
];

pub(super) fn read(table: &Table<'_>) -> Vec<Upstream> {
    let servers = table.sections("servers");
    let shared = Shared::read(table, &Shared::default());
    if servers.is_empty() {
        return lone(table, shared).into_iter().collect();
    }
    for key in OWN.into_iter().filter(|key| table.has(key)) {
        let remedy = "move it into the server that it is meant for";
        table.report(
            key,
            Problem::Conflict {
                other: table.path_of("servers"),
                remedy,
            },
        );
    }
    let mut upstreams: Vec<_> = servers
        .iter()
        .filter_map(|server| named(server, &shared))
        .collect();
    if let Some(first) = upstreams
        .first_mut()
        .filter(|_| servers.iter().all(|server| !server.has("default")))
    {
        first.default = true;
    }
    upstreams
}

/// What servers inherit from `[upstream]`.
struct Shared {
    said: Said,
    children: Children,
    timeout: Duration,
    connect_timeout: Duration,
    forward_headers: Vec<String>,
    forward_response_headers: Vec<String>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            said: Said::default(),
            children: Children::default(),
            timeout: Duration::from_secs(300),
            connect_timeout: Duration::from_secs(5),
            forward_headers: Vec::new(),
            forward_response_headers: Vec::new(),
        }
    }
}

impl Shared {
    fn read(table: &Table<'_>, outer: &Self) -> Self {
        let timeout = Duration::from_millis(100)..=Duration::from_secs(86_400);
        let connect_timeout = Duration::from_millis(10)..=Duration::from_secs(60);
        Self {
            said: Said::read(table, &outer.said),
            children: Children::read(table, &outer.children),
            timeout: table.duration("timeout", timeout).unwrap_or(outer.timeout),
            connect_timeout: table
                .duration("connect_timeout", connect_timeout)
                .unwrap_or(outer.connect_timeout),
            forward_headers: headers::forwarded_requests(table)
                .unwrap_or_else(|| outer.forward_headers.clone()),
            forward_response_headers: headers::forwarded_responses(table)
                .unwrap_or_else(|| outer.forward_response_headers.clone()),
        }
    }
}

fn lone(table: &Table<'_>, shared: Shared) -> Option<Upstream> {
    upstream(table, LONE.to_owned(), shared).map(|upstream| Upstream {
        default: true,
        ..upstream
    })
}

fn named(table: &Table<'_>, shared: &Shared) -> Option<Upstream> {
    let name = name(table);
    let upstream = upstream(
        table,
        name.clone().unwrap_or_default(),
        Shared::read(table, shared),
    );
    let ceiling = auth::entries(table, "allowed_tools");
    if ceiling.as_ref().is_some_and(Vec::is_empty) {
        table.report("allowed_tools", Problem::AllowsNothing);
    }
    let path_prefix = table.parsed_text("path_prefix", PREFIX, prefix);
    let strip_prefix = table.flag("strip_prefix").unwrap_or(false);
    let required = table.flag("required").unwrap_or(false);
    let default = table.flag("default").unwrap_or(false);
    name?;
    upstream.map(|upstream| Upstream {
        allowed_tools: ceiling,
        path_prefix,
        strip_prefix,
        required,
        default,
        ..upstream
    })
}

/// What both forms have.
fn upstream(table: &Table<'_>, name: String, shared: Shared) -> Option<Upstream> {
    shared.said.check(table);
    let speech = shared.said.speech();
    let url = url(table).and_then(parse_target);
    let target = if shared.said.transport() == Transport::Stdio {
        child::read(table, shared.children, speech.eras).map(Target::Child)
    } else {
        tls::upstream(table, url)
    };
    let headers = headers::added(table);
    let bearer_token = table.secret("bearer_token");
    Some(Upstream {
        key_path: table.path.clone(),
        name,
        target: target?,
        speech,
        headers,
        bearer_token,
        timeout: shared.timeout,
        connect_timeout: shared.connect_timeout,
        forward_headers: shared.forward_headers,
        forward_response_headers: shared.forward_response_headers,
        allowed_tools: None,
        required: false,
        path_prefix: None,
        strip_prefix: false,
        default: false,
    })
}

/// A `url` that can be taken apart. User information in it is a credential: the value is not shown.
fn url<'a>(table: &Table<'a>) -> Option<&'a str> {
    let url = table.text("url")?;
    if parse_target(url).is_none() {
        let value = (!url.contains('@')).then(|| url.to_owned());
        table.report(
            "url",
            Problem::Malformed {
                value,
                accepted: URL.to_owned(),
            },
        );
        return None;
    }
    Some(url)
}

fn name(table: &Table<'_>) -> Option<String> {
    let name = table.required_text("name", NAME)?;
    let known =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    let sound = (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(known);
    if sound {
        Some(name.to_owned())
    } else {
        table.malformed("name", name, NAME)
    }
}

fn prefix(text: &str) -> Option<String> {
    let segment = |segment: &str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(known)
    };
    text.strip_prefix('/')?
        .split('/')
        .all(segment)
        .then(|| text.to_owned())
}
