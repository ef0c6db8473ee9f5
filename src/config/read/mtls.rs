//! `[auth.mtls]` and `[[auth.mtls.identities]]`.

use crate::config::model::{Mtls, MtlsIdentity};
use crate::config::problem::Problem;
use crate::config::read::auth::{entries, tools};
use crate::config::read::server::NETWORK;
use crate::config::read::table::Table;
use crate::engine::identity::AddressRange;
use crate::engine::identity::mtls::{
    CertificateOrigin, IdentityPattern, IdentitySource, ProxyFormat,
};
use crate::engine::limits::{BURST_MAX, IDENTITY_ID_BYTES_MAX, MTLS_IDENTITIES_MAX};

const MATCH: &str =
    "a pattern over whole identities: 1 to 256 characters, `*`, `?` and `[set]`, never `**`";
const PROXIES: &str = "the addresses of the proxies that verify certificates; the headers of anybody else could be forged";

const SOURCES: [(&str, IdentitySource); 7] = [
    ("cn", IdentitySource::Cn),
    ("san_dns", IdentitySource::SanDns),
    ("san_email", IdentitySource::SanEmail),
    ("san_uri", IdentitySource::SanUri),
    ("sandns", IdentitySource::SanDns),
    ("sanemail", IdentitySource::SanEmail),
    ("sanuri", IdentitySource::SanUri),
];

/// `source`; `true` is a proxy in front.
const ORIGINS: [(&str, bool); 2] = [("native", false), ("header", true)];

const FORMATS: [(&str, ProxyFormat); 5] = [
    ("plain", ProxyFormat::Plain),
    ("nginx", ProxyFormat::Nginx),
    ("envoy", ProxyFormat::Envoy),
    ("haproxy", ProxyFormat::Haproxy),
    ("traefik", ProxyFormat::Traefik),
];

/// Shortest prefix of a trusted range of IPv4, in bits: 10.0.0.0/8 may be one's own, nothing wider.
const IPV4_PREFIX_BITS_MIN: u8 = 8;

/// The same of IPv6: fc00::/7.
const IPV6_PREFIX_BITS_MIN: u8 = 7;

/// Whether certificates are credentials.
pub(super) fn is_enabled(table: &Table<'_>) -> bool {
    table.has("enabled") && table.flag("enabled") != Some(false)
}

/// `[auth.mtls]` where it is enabled. Whatever is wrong with it is reported either way.
pub(super) fn read(table: &Table<'_>) -> Option<Mtls> {
    if !table.is_present() {
        return None;
    }
    let is_enabled = is_enabled(table);
    if !table.has("enabled") {
        table.report("enabled", Problem::SwitchedOff);
    }
    let source = table.choice("identity_source", &SOURCES);
    let mtls = Mtls {
        identity_source: source.unwrap_or(IdentitySource::Cn),
        origin: origin(table, is_enabled),
        identities: identities(table),
        allowed_tools: entries(table, "allowed_tools"),
        rate_limit: table.rate("rate_limit"),
        burst_size: table.integer("burst_size", 1..=BURST_MAX),
        allow_bearer: table.flag("allow_bearer").unwrap_or(false),
    };
    let default_is_empty = mtls.allowed_tools.as_ref().is_some_and(Vec::is_empty);
    let maps_nobody = !table.has("identities") && !table.has("allowed_tools");
    if is_enabled && (default_is_empty || maps_nobody) {
        table.report("allowed_tools", Problem::AllowsNothing);
    }
    is_enabled.then_some(mtls)
}

/// `source`, and what belongs to a proxy in front.
fn origin(table: &Table<'_>, is_enabled: bool) -> CertificateOrigin {
    let format = table.choice("header_format", &FORMATS);
    let proxies = proxies(table);
    let is_header = table.choice("source", &ORIGINS);
    if is_header == Some(true) {
        let none_is_named = proxies.as_ref().is_none_or(Vec::is_empty);
        if is_enabled && none_is_named && (!table.has("trusted_proxy_ips") || proxies.is_some()) {
            table.report("trusted_proxy_ips", Problem::Missing { accepted: PROXIES });
        }
        return CertificateOrigin::Header {
            proxies: proxies.unwrap_or_default(),
            format: format.unwrap_or(ProxyFormat::Plain),
        };
    }
    let is_native = is_header.is_some() || !table.has("source");
    for key in ["trusted_proxy_ips", "header_format"] {
        if table.has(key) && is_native {
            let other = format!("{} = \"native\"", table.path_of("source"));
            let remedy = "set source = \"header\" where a proxy in front verifies certificates, or remove the key";
            table.report(key, Problem::Conflict { other, remedy });
        }
    }
    CertificateOrigin::Native
}

/// `trusted_proxy_ips`; `None` also where some of them were refused, so that nothing more is said of their number.
fn proxies(table: &Table<'_>) -> Option<Vec<AddressRange>> {
    const KEY: &str = "trusted_proxy_ips";
    let texts = table.texts(KEY)?;
    let mut ranges = Some(Vec::new());
    for (index, text) in texts.into_iter().enumerate() {
        let key = format!("{KEY}[{index}]");
        match AddressRange::parse(text) {
            Ok(range) if !is_too_wide(text) => ranges.iter_mut().for_each(|all| all.push(range)),
            Ok(_) => {
                let range = text.to_owned();
                table.report(&key, Problem::TrustsTooMany { range });
                ranges = None;
            }
            Err(_) => ranges = table.malformed(&key, text, NETWORK),
        }
    }
    ranges
}

/// Whether the range, which is sound, holds more of the Internet than anybody's own proxies.
fn is_too_wide(range: &str) -> bool {
    let Some((address, bits)) = range.split_once('/') else {
        return false;
    };
    let least = if address.contains(':') {
        IPV6_PREFIX_BITS_MIN
    } else {
        IPV4_PREFIX_BITS_MIN
    };
    bits.parse::<u8>().is_ok_and(|bits| bits < least)
}

fn identities(table: &Table<'_>) -> Vec<MtlsIdentity> {
    let tables = table.sections("identities");
    if tables.len() > MTLS_IDENTITIES_MAX {
        let value = tables.len().to_string();
        let accepted = format!("up to {MTLS_IDENTITIES_MAX} entries");
        table.report("identities", Problem::OutOfRange { value, accepted });
    }
    let identities: Vec<_> = tables.iter().filter_map(identity).collect();
    refuse_repeated(table, &identities);
    identities
}

fn identity(table: &Table<'_>) -> Option<MtlsIdentity> {
    table.require("match", MATCH);
    let pattern = table.parsed_text("match", MATCH, |text| {
        let sound = (1..=IDENTITY_ID_BYTES_MAX).contains(&text.len())
            && !text.chars().any(char::is_control);
        IdentityPattern::parse(text).ok().filter(|_| sound)
    });
    let (allowed_tools, denied_tools) = (
        tools(table, "allowed_tools"),
        entries(table, "denied_tools").unwrap_or_default(),
    );
    let (rate_limit, burst_size) = (
        table.rate("rate_limit"),
        table.integer("burst_size", 1..=BURST_MAX),
    );
    Some(MtlsIdentity {
        key_path: table.path.clone(),
        pattern: pattern?,
        allowed_tools,
        denied_tools,
        rate_limit,
        burst_size,
    })
}

/// The first that matches counts: the second of two equal patterns would never be looked at.
fn refuse_repeated(table: &Table<'_>, identities: &[MtlsIdentity]) {
    let mut seen = std::collections::HashMap::new();
    for identity in identities {
        let key_path = format!("{}.match", identity.key_path);
        if let Some(first) = seen.insert(identity.pattern.as_str(), &identity.key_path) {
            let other = format!("{first}.match");
            table.cx.report(key_path, Problem::SameAs { other });
        }
    }
}
