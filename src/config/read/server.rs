//! `[server]`, `[server.cors]` and `[server.admin]`.

use std::net::IpAddr;
use std::time::Duration;

use crate::config::model::{Accept, Admin, Cors, IoDriver, Server, Sessions, Workers};
use crate::config::problem::Problem;
use crate::config::read::table::Table;
use crate::config::read::{limits, tls};
use crate::config::tree::Value;
use crate::config::units::parse_host;
use crate::config::url::{parse_origin, parse_public, split_authority};
use crate::engine::identity::AddressRange;
use crate::engine::seal::Sealer;

/// Longest time that an idle worker may poll, in microseconds.
const BUSY_POLL_US_MAX: u32 = 1_000;

const HOST: &str = "an IP address, or localhost";
const HOST_HEADER: &str = "a host, with its port where it is not the default: mcp.example.com:8443";
const ORIGIN: &str = "scheme://host[:port], without wildcard, path or trailing slash";
const PUBLIC_URL: &str = "https://host[:port][/path] without query";
pub(super) const NETWORK: &str =
    "an IP address, or a CIDR block without host bits, such as 10.0.0.0/8";

const ACCEPT: [(&str, Accept); 2] = [("reuseport", Accept::ReusePort), ("shared", Accept::Shared)];
const IO: [(&str, IoDriver); 3] = [
    ("auto", IoDriver::Auto),
    ("uring", IoDriver::Uring),
    ("epoll", IoDriver::Epoll),
];

pub(super) fn read(table: &Table<'_>) -> Server {
    let default = Server::default();
    Server {
        host: host(table).unwrap_or(default.host),
        port: table.integer("port", 0..=u16::MAX).unwrap_or(default.port),
        workers: workers(table).unwrap_or(default.workers),
        accept: table.choice("accept", &ACCEPT).unwrap_or(default.accept),
        io: table.choice("io", &IO).unwrap_or(default.io),
        public_url: table.parsed_text("public_url", PUBLIC_URL, parse_public),
        allowed_hosts: table
            .parsed("allowed_hosts", HOST_HEADER, parse_host_header)
            .unwrap_or_default(),
        allowed_origins: table
            .parsed("allowed_origins", ORIGIN, parse_origin)
            .unwrap_or_default(),
        trusted_proxies: table
            .parsed("trusted_proxies", NETWORK, |text| {
                AddressRange::parse(text).ok()
            })
            .unwrap_or_default(),
        drain_timeout: table
            .duration("drain_timeout", Duration::ZERO..=HOUR)
            .unwrap_or(default.drain_timeout),
        busy_poll_us: table
            .integer("busy_poll_us", 0..=BUSY_POLL_US_MAX)
            .unwrap_or(default.busy_poll_us),
        sessions: sessions(table),
        tls: tls::server(&table.section("tls")),
        cors: cors(&table.section("cors")),
        limits: limits::read(table, &table.section("limits")),
        admin: admin(&table.section("admin")),
    }
}

const HOUR: Duration = Duration::from_secs(3600);

/// Browsers cap the age of a preflight far below this.
const DAY: Duration = Duration::from_secs(86_400);

/// Longest time that a session id may be taken.
const YEAR: Duration = Duration::from_secs(365 * 86_400);

fn sessions(table: &Table<'_>) -> Sessions {
    let default = Sessions::default();
    let key = table.secret("session_key");
    let short = key.as_ref().map(|key| key.expose().len());
    if let Some(bytes) = short.filter(|bytes| *bytes < Sealer::SECRET_BYTES_MIN) {
        let key = if table.has("session_key") {
            "session_key"
        } else {
            "session_key_file"
        };
        table.report(key, Problem::SessionKeyShort { bytes });
    }
    Sessions {
        key,
        ttl: table
            .duration("session_ttl", Duration::from_secs(1)..=YEAR)
            .unwrap_or(default.ttl),
        legacy_sse: table.flag("legacy_sse").unwrap_or(default.legacy_sse),
    }
}

fn cors(table: &Table<'_>) -> Cors {
    let default = Cors::default();
    Cors {
        enabled: table.flag("enabled").unwrap_or(default.enabled),
        allowed_origins: table
            .parsed("allowed_origins", ORIGIN, parse_origin)
            .unwrap_or_default(),
        allowed_methods: table
            .parsed("allowed_methods", "a method in upper case", method)
            .unwrap_or(default.allowed_methods),
        allowed_headers: table
            .parsed("allowed_headers", "a header name", header_name)
            .unwrap_or(default.allowed_headers),
        max_age: table
            .duration("max_age", Duration::ZERO..=DAY)
            .unwrap_or(default.max_age),
    }
}

fn admin(table: &Table<'_>) -> Admin {
    let default = Admin::default();
    Admin {
        host: host(table).unwrap_or(default.host),
        port: table.integer("port", 0..=u16::MAX).unwrap_or(default.port),
        token: table.secret("token"),
        metrics_on_main: table
            .flag("metrics_on_main")
            .unwrap_or(default.metrics_on_main),
    }
}

fn host(table: &Table<'_>) -> Option<IpAddr> {
    table.parsed_text("host", HOST, parse_host)
}

fn workers(table: &Table<'_>) -> Option<Workers> {
    match table.value("workers")? {
        Value::Text(text) if text.as_str() == "auto" => Some(Workers::Auto),
        Value::Text(text) => {
            let accepted = vec!["auto".to_owned(), format!("1 to {}", Workers::COUNT_MAX)];
            table.report(
                "workers",
                Problem::NotAccepted {
                    value: text.to_string(),
                    accepted,
                },
            );
            None
        }
        _ => table
            .integer("workers", 1..=Workers::COUNT_MAX)
            .map(Workers::Count),
    }
}

fn parse_host_header(text: &str) -> Option<String> {
    split_authority(text).map(|_| text.to_ascii_lowercase())
}

fn method(text: &str) -> Option<String> {
    let sound = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase());
    sound.then(|| text.to_owned())
}

fn header_name(text: &str) -> Option<String> {
    super::headers::is_name(text).then(|| text.to_owned())
}
