//! `[auth.jwt]`, or `[[auth.jwt]]`: one issuer of signed tokens each.

use std::time::Duration;

use crate::config::model::{Jwt, JwtKeys};
use crate::config::problem::Problem;
use crate::config::read::auth::entries;
use crate::config::read::scopes::{allowed, claim, is_text, is_token, mapping};
use crate::config::read::table::Table;
use crate::config::url::parse_fetch;
use crate::engine::identity::jwt::Algorithm;
use crate::engine::limits::{
    BURST_MAX, JWT_AUDIENCE_BYTES_MAX, JWT_AUDIENCES_MAX, JWT_ISSUER_BYTES_MAX,
    JWT_SECRET_BYTES_MIN,
};

const MODE: &str = "\"simple\" (a shared secret) or \"jwks\" (keys that the issuer publishes)";
const ISSUER: &str = "the iss of its tokens, exactly as they have it; without it a token of any issuer with such a key would be taken";
const ISSUER_FORM: &str = "1 to 256 printable ASCII characters without space, quote and backslash, such as https://id.example.com/";
const AUDIENCE: &str = "the aud that tokens for this gateway have, or a list of them; without it a token made for another service would be taken";
const AUDIENCE_FORM: &str = "1 to 256 bytes of text without control characters";
const SECRET: &str = "the secret that issuer and gateway share, as secret or secret_file; make one with `openssl rand -base64 32`";
const JWKS: &str = "https://host[:port]/path of the issuer's JWK Set (jwks_uri in its /.well-known/openid-configuration)";
const JWKS_FORM: &str = "https://host[:port]/path without user information and fragment, or http:// of a loopback address";

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// Farthest that clocks may differ: beyond it a token lives noticeably longer than its issuer meant.
const LEEWAY_MAX: Duration = Duration::from_secs(300);

/// `mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Simple,
    Jwks,
}

const MODES: [(&str, Mode); 2] = [("simple", Mode::Simple), ("jwks", Mode::Jwks)];

/// Keys of each mode alone.
const OF_SIMPLE: [&str; 2] = ["secret", "secret_file"];
const OF_JWKS: [&str; 3] = ["jwks_url", "jwks_ca_path", "cache_duration_secs"];

impl Mode {
    /// Whether tokens of the mode may be signed with `algorithm`: what anybody can read must never be a secret.
    fn takes(self, algorithm: Algorithm) -> bool {
        algorithm.is_symmetric() == (self == Self::Simple)
    }

    fn defaults(self) -> Vec<Algorithm> {
        match self {
            Self::Simple => vec![Algorithm::Hs256],
            Self::Jwks => vec![Algorithm::Rs256, Algorithm::Es256],
        }
    }
}

pub(super) fn read(tables: &[Table<'_>]) -> Vec<Jwt> {
    let issuers: Vec<_> = tables.iter().filter_map(issuer).collect();
    check_shared_urls(tables, &issuers);
    issuers
}

/// One issuer. Without its name, its audience and its keys there is nothing that rules could speak of.
fn issuer(table: &Table<'_>) -> Option<Jwt> {
    table.require("mode", MODE);
    let mode = table.choice("mode", &MODES);
    let algorithms = mode.and_then(|mode| algorithms(table, mode));
    let keys = mode.and_then(|mode| keys(table, mode, algorithms.as_deref().unwrap_or_default()));
    let (issuer, audience) = (issuer_name(table), audience(table));
    let scope_tool_mapping = mapping(table);
    let allowed_tools = allowed(table, !scope_tool_mapping.is_empty());
    let denied_tools = entries(table, "denied_tools").unwrap_or_default();
    let (user_id_claim, scopes_claim) = (
        claim(table, "user_id_claim", "sub"),
        claim(table, "scopes_claim", "scope"),
    );
    let (rate_limit, burst_size) = (
        table.rate("rate_limit"),
        table.integer("burst_size", 1..=BURST_MAX),
    );
    let leeway = table.duration("leeway_secs", Duration::ZERO..=LEEWAY_MAX);
    let require_at_jwt = table.flag("require_at_jwt").unwrap_or(false);
    Some(Jwt {
        key_path: table.path.clone(),
        keys: keys?,
        algorithms: algorithms?,
        issuer: issuer?,
        audience: audience?,
        user_id_claim,
        scopes_claim,
        scope_tool_mapping,
        allowed_tools,
        denied_tools,
        rate_limit,
        burst_size,
        leeway: leeway.unwrap_or_default(),
        require_at_jwt,
    })
}

/// `algorithms`, in an order that does not depend on that of the file.
fn algorithms(table: &Table<'_>, mode: Mode) -> Option<Vec<Algorithm>> {
    if !table.has("algorithms") {
        return Some(mode.defaults());
    }
    let names = table.texts("algorithms")?;
    let mut found = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let algorithm = algorithm(table, mode, index, name);
        let before = names.iter().position(|other| other == name);
        if let Some(other) = before.filter(|before| *before != index) {
            let other = table.path_of(&format!("algorithms[{other}]"));
            table.report(&format!("algorithms[{index}]"), Problem::SameAs { other });
        }
        found.extend(algorithm);
    }
    if names.is_empty() {
        let accepted = format!("at least one of {}", accepted(mode).join(", "));
        table.report(
            "algorithms",
            Problem::Malformed {
                value: None,
                accepted,
            },
        );
    }
    let in_order = Algorithm::ALL.into_iter();
    let in_order: Vec<_> = in_order.filter(|known| found.contains(known)).collect();
    (!in_order.is_empty()).then_some(in_order)
}

fn algorithm(table: &Table<'_>, mode: Mode, index: usize, name: &str) -> Option<Algorithm> {
    let key = format!("algorithms[{index}]");
    let problem = match Algorithm::named(name) {
        Some(algorithm) if mode.takes(algorithm) => return Some(algorithm),
        Some(_) => Problem::Conflict {
            other: format!("{} = {:?}", table.path_of("mode"), mode_name(mode)),
            remedy: "a shared secret goes with HS256, HS384 and HS512 (mode \"simple\"), published keys with all others (mode \"jwks\"); never both",
        },
        None if name.eq_ignore_ascii_case("none") => Problem::UnsignedTokens,
        None => Problem::NotAccepted {
            value: name.to_owned(),
            accepted: accepted(mode),
        },
    };
    table.report(&key, problem);
    None
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Simple => "simple",
        Mode::Jwks => "jwks",
    }
}

/// The names of the algorithms of `mode`.
fn accepted(mode: Mode) -> Vec<String> {
    let known = Algorithm::ALL.into_iter();
    let known = known.filter(|algorithm| mode.takes(*algorithm));
    known.map(|known| known.as_str().to_owned()).collect()
}

fn keys(table: &Table<'_>, mode: Mode, algorithms: &[Algorithm]) -> Option<JwtKeys> {
    let foreign: &[&str] = match mode {
        Mode::Simple => &OF_JWKS,
        Mode::Jwks => &OF_SIMPLE,
    };
    for key in foreign.iter().filter(|key| table.has(key)) {
        let other = format!("{} = {:?}", table.path_of("mode"), mode_name(mode));
        let remedy = "it belongs to the other mode; remove it, or change mode";
        table.report(key, Problem::Conflict { other, remedy });
    }
    match mode {
        Mode::Simple => secret(table, algorithms),
        Mode::Jwks => jwks(table),
    }
}

/// The shared secret, at least as long as what its hash puts out (RFC 7518 §3.2).
fn secret(table: &Table<'_>, algorithms: &[Algorithm]) -> Option<JwtKeys> {
    let has_file = table.has("secret_file");
    if !table.has("secret") && !has_file {
        table.report("secret", Problem::Missing { accepted: SECRET });
    }
    let secret = table.secret("secret")?;
    let least = algorithms
        .iter()
        .map(|algorithm| algorithm.secret_bytes_min());
    let bytes_min = least.max().unwrap_or(JWT_SECRET_BYTES_MIN);
    let bytes = secret.expose().len();
    if bytes < bytes_min {
        let key = if has_file { "secret_file" } else { "secret" };
        table.report(key, Problem::SecretShort { bytes, bytes_min });
    }
    Some(JwtKeys::Secret(secret))
}

/// Where keys are published. User information in the URL is a credential: such a value is not shown.
fn jwks(table: &Table<'_>) -> Option<JwtKeys> {
    let cache_duration = table.duration("cache_duration_secs", MINUTE..=DAY);
    let ca_path = table.file_path("jwks_ca_path");
    let text = table.required_text("jwks_url", JWKS)?;
    let Some(mut url) = parse_fetch(text) else {
        let value = (!text.contains('@')).then(|| text.to_owned());
        let accepted = JWKS_FORM.to_owned();
        table.report("jwks_url", Problem::Malformed { value, accepted });
        return None;
    };
    if ca_path.is_some() && !url.is_secure {
        let other = format!("a {} that is not https", table.path_of("jwks_url"));
        let remedy = "nobody vouches for a plain connection; remove it, or write https://";
        table.report("jwks_ca_path", Problem::Conflict { other, remedy });
    }
    url.ca_path = ca_path;
    Some(JwtKeys::Jwks {
        url,
        cache_duration: cache_duration.unwrap_or(HOUR),
    })
}

/// What is fetched from one URL is one set, whoever names it.
fn check_shared_urls(tables: &[Table<'_>], issuers: &[Jwt]) {
    for (index, issuer) in issuers.iter().enumerate() {
        let JwtKeys::Jwks { url, .. } = &issuer.keys else {
            continue;
        };
        let earlier = issuers[..index].iter().find(|earlier| {
            matches!(&earlier.keys, JwtKeys::Jwks { url: other, .. } if other.text == url.text && other.ca_path != url.ca_path)
        });
        let table = tables.iter().find(|table| table.path == issuer.key_path);
        if let (Some(earlier), Some(table)) = (earlier, table) {
            let other = format!("another {}.jwks_ca_path", earlier.key_path);
            let remedy = "both name one jwks_url, which is fetched once; give both the same";
            table.report("jwks_ca_path", Problem::Conflict { other, remedy });
        }
    }
}

fn issuer_name(table: &Table<'_>) -> Option<String> {
    table.require("issuer", ISSUER);
    table.parsed_text("issuer", ISSUER_FORM, |text| {
        is_token(text, JWT_ISSUER_BYTES_MAX).then(|| text.to_owned())
    })
}

fn audience(table: &Table<'_>) -> Option<Vec<String>> {
    table.require("audience", AUDIENCE);
    let texts = table.text_or_texts("audience")?;
    if texts.is_empty() || texts.len() > JWT_AUDIENCES_MAX {
        let value = format!("{} values", texts.len());
        let accepted = format!("1 to {JWT_AUDIENCES_MAX} values");
        table.report("audience", Problem::OutOfRange { value, accepted });
        return None;
    }
    let sound = texts.into_iter().filter_map(|(key, text)| {
        if is_text(text, JWT_AUDIENCE_BYTES_MAX) {
            Some(text.to_owned())
        } else {
            table.malformed(&key, text, AUDIENCE_FORM)
        }
    });
    Some(sound.collect())
}
